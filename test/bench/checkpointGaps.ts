// One layer, family by family: the longest processor time (which other programs on the machine do not lengthen as they do time) between two calls of checkpoint(), where alone a measurement can be cancelled, and between which places of the source. Prints a line a stretch of work.
import { createEngine } from '../../src/linalg';
import { combineParts, defaultMeasureOptions, featureCatalog, measurePart, metricFamilies } from '../../src/metrics';
import type { LayerFeatures, MeasuredPart } from '../../src/metrics';
import { parts } from '../../src/metrics/partRows';
import { openProbe } from '../../src/runs/probe';

interface Request {
  readonly file: string;
  readonly previous: string;
  readonly layer: string;
  /** How often all families are measured; one part after the other, in turn. */
  readonly rounds: number;
}

/** Shorter stretches are not told, in milliseconds. */
const shortest = 20;

/** Milliseconds of all threads of this process. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Function and line of the source that called checkpoint(). */
function callerOf(stack: string | undefined): string {
  const frames = (stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at ') && !line.includes('checkpointGaps.ts'));
  const [name = ''] = /(?<=at (?:async )?)[^\s(/]+(?= \()/.exec(frames[0] ?? '') ?? [];
  const [place = ''] = /src\/[\w/.]+:\d+/.exec(frames[0] ?? '') ?? [];
  return [name, place].filter((each) => each !== '').join(' ');
}

class Stretches {
  private readonly longest = new Map<string, number>();
  private last = processorTime();
  private before: Error | string = 'the start';
  calls = 0;

  readonly checkpoint = (): void => {
    this.calls += 1;
    this.take(new Error());
  };

  take(place: Error | string): void {
    const took = processorTime() - this.last;
    if (took >= shortest) {
      const stretch = [this.before, place].map((each) => (typeof each === 'string' ? each : callerOf(each.stack))).join(' -> ');
      this.longest.set(stretch, Math.max(this.longest.get(stretch) ?? 0, took));
    }
    this.before = place;
    this.last = processorTime();
  }

  told(): { readonly stretch: string; readonly longest: number }[] {
    return [...this.longest].map(([stretch, longest]) => ({ stretch, longest }));
  }
}

async function main({ file, previous, layer: name, rounds }: Request): Promise<void> {
  Error.stackTraceLimit = 12;
  const engine = await createEngine('auto', { threads: 1 });
  const probe = await openProbe(file);
  const earlier = await openProbe(previous);
  const tell = (family: string, round: number, stretches: Stretches, seconds: number): void => {
    console.log(JSON.stringify({ family, round, seconds, calls: stretches.calls, stretches: stretches.told(), resident: process.resourceUsage().maxRSS / 1024 }));
  };
  for (let round = 0; round < rounds; round += 1) {
    const part = parts[round % parts.length]!;
    const reading = new Stretches();
    let begin = performance.now();
    const own = await probe.readLayer(name);
    reading.take('the layer is read');
    tell('(reading a layer)', round, reading, (performance.now() - begin) / 1000);
    const layer: LayerFeatures = {
      ...own,
      previous: { since: 'earlier', layer: { ...(await earlier.readLayer(name)) }, reason: '' },
      deepest: { ...(await probe.readLayer(probe.layers.at(-1)!.name)) },
    };
    const measured = new Map<string, MeasuredPart extends ReadonlyMap<string, infer Value> ? Value : never>();
    for (const family of metricFamilies) {
      const stretches = new Stretches();
      begin = performance.now();
      const values = await measurePart(layer, part, family.shapes.map(({ metric }) => metric), defaultMeasureOptions, { engine, checkpoint: stretches.checkpoint });
      stretches.take('the end');
      for (const [metric, value] of values ?? []) measured.set(metric, value);
      tell(family.id, round, stretches, (performance.now() - begin) / 1000);
    }
    const intervals = new Stretches();
    begin = performance.now();
    combineParts([measured, measured], featureCatalog.map(({ id }) => id), defaultMeasureOptions);
    intervals.take('the end');
    tell('(intervals of all metrics)', round, intervals, (performance.now() - begin) / 1000);
  }
  await probe.close();
  await earlier.close();
}

void main(JSON.parse(process.argv[2] ?? '{}') as Request);
