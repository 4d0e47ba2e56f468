// The worker process with a clock on its event loop: writes a line to standard output whenever it is asked to (SIGUSR2), and begins anew.
import { readFileSync } from 'node:fs';
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

interface Turns {
  count: number;
  longest: number;
  work: number;
  over: number;
}
let turns: Turns = { count: 0, longest: 0, work: 0, over: 0 };
let last = performance.now();
let lastWork = mainThreadTime();
setInterval(() => {
  const [now, work] = [performance.now(), mainThreadTime()];
  turns.count += 1;
  turns.longest = Math.max(turns.longest, now - last - resolution);
  turns.work = Math.max(turns.work, work - lastWork);
  if (work - lastWork > 50) turns.over += 1;
  last = now;
  lastWork = work;
}, resolution).unref();

process.on('SIGUSR2', () => {
  process.stdout.write(`loop ${JSON.stringify(turns)}\n`);
  turns = { count: 0, longest: 0, work: 0, over: 0 };
});
