import { useCallback, useEffect, useState } from 'preact/hooks';
import type { PanelChoice, ToPanel } from '../../src/protocol';
import { choose, hold, initialState, reduce, type PanelState } from './state';
import { loadArrangement, post, saveArrangement } from './vscodeApi';

export interface Panel {
  readonly state: PanelState;
  readonly choose: (change: Partial<PanelChoice>) => void;
  /** To be called when the person does something in the page. */
  readonly touch: () => void;
}

/** The state of the page, kept up to date by the host's messages, and the way to choose. */
export function usePanel(): Panel {
  const [state, setState] = useState(() => initialState(loadArrangement().choice));

  useEffect(() => {
    let waiting: ToPanel[] = [];
    const apply = (): void => {
      const messages = waiting;
      waiting = [];
      setState((before) => messages.reduce(reduce, before));
    };
    const receive = (event: MessageEvent<unknown>): void => {
      if (!isToPanel(event.data)) return;
      // A run that is measured fast sends many deltas: one redraw a frame is enough.
      if (waiting.push(event.data) === 1) requestAnimationFrame(apply);
    };
    window.addEventListener('message', receive);
    post({ kind: 'ready' });
    return () => window.removeEventListener('message', receive);
  }, []);

  useEffect(() => {
    if (state.ready) saveArrangement({ choice: state.choice });
  }, [state.choice, state.ready]);

  const change = useCallback(
    (wanted: Partial<PanelChoice>) => {
      post({ kind: 'choose', choice: { ...state.choice, ...wanted } });
      setState((before) => choose(before, wanted));
    },
    [state.choice],
  );
  const touch = useCallback(() => setState(hold), []);
  return { state, choose: change, touch };
}

const kinds: ReadonlySet<string> = new Set<ToPanel['kind']>(['snapshot', 'runs', 'run', 'progress', 'worker', 'choice']);

function isToPanel(data: unknown): data is ToPanel {
  return typeof data === 'object' && data !== null && 'kind' in data && kinds.has(String(data.kind));
}
