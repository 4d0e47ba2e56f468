import type { FromPanel, PanelChoice } from '../../src/protocol';
import { hostApi } from './hostApi';

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

export function post(message: FromPanel): void {
  hostApi.postMessage(message);
}

export function loadArrangement(): Arrangement {
  const stored = hostApi.getState() as Partial<Arrangement> | null | undefined;
  return stored?.version === 1 ? { ...emptyArrangement, ...stored } : emptyArrangement;
}

export function saveArrangement(change: Partial<Omit<Arrangement, 'version'>>): void {
  hostApi.setState({ ...loadArrangement(), ...change });
}
