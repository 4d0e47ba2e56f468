import { describe, expect, it } from 'vitest';
import { createFormatRegistry, FormatError, openTensors } from '../../../src/formats';
import { fixture, fixturePath } from './build';
import { processorTime } from '../processorTime';

interface Expected {
  readonly must: 'list' | 'refuse' | 'either';
  readonly why: string;
  readonly tensors?: readonly string[];
  readonly bad?: readonly string[];
  readonly unreadable?: readonly string[];
}

const registry = createFormatRegistry();
const expectations = JSON.parse(fixture('hostile/expected.json').toString()) as Record<string, Expected>;
const ours = /^(?:hdf5|onnx|tensorflow)\/|^json\/tfjs\/|\.keras$/;
const files = Object.entries(expectations).filter(([path]) => ours.test(path)).map(([path, expected]) => [path, expected.why, expected] as const);
/** One file, however hostile, must not hold up the others for longer. */
const longest = 5000;
const mostMemory = 256 * 2 ** 20;

function explained(error: unknown): null {
  expect(error).toBeInstanceOf(FormatError);
  expect((error as FormatError).reason).not.toBe('');
  return null;
}

describe('a checkpoint that wants to harm', () => {
  it.each(files)('%s is listed or refused: %s', async (path, _, { must, tensors = [], bad = [], unreadable = [] }) => {
    const started = processorTime();
    const before = process.memoryUsage().arrayBuffers;
    const opened = await openTensors(fixturePath(`hostile/${path}`), registry).catch(explained);
    if (must !== 'either') expect(opened === null ? 'refuse' : 'list').toBe(must);
    if (opened !== null) {
      const readable = new Set<string>();
      for (const { name } of opened.file.tensors) {
        const read = await opened.file.read(name).catch(explained);
        if (read === null) continue;
        readable.add(name);
        expect(read.data).toHaveLength(read.shape.reduce((product, size) => product * size, 1));
      }
      const listed = [...opened.file.tensors, ...opened.file.skipped!].map(({ name }) => name);
      if (must === 'list') expect(listed).toEqual(expect.arrayContaining([...tensors, ...bad]));
      // A tensor whose own checksum is wrong is listed, and says so when it is read.
      if (must === 'list' && !path.includes('crc_wrong')) for (const name of tensors) expect(readable).toContain(name);
      for (const name of [...bad.filter(() => !path.includes('external_self')), ...unreadable]) expect(readable).not.toContain(name);
      await opened.close();
    }
    expect(processorTime() - started).toBeLessThan(longest);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(mostMemory);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
