import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { createBirpc } from 'birpc';
import type { BirpcReturn } from 'birpc';
import type { LogLevel, WorkerApi, WorkerEvents } from '../protocol';

export interface WorkerProcessOptions {
  readonly workerPath: string;
  readonly heapMegabytes: number;
  readonly heartbeatInterval: number;
  readonly heartbeatTimeout: number;
}

/** How long a worker that was asked to stop may take before it is killed. */
const stopMilliseconds = 5_000;

/** The worker is gone; the call may be repeated on the next one. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
}

/** One life of the worker process: started by the constructor, watched by a heartbeat, over with `gone`. */
export class WorkerProcess {
  readonly rpc: BirpcReturn<WorkerApi, WorkerEvents>;
  /** Resolves with the reason, in words, when the process has ended. */
  readonly gone: Promise<string>;
  readonly process: ChildProcess;
  /** Whether it has ended; calls fail from then on. */
  over = false;
  private heartbeat: NodeJS.Timeout | null = null;
  private killReason: string | null = null;

  constructor(
    private readonly options: WorkerProcessOptions,
    events: WorkerEvents,
    private readonly onPing: (answer: Awaited<ReturnType<WorkerApi['ping']>>) => void,
  ) {
    const environment: NodeJS.ProcessEnv = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
    // Meant for the host (debuggers, loaders), not for us.
    delete environment['NODE_OPTIONS'];
    this.process = fork(options.workerPath, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${options.heapMegabytes}`],
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.forwardOutput(events);
    this.rpc = createBirpc<WorkerApi, WorkerEvents>(events, {
      post: (message: unknown) => this.send(message),
      // One message a turn: what awaited an answer goes on before the event that follows it is handed out.
      on: (handle) => this.process.on('message', (message) => setImmediate(handle, message)),
      bind: 'functions',
      timeout: -1,
    });
    this.gone = new Promise((resolve) => {
      this.process.once('error', (error) => resolve(`it could not be started: ${error.message}`));
      this.process.once('exit', (code, signal) => resolve(this.killReason ?? exitReason(code, signal)));
    }).then((reason) => {
      this.over = true;
      if (this.heartbeat !== null) clearInterval(this.heartbeat);
      // Messages that have arrived are still handed out, then nothing more comes.
      setImmediate(() => this.rpc.$close(new WorkerLost(`The worker is gone: ${String(reason)}.`)));
      return String(reason);
    });
    this.startHeartbeat();
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Lets it finish writing; kills it when it does not go. */
  async stop(): Promise<void> {
    if (this.heartbeat !== null) clearInterval(this.heartbeat);
    const killer = setTimeout(() => this.process.kill('SIGKILL'), stopMilliseconds);
    this.rpc.shutdown.asEvent().catch(() => this.process.kill('SIGKILL'));
    await this.gone;
    clearTimeout(killer);
  }

  private send(message: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.process.connected) {
        reject(new WorkerLost('The worker is gone.'));
        return;
      }
      this.process.send(message as object, (error) => (error === null ? resolve() : reject(new WorkerLost(`The worker is gone: ${error.message}.`))));
    });
  }

  private startHeartbeat(): void {
    const { heartbeatInterval, heartbeatTimeout } = this.options;
    let waiting = false;
    // Ticks are counted, not time: after the machine slept, one late tick must not look like a worker that hangs.
    let missed = 0;
    this.heartbeat = setInterval(() => {
      if (waiting) {
        missed += 1;
        if (missed * heartbeatInterval < heartbeatTimeout) return;
        this.killReason = `it did not answer for ${(heartbeatTimeout / 1000).toFixed(1)} s`;
        this.process.kill('SIGKILL');
        return;
      }
      waiting = true;
      missed = 0;
      this.rpc.ping().then(
        (answer) => {
          waiting = false;
          this.onPing(answer);
        },
        () => undefined,
      );
    }, heartbeatInterval);
    this.heartbeat.unref();
  }

  private forwardOutput(events: WorkerEvents): void {
    const levels: readonly (readonly [NodeJS.ReadableStream | null, LogLevel])[] = [[this.process.stdout, 'info'], [this.process.stderr, 'warn']];
    for (const [stream, level] of levels) {
      stream?.setEncoding('utf8');
      stream?.on('data', (text: string) => {
        for (const line of text.split('\n')) if (line.trim() !== '') events.log(level, line.trimEnd());
      });
    }
  }
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `it ended with code ${String(code)}` : `it was ended by ${signal}`;
}
