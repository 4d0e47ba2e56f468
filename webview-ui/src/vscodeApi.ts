import type { FromPanel, PanelChoice } from '../../src/protocol';

interface VsCodeApi {
  postMessage(message: FromPanel): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** What survives a reload of the page. The host's choice wins over `choice` as soon as it arrives. */
export interface Arrangement {
  readonly version: 1;
  readonly choice: PanelChoice | null;
  /** The pictured log quantity; null lets the panel choose. */
  readonly scalar: string | null;
  /** Weight of the past in the drawn log, 0 to below 1. */
  readonly smoothing: number;
}

const emptyArrangement: Arrangement = { version: 1, choice: null, scalar: null, smoothing: 0 };

// VS Code allows exactly one call.
const api = acquireVsCodeApi();

export function post(message: FromPanel): void {
  api.postMessage(message);
}

export function loadArrangement(): Arrangement {
  const stored = api.getState() as Partial<Arrangement> | null | undefined;
  return stored?.version === 1 ? { ...emptyArrangement, ...stored } : emptyArrangement;
}

export function saveArrangement(change: Partial<Omit<Arrangement, 'version'>>): void {
  api.setState({ ...loadArrangement(), ...change });
}
