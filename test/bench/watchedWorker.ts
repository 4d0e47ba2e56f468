// The worker process with a clock on its event loop: writes a line to standard output whenever it is asked to (SIGUSR2), and begins anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { performance } from 'node:perf_hooks';
import '../../src/worker/main';

const resolution = 5;
/** Milliseconds that the main thread has computed, which other programs on the machine do not lengthen as they do time; NaN where the system does not tell. */
function mainThreadTime(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    return NaN;
  }
}

/** Of the stretches between two ticks: by the clock beyond what a tick takes, and what the main thread has computed in them. */
let delays: number[] = [];
let works: number[] = [];
let last = performance.now();
let lastWork = mainThreadTime();
let utilization = performance.eventLoopUtilization();
setInterval(() => {
  const [now, work] = [performance.now(), mainThreadTime()];
  delays.push(now - last - resolution);
  works.push(work - lastWork);
  last = now;
  lastWork = work;
}, resolution).unref();

/** Where the time goes, for who mends what this bench finds: a folder for profiles that Chrome's and VS Code's viewers open. */
const profiles = process.env['LAYERSCOPE_BENCH_PROFILES'];
const session = new Session();
let phase = 0;
if (profiles !== undefined) {
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
}

process.on('SIGUSR2', () => {
  const [byClock, byWork] = [delays, works].map((values) => [...values].sort((a, b) => b - a)) as [number[], number[]];
  const at = (values: readonly number[], share: number): number => values[Math.floor(values.length * share)] ?? 0;
  const used = performance.eventLoopUtilization(utilization).utilization;
  process.stdout.write(
    `loop ${JSON.stringify({
      ticks: delays.length, used, longest: Math.max(0, at(byClock, 0)), thousandth: Math.max(0, at(byClock, 0.001)), work: at(byWork, 0), workThousandth: at(byWork, 0.001),
      over: byWork.filter((value) => value > 50).length, memory: process.memoryUsage.rss() / 2 ** 20,
    })}\n`,
  );
  if (profiles !== undefined) {
    session.post('Profiler.stop', (_, told) => writeFileSync(`${profiles}/phase${(phase += 1)}.cpuprofile`, JSON.stringify(told.profile)));
    session.post('Profiler.start');
  }
  delays = [];
  works = [];
  utilization = performance.eventLoopUtilization();
  last = performance.now();
  lastWork = mainThreadTime();
});
