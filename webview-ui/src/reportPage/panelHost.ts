import type { FromPanel, PanelSnapshot, RunDetail, ToPanel } from '../../../src/protocol';
import type { OpenedReport } from './readData';

/**
 * The editor's side of the panel in a file: it has a snapshot and the other runs, and nothing to do. What the panel keeps across reloads
 * is kept as long as the page.
 */
export class PanelHost {
  #report: OpenedReport | null = null;
  #isReady = false;
  #runId: string | null = null;
  #state: unknown = null;

  getState(): unknown {
    return this.#state;
  }

  setState(state: unknown): void {
    this.#state = state;
  }

  postMessage(message: FromPanel): void {
    if (message.kind === 'ready') {
      this.#isReady = true;
      this.#sendSnapshot();
    } else if (message.kind === 'choose' && message.choice.runId !== this.#runId) {
      this.#runId = message.choice.runId;
      send({ kind: 'choice', choice: message.choice, detail: this.#detail() });
    } else if (message.kind === 'failed') {
      console.error(message.message);
    }
  }

  open(report: OpenedReport): void {
    this.#report = report;
    this.#runId = report.choice.runId;
    this.#sendSnapshot();
  }

  #sendSnapshot(): void {
    if (!this.#isReady || this.#report === null) return;
    const { details, metrics, choice } = this.#report;
    const snapshot: PanelSnapshot = {
      kind: 'snapshot', runs: details.map(({ run }) => run), scanned: true, folders: [], detail: this.#detail(), metrics, choice, progress: null,
      worker: { state: 'running', engine: null, message: '', restarts: 0 },
    };
    send(snapshot);
  }

  #detail(): RunDetail | null {
    return this.#report?.details.find(({ run }) => run.id === this.#runId) ?? null;
  }
}

/** As a message that comes from outside would: when whoever sent the last one is done. */
function send(message: ToPanel): void {
  setTimeout(() => window.dispatchEvent(new MessageEvent('message', { data: message })));
}
