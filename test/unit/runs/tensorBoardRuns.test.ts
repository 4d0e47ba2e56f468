import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixturePath } from '../formats/build';
import { eventFiles, expectation, finite, readWhole } from './logFixtures';

type Point = readonly [step: number | string, time: number, value: number | string];
interface Expected {
  readonly run: string;
  readonly files: readonly string[];
  readonly scalars: Readonly<Record<string, readonly Point[]>>;
  readonly raw?: Readonly<Record<string, readonly Point[]>>;
  readonly present: Readonly<Record<string, readonly string[]>>;
  readonly corruptRecordAt?: number;
  readonly recordsBehind?: string;
  readonly behind?: Readonly<Record<string, readonly Point[]>>;
}

const names = readdirSync(fixturePath('logs/tensorboard'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.expected.json'))
  .map((name) => name.replaceAll('\\', '/').replace('.expected.json', ''));
const damaged = (expected: Expected) => expected.corruptRecordAt !== undefined || expected.behind !== undefined;

/** Where TensorBoard stops at damage, the points behind a record whose length is good are found here. */
const kinds: Readonly<Record<string, string>> = { histogram: 'histograms', image: 'images' };

describe('a TensorBoard run', () => {
  it.each(names)('%s has the scalars that EventAccumulator reads, after its purges', async (name) => {
    const expected = expectation<Expected>(`tensorboard/${name}`);
    const log = eventFiles(fixturePath(`logs/tensorboard/${expected.run}`), expected.files);
    for (const slice of [undefined, 7]) {
      const { series, times, others, problems } = await readWhole(log, slice);
      const read = Object.fromEntries(series.map(({ tag, steps, values }) => [tag, steps.map((step, i) => [step, values[i]])]));
      for (const [tag, points] of Object.entries(expected.scalars)) {
        const behind = expected.behind?.[tag] ?? [];
        const wanted = [...points, ...behind].map(([step, , value]) => [finite(step), finite(value)]);
        const got = read[tag] ?? [];
        expect(expected.recordsBehind === 'can be found' ? got.slice(0, wanted.length) : got, tag).toEqual(wanted);
        if (expected.raw === undefined && !damaged(expected)) expect(times.get(tag), tag).toEqual(points.map(([, time]) => time));
      }
      expect(Object.keys(read).sort()).toEqual(Object.keys(expected.scalars).sort());
      const byKind = new Map<string, string[]>();
      for (const [tag, kind] of others) byKind.set(kinds[kind] ?? kind, [...(byKind.get(kinds[kind] ?? kind) ?? []), tag].sort());
      expect(Object.fromEntries(byKind)).toEqual(expected.present);
      const warnings = problems.filter(({ severity }) => severity !== 'info');
      expect(warnings).toHaveLength(damaged(expected) ? 1 : 0);
      if (expected.corruptRecordAt !== undefined) expect(warnings[0]!.place).toBe(`byte ${expected.corruptRecordAt}`);
    }
  });

  it('goes on behind a record whose checksum is wrong, and stops where a length is', async () => {
    const pointsOf = async (name: string) => {
      const { files } = expectation<Expected>(`tensorboard/${name}`);
      const { series } = await readWhole(eventFiles(fixturePath(`logs/tensorboard/${name}`), files));
      return series[0]!.steps;
    };
    expect(await pointsOf('torch-out-of-order')).toEqual([5, 3, 9, 3, 1, 9, 10, 0]);
    expect(await pointsOf('corrupt-data-crc')).toEqual([5, 3, 9, 3, 9, 10, 0]);
    expect(await pointsOf('corrupt-length-crc')).toEqual([5, 3, 9, 3]);
  });
});
