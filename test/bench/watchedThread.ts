// A compute thread that tells when it gets work and when it is done with it, on the clock that all threads share.
import { BroadcastChannel, parentPort } from 'node:worker_threads';
import '../../src/worker/computeThread';
import type { FromComputeThread } from '../../src/worker/computeMessages';

const channel = new BroadcastChannel('layerscope-bench');
// It is not to keep the thread alive.
(channel as unknown as { unref(): void }).unref();

function tell(kind: 'begin' | 'end'): void {
  channel.postMessage({ kind, at: Number(process.hrtime.bigint()) / 1e6 });
}

parentPort?.on('message', ({ kind }: { readonly kind: string }) => {
  if (kind === 'work') tell('begin');
});
const port = parentPort;
if (port !== null) {
  const post = port.postMessage.bind(port);
  port.postMessage = (message: FromComputeThread) => {
    if (message.kind === 'answer') tell('end');
    post(message);
  };
}
