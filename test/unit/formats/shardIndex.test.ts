import { describe, expect, it } from 'vitest';
import { FormatError, memorySource } from '../../../src/formats';
import { shardIndex } from '../../../src/formats/shardIndex';
import { failure, safetensorsOf } from './build';

const shards: Readonly<Record<string, Uint8Array>> = {
  'model-00001-of-00010.safetensors': safetensorsOf({ b: { shape: [1], values: [2] }, a: { shape: [1], values: [1] }, extra: { shape: [1], values: [0] } }),
  'model-00010-of-00010.safetensors': safetensorsOf({ d: { shape: [1], values: [4] } }),
  'parts/model-00002-of-00010.safetensors': safetensorsOf({ c: { shape: [1], values: [3] } }),
  'broken.safetensors': Buffer.from('abc'),
  'notes.bin': Buffer.from('hello'),
};
const asked: string[] = [];
const openSibling = (name: string) => {
  asked.push(name);
  const bytes = shards[name];
  return bytes === undefined ? Promise.reject(new FormatError(name, '', 'does not exist (any more)')) : Promise.resolve(memorySource(name, bytes));
};
const open = (index: unknown) => shardIndex.open(memorySource('model.safetensors.index.json', Buffer.from(typeof index === 'string' ? index : JSON.stringify(index))), openSibling);

describe('an index of shards', () => {
  it('is one file of tensors, in the order of the shards', async () => {
    const file = await open({
      metadata: { total_size: 16, note: 'x' },
      weight_map: {
        d: 'model-00010-of-00010.safetensors', c: 'parts/model-00002-of-00010.safetensors', a: 'model-00001-of-00010.safetensors', b: 'model-00001-of-00010.safetensors',
      },
    });
    expect(file.metadata).toEqual({ total_size: '16', note: 'x' });
    expect(file.tensors.map(({ name }) => name)).toEqual(['b', 'a', 'd', 'c']);
    expect((await file.read('c')).data).toEqual(Float32Array.of(3));
    expect((await failure(file.read('extra'))).reason).toBe('there is no such tensor in the index');
  });

  it.each([
    ['is missing', 'gone.safetensors', 'its shard gone.safetensors does not exist (any more)'],
    ['is broken', 'broken.safetensors', 'its shard broken.safetensors (byte 0) a safetensors file begins with 8 bytes'],
    ['is something else', 'notes.bin', 'its shard notes.bin is neither a safetensors nor a PyTorch file'],
    ['lacks the tensor', 'model-00010-of-00010.safetensors', 'is not in model-00010-of-00010.safetensors, where the index says'],
  ])('whose shard %s still gives the others', async (_, shard, reason) => {
    const file = await open({ weight_map: { x: shard, a: 'model-00001-of-00010.safetensors' } });
    expect(file.tensors.map(({ name }) => name)).toEqual(['a']);
    expect(file.skipped).toEqual([{ name: 'x', reason: expect.stringContaining(reason) as string }]);
    expect((await failure(file.read('x'))).reason).toContain(reason);
  });

  it.each(['../secret.safetensors', 'a/../../secret.safetensors', '/etc/secret.safetensors', 'C:\\secret.safetensors', '..\\secret.safetensors', '', './a', 'a//b', 'a\0b'])(
    'does not open %j, which is outside of its folder',
    async (shard) => {
      asked.length = 0;
      const file = await open({ weight_map: { x: shard } });
      expect(asked).toEqual([]);
      expect(file.skipped![0]!.reason).toContain('which is outside of the folder');
    },
  );

  it.each<[unknown, string, string]>([
    ['{"weight_map":', '', 'is not JSON'],
    ['\ufffd', '', 'is not JSON'],
    ['null', 'weight_map', 'there is no object'],
    [{ weight_map: [] }, 'weight_map', 'there is no object'],
    [{ weight_map: { a: 3 } }, 'tensor a', 'its file is no text'],
    [{ weight_map: Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`t${i}`, `${i}.safetensors`])) }, 'weight_map', 'names 10001 files, more than the limit'],
  ])('like %.40j is refused', async (index, place, reason) => {
    const error = await failure(open(index));
    expect(error.place).toBe(place);
    expect(error.reason).toContain(reason);
  });
});
