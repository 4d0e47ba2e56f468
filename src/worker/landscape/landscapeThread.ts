import { parentPort, workerData } from 'node:worker_threads';
import { findProvider } from '../../models';
import { inspectModel } from './inspectModel';
import type { FromLandscapeThread, LandscapeThreadData } from './landscapeMessages';
import { LandscapeWork } from './landscapeWork';

// The entry of a landscape thread: does one thing and ends. Preparing images and moving weights takes the thread for tens of milliseconds
// at a time, which the thread that follows files has not.

const { task, cancel } = workerData as LandscapeThreadData;
const flag = new Int32Array(cancel);

async function work(): Promise<FromLandscapeThread> {
  switch (task.kind) {
    case 'compute':
      return { kind: 'end', end: await new LandscapeWork(task, { isCancelled: () => Atomics.load(flag, 0) !== 0, tell: (news) => tell({ kind: 'news', news }) }).run() };
    case 'inspect':
      return { kind: 'facts', facts: await inspectModel(task.inspection) };
    case 'provider':
      return { kind: 'provider', status: await findProvider(task.choice) };
  }
}

function tell(message: FromLandscapeThread): void {
  parentPort?.postMessage(message);
}

void work().then(tell, (error: unknown) => tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }));
