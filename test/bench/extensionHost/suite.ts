import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { performance } from 'node:perf_hooks';
import * as vscode from 'vscode';
import type { LayerscopeApi } from '../../../src/views/api';

/** VS Code is busy with itself at first. */
const settling = 20_000;
const idleTime = 15_000;
const limit = 480_000;

/** Measures, inside the extension host, what activation takes and what the host itself computes while the worker measures workload W1. */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<LayerscopeApi>('layerscope.layerscope');
  if (extension === undefined) throw new Error('the extension is not installed');
  await pause(settling);
  const before = await cpuOver(() => pause(idleTime));

  const times = timeActivation(path.join(extension.extensionPath, 'dist', 'extension.js'));
  const begin = performance.now();
  const { snapshot, onDidChange } = await extension.activate();
  const activation = { ...times, answered: performance.now() - begin };

  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not measured within ${limit / 1000} s: ${JSON.stringify(snapshot().worker)}`)), limit);
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        subscription.dispose();
        resolve();
      };
      const subscription = onDidChange(check);
      check();
    });
  await vscode.commands.executeCommand('layerscope.layerHealth.focus');
  await until(() => snapshot().progress !== null);
  const measuring = await cpuOver(() =>
    until(() => snapshot().runs[0]?.files.some(({ kind, state }) => kind === 'probe' && state === 'measured') === true && snapshot().progress === null),
  );
  const after = await cpuOver(() => pause(idleTime));
  const { worker, detail } = snapshot();
  const file = process.env.LAYERSCOPE_TEST_RESULTS;
  if (file === undefined) throw new Error('LAYERSCOPE_TEST_RESULTS is not set');
  const results = { activation, before, measuring, after, engineName: worker.engine?.name, records: detail?.records.length ?? 0, workerPeak: peakMemory() };
  writeFileSync(file, JSON.stringify(results));
}

/**
 * Loads the bundle before VS Code does, which then finds it loaded, and times the call of `activate`. What else passes until VS Code answers is
 * its own: it fetches the extension's stored state first.
 */
function timeActivation(file: string): { load: number; call: number } {
  const times = { load: NaN, call: NaN };
  const load = createRequire(__filename);
  const begin = performance.now();
  const bundle = load(file) as { activate(context: unknown): unknown };
  times.load = performance.now() - begin;
  const cached = load.cache[file];
  if (cached === undefined) throw new Error(`${file} is not in the module cache`);
  cached.exports = {
    ...bundle,
    activate: (context: unknown) => {
      const called = performance.now();
      const answer = bundle.activate(context);
      times.call = performance.now() - called;
      return answer;
    },
  };
  return times;
}

interface Cpu {
  readonly milliseconds: number;
  readonly wall: number;
  /** Of one core. */
  readonly share: number;
}

async function cpuOver(action: () => Promise<void>): Promise<Cpu> {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await action();
  const wall = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  const milliseconds = (user + system) / 1000;
  return { milliseconds, wall, share: milliseconds / wall };
}

/** Largest resident memory of the worker in bytes, where the system tells (Linux). */
function peakMemory(): number | null {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
    const worker = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker.js'));
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${worker}/status`, 'utf8'))?.[1];
    return peak === undefined ? null : Number(peak) * 1024;
  } catch {
    return null;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
