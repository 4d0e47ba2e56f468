import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');
const twin = path.join(here, 'twin_checkpoints.py');
/** What listing a file of 1 GB may take. */
const target = { milliseconds: 100, megabytes: 50 };

/** The parameters of ViT-L/16 (Dosovitskiy et al. 2021): 296 tensors, 304 million numbers, 1.2 GB. */
function shapesOfVitLarge() {
  const [width, blocks, hidden] = [1024, 24, 4096];
  const shapes = { cls_token: [1, 1, width], pos_embed: [1, 197, width], 'patch_embed.proj.weight': [width, 3, 16, 16], 'patch_embed.proj.bias': [width] };
  for (let i = 0; i < blocks; i++) {
    const block = {
      'norm1.weight': [width], 'norm1.bias': [width], 'attn.qkv.weight': [3 * width, width], 'attn.qkv.bias': [3 * width], 'attn.proj.weight': [width, width], 'attn.proj.bias': [width],
      'norm2.weight': [width], 'norm2.bias': [width], 'mlp.fc1.weight': [hidden, width], 'mlp.fc1.bias': [hidden], 'mlp.fc2.weight': [width, hidden], 'mlp.fc2.bias': [width],
    };
    for (const [name, shape] of Object.entries(block)) shapes[`blocks.${i}.${name}`] = shape;
  }
  return { ...shapes, 'norm.weight': [width], 'norm.bias': [width], 'head.weight': [1000, width], 'head.bias': [1000] };
}

const elementsOf = (shape) => shape.reduce((product, size) => product * size, 1);

/** Zeros that take no room on most disks; the layout is what counts. */
function writeSafetensors(shapes, file) {
  let offset = 0;
  const header = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const begin = offset;
      offset += 4 * elementsOf(shape);
      return [name, { dtype: 'F32', shape, data_offsets: [begin, offset] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const handle = openSync(file, 'w');
  writeSync(handle, Buffer.concat([length, text]));
  ftruncateSync(handle, 8 + text.length + offset);
  closeSync(handle);
}

function pickleOf(shapes) {
  const int = (value) => {
    const bytes = Buffer.alloc(5, 'J');
    bytes.writeInt32LE(value, 1);
    return bytes;
  };
  const text = (value) => {
    const bytes = Buffer.from(`X....${value}`);
    bytes.writeUInt32LE(Buffer.byteLength(value), 1);
    return bytes;
  };
  const tuple = (...items) => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]);
  const tensors = Object.entries(shapes).flatMap(([name, shape], key) => {
    const strides = shape.map((_, axis) => elementsOf(shape.slice(axis + 1)));
    const storage = Buffer.concat([tuple(text('storage'), Buffer.from('ctorch\nFloatStorage\n'), text(String(key)), text('cpu'), int(elementsOf(shape))), Buffer.from('Q')]);
    const hooks = Buffer.from('ccollections\nOrderedDict\n)R');
    return [text(name), Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n'), tuple(storage, int(0), tuple(...shape.map(int)), tuple(...strides.map(int)), Buffer.from([0x89]), hooks), Buffer.from('R')];
  });
  return Buffer.concat([Buffer.from([0x80, 2]), Buffer.from('}('), text('model'), Buffer.from('}('), ...tensors, Buffer.from('u'), text('epoch'), int(3), Buffer.from('u.')]);
}

/** As torch.save does it: stored entries, of which the storages are aligned to 64 bytes. Checksums of storages are left out. */
function writeTorchZip(shapes, file) {
  const handle = openSync(file, 'w');
  const directory = [];
  let offset = 0;
  const add = (name, bytes, content) => {
    const fields = Buffer.alloc(26);
    fields.writeUInt32LE(content ? crc32(content) : 0, 10);
    fields.writeUInt32LE(bytes, 14);
    fields.writeUInt32LE(bytes, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const padding = (64 - ((offset + 30 + Buffer.byteLength(name)) % 64)) % 64;
    const local = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), fields, Buffer.from(name), Buffer.alloc(padding)]);
    local.writeUInt16LE(padding, 28);
    writeSync(handle, local, 0, local.length, offset);
    if (content) writeSync(handle, content, 0, content.length, offset + local.length);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from([0x50, 0x4b, 1, 2, 0, 0]), fields, tail, Buffer.from(name)]));
    offset += local.length + bytes;
  };
  const pickle = pickleOf(shapes);
  add('archive/data.pkl', pickle.length, pickle);
  add('archive/byteorder', 6, Buffer.from('little'));
  Object.values(shapes).forEach((shape, key) => add(`archive/data/${key}`, 4 * elementsOf(shape)));
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.set([0x50, 0x4b, 5, 6]);
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  writeSync(handle, Buffer.concat([central, end]), 0, central.length + 22, offset);
  closeSync(handle);
}

/** The Python with most of the libraries, PYTHON first. */
function findPython() {
  const candidates = [process.env.PYTHON, '/usr/bin/python3', 'python3'].filter(Boolean);
  const found = candidates.map((command) => {
    const { status, stdout } = spawnSync(command, [twin, 'has'], { encoding: 'utf8' });
    return status === 0 ? { command, has: JSON.parse(stdout) } : { command, has: {} };
  });
  return found.find(({ has }) => has.torch && has.safetensors) ?? found.find(({ has }) => has.torch || has.safetensors) ?? { command: null, has: {} };
}

function runJson(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);

/** Options: --times N (fresh processes for each side and file, default 7). */
export async function main(options) {
  const times = options.includes('--times') ? Number(options[options.indexOf('--times') + 1]) : 7;
  const script = path.join(cache, 'listTensors.cjs');
  await build({ entryPoints: [path.join(here, 'listTensors.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', minify: true, outfile: script, logLevel: 'warning' });
  const python = findPython();
  const shapes = shapesOfVitLarge();
  const folder = mkdtempSync(path.join(tmpdir(), 'layerscope-bench-'));
  try {
    const shapesFile = path.join(folder, 'shapes.json');
    writeFileSync(shapesFile, JSON.stringify(shapes));
    const files = [
      { file: path.join(folder, 'vit_large.safetensors'), library: 'safetensors', needs: ['safetensors', 'numpy'], write: writeSafetensors },
      { file: path.join(folder, 'vit_large.pt'), library: 'torch', needs: ['torch'], write: writeTorchZip },
    ];
    console.log(`Listing the tensors of ViT-L/16 in float32 (${Object.keys(shapes).length} tensors), each time in a fresh process; medians of ${times}, in turn with Python. ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}.`);
    console.log(`Python: ${python.command ? `${python.command}, ${Object.entries(python.has).map(([name, version]) => `${name} ${version}`).join(', ')}` : 'none with torch or safetensors (name one in the environment variable PYTHON)'}.`);
    const rows = [];
    for (const { file, library, needs, write } of files) {
      const byLibrary = needs.every((name) => python.has[name]);
      if (byLibrary) {
        const { status, stderr } = spawnSync(python.command, [twin, 'write', shapesFile, file], { encoding: 'utf8' });
        if (status !== 0) throw new Error(stderr);
      } else {
        write(shapes, file);
      }
      const ours = [];
      const theirs = [];
      for (let i = 0; i < times; i++) {
        ours.push(runJson(process.execPath, [script, file]));
        if (byLibrary) theirs.push(runJson(python.command, [twin, 'list', file]));
      }
      if (ours[0].tensors !== Object.keys(shapes).length) throw new Error(`${ours[0].tensors} tensors were listed`);
      const time = median(ours.map(({ milliseconds }) => milliseconds));
      const memory = median(ours.map((one) => one.memory));
      rows.push({
        file: path.basename(file),
        GB: (statSync(file).size / 1e9).toFixed(2),
        'written by': byLibrary ? library : 'this script',
        'ours ms': time.toFixed(1),
        'ours cpu ms': median(ours.map(({ cpu }) => cpu)).toFixed(1),
        'ours worst ms': Math.max(...ours.map(({ milliseconds }) => milliseconds)).toFixed(1),
        'ours MB': megabytes(memory),
        reader: theirs[0]?.how ?? '-',
        'python ms': theirs.length > 0 ? median(theirs.map(({ milliseconds }) => milliseconds)).toFixed(1) : '-',
        'python MB': theirs.length > 0 ? megabytes(median(theirs.map((one) => one.memory))) : '-',
        target: time < target.milliseconds && memory < target.megabytes * 2 ** 20 ? 'met' : 'missed',
      });
      rmSync(file);
    }
    console.table(rows);
    console.log(`Target: under ${target.milliseconds} ms and under ${target.megabytes} MB more memory.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
