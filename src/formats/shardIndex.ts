import { FormatError, type ByteSource } from './byteSource';
import { compareNaturally } from './fileNames';
import { staysInside } from './insideFolder';
import type { Sniff, TensorFormat } from './registry';
import { sniffLength } from './registry';
import { safetensors } from './safetensors';
import type { OpenSibling, SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';
import { torchLegacy } from './torchLegacy';
import { torchZip } from './torchZip';

/** The same as for the header of a safetensors file, which lists the same names. */
const largestIndex = 100_000_000;
/** huggingface.js reads at most 10,000 shards; a model of a trillion parameters has hundreds. */
const mostShards = 10_000;
const mostTensors = 1_000_000;
const shardFormats: readonly TensorFormat[] = [safetensors, torchZip, torchLegacy];

/** Hugging Face's model.safetensors.index.json and pytorch_model.bin.index.json: {"metadata": {...}, "weight_map": {tensor: file}}. */
export const shardIndex: TensorFormat = {
  kind: 'tensors',
  id: 'shardIndex',
  label: 'sharded checkpoint',
  mayBe: isIndexName,
  matches: ({ name, head }) => isIndexName(name) && /^\s*\{/.test(Buffer.from(head.subarray(0, 64)).toString('latin1')),
  open: async (source, openSibling) => openShards(source, openSibling),
};

function isIndexName(name: string): boolean {
  return /\.(?:safetensors|bin|pt|pth)\.index\.json$/i.test(name);
}

interface Shard {
  readonly file: TensorFile | null;
  /** Why it is not there. */
  readonly problem: string;
}

/** Lists the shards that are there; tensors of the others are skipped with the reason. */
async function openShards(source: ByteSource, openSibling: OpenSibling): Promise<TensorFile> {
  const { weightMap, metadata } = await readIndex(source);
  const byShard = new Map<string, string[]>();
  for (const [name, shard] of weightMap) {
    const names = byShard.get(shard) ?? [];
    byShard.set(shard, names);
    names.push(name);
  }
  if (byShard.size > mostShards) {
    throw new FormatError(source.name, 'weight_map', `names ${byShard.size} files, more than the limit of ${mostShards}`);
  }
  const tensors: TensorInfo[] = [];
  const skipped: SkippedTensor[] = [];
  const homes = new Map<string, TensorFile>();
  for (const shardName of [...byShard.keys()].sort(compareNaturally)) {
    const { file, problem } = await openShard(shardName, openSibling);
    const wanted = new Set(byShard.get(shardName));
    for (const info of file?.tensors ?? []) {
      if (wanted.delete(info.name)) {
        tensors.push(info);
        homes.set(info.name, file!);
      }
    }
    const reasons = new Map(file?.skipped?.map(({ name, reason }) => [name, reason]));
    for (const name of wanted) {
      skipped.push({ name, reason: file === null ? problem : (reasons.get(name) ?? `is not in ${shardName}, where the index says`) });
    }
  }
  return {
    tensors,
    metadata,
    skipped,
    async read(name): Promise<Tensor> {
      const home = homes.get(name);
      if (home === undefined) {
        const reason = skipped.find((tensor) => tensor.name === name)?.reason ?? 'there is no such tensor in the index';
        throw new FormatError(source.name, `tensor ${name}`, reason);
      }
      return home.read(name);
    },
  };
}

async function openShard(name: string, openSibling: OpenSibling): Promise<Shard> {
  if (!staysInside(name)) {
    return { file: null, problem: `is said to be in ${JSON.stringify(name)}, which is outside of the folder` };
  }
  try {
    const sibling = await openSibling(name);
    const sniff: Sniff = { name: name.split('/').at(-1)!, head: await sibling.read(0, Math.min(sniffLength, sibling.size)), size: sibling.size };
    const format = shardFormats.find((each) => each.matches(sniff));
    if (format === undefined) {
      return { file: null, problem: `its shard ${name} is neither a safetensors nor a PyTorch file` };
    }
    return { file: await format.open(sibling, openSibling), problem: '' };
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    return { file: null, problem: `its shard ${name} ${error.place === '' ? '' : `(${error.place}) `}${error.reason}` };
  }
}

async function readIndex(source: ByteSource): Promise<{ weightMap: ReadonlyMap<string, string>; metadata: Record<string, string> }> {
  const fail = (place: string, reason: string) => new FormatError(source.name, place, reason);
  if (source.size > largestIndex) {
    throw fail('', `has ${source.size} bytes, more than the limit of ${largestIndex} for an index`);
  }
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await source.read(0, source.size)));
  } catch (error) {
    if (error instanceof FormatError) {
      throw error;
    }
    // Node quotes the text in its message, which may be any bytes at all.
    throw fail('', `is not JSON (${String(error instanceof Error ? error.message : error).replace(/[^\x20-\x7e]/g, '?').slice(0, 120)})`);
  }
  const { weight_map: map, metadata } = (index ?? {}) as Record<string, unknown>;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw fail('weight_map', 'there is no object that says which file each tensor is in');
  }
  const entries = Object.entries(map);
  if (entries.length > mostTensors) {
    throw fail('weight_map', `lists ${entries.length} tensors, more than the limit of ${mostTensors}`);
  }
  const wrong = entries.find(([, file]) => typeof file !== 'string');
  if (wrong !== undefined) {
    throw fail(`tensor ${wrong[0]}`, 'its file is no text');
  }
  const plain = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? Object.entries(metadata) : [];
  return {
    weightMap: new Map(entries as [string, string][]),
    metadata: Object.fromEntries(plain.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)])),
  };
}
