// A monitor as in the background worker, with nothing to measure. Answers each line (a JSON request) with a line.
import { createInterface } from 'node:readline';
import { Monitor, type LayerMeasurer } from '../../src/monitor';
import type { RunDelta, WorkerSettings } from '../../src/protocol';

const measurer: LayerMeasurer = {
  measure: () => Promise.reject(new Error('there is nothing to measure in this benchmark')),
  suggest: () => Promise.reject(new Error('there is nothing to suggest in this benchmark')),
  engineStatus: () => Promise.resolve({ name: 'unavailable', version: '', reason: 'not needed' }),
  close: () => Promise.resolve(),
};
const settings: WorkerSettings = {
  measureAutomatically: false, eps2: 0.5, seed: 0, threads: 1, engine: 'auto', resultsLocation: 'workspaceStorage', storageFolder: '', exclude: [], maximumDepth: 6, pollInterval: 1000,
};
/** Milliseconds since 1970 at which a point of this step was told, by run. */
const told = new Map<string, Map<number, number>>();
const runChanged = ({ runId, series }: RunDelta): void => {
  const now = Date.now();
  for (const { steps } of series) for (const step of steps) told.get(runId)?.set(step!, now);
};
const monitor = new Monitor({
  measurerFor: () => measurer,
  concurrencyFor: () => 1,
  events: { runsChanged: () => undefined, runChanged, foldersChanged: () => undefined, progressChanged: () => undefined, workChanged: () => undefined, log: (level, message) => void (level === 'error' && console.error(message)) },
});

const requests: Record<string, (argument: never) => unknown> = {
  async watch(path: string) {
    const runs = await monitor.watch([{ name: 'bench', path }], settings);
    monitor.setAttention(true);
    for (const { id } of runs) {
      told.set(id, new Map());
      monitor.openRun(id);
    }
    return runs.length;
  },
  /** How many runs were told of a step, and when the last of them was. */
  told(step: number) {
    const times = [...told.values()].flatMap((steps) => steps.get(step) ?? []);
    return { runs: times.length, first: Math.min(...times), last: Math.max(...times) };
  },
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, argument] = JSON.parse(line) as [string, never];
  void Promise.resolve(requests[name]!(argument)).then((answer) => console.log(JSON.stringify(answer)));
}).on('close', () => process.exit(0));
