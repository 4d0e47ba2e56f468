import { setMaxListeners } from 'node:events';
import { keepOnnxRuntimeQuiet } from '../linalg/loadOnnxRuntime';
import { runProgram } from './program';

keepOnnxRuntimeQuiet();

const controller = new AbortController();
// Every layer that waits to be measured listens for it.
setMaxListeners(0, controller.signal);
let readerLeft = false;
let outputFailed = false;
// The second Ctrl+C ends the process the hard way: its handler is gone.
process.once('SIGINT', () => controller.abort());
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever was reading has left ("layerscope ... | head"): there is nobody to tell and nothing went wrong.
    if (error.code === 'EPIPE') {
      readerLeft = true;
    } else {
      if (!outputFailed && stream === process.stdout) process.stderr.write(`layerscope: the output cannot be written: ${error.message}\n`);
      outputFailed = true;
      process.exitCode = 1;
    }
    controller.abort();
  });
}

const isScreen = process.stderr.isTTY;
const eraseLine = '\r\u001b[K';
let progressShown = false;

runProgram(process.argv.slice(2), {
  write: (text) => void process.stdout.write(text),
  say: (line) => {
    process.stderr.write(`${progressShown ? eraseLine : ''}${line}\n`);
    progressShown = false;
  },
  progress: (line) => {
    if (!isScreen) return;
    process.stderr.write(`${eraseLine}${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    progressShown = true;
  },
  signal: controller.signal,
}).then(
  (code) => {
    if (progressShown) process.stderr.write(eraseLine);
    process.exitCode = outputFailed ? 1 : readerLeft ? 0 : code;
  },
  (error: unknown) => {
    process.stderr.write(`layerscope: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
