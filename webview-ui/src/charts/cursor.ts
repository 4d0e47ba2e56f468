/** What the person points at, the same in all charts. */
export interface CursorPosition {
  /** Place on the timeline. */
  readonly at: number;
  /** Layer under the cursor; null when another chart set it. */
  readonly layer: string | null;
}

/** Part of the axis being dragged over, in axis coordinates. */
export interface DragSelection {
  readonly from: number;
  readonly to: number;
}

/** Kept outside the component tree: moving the cursor redraws canvases, not the page. */
export interface CursorStore {
  readonly position: CursorPosition | null;
  readonly drag: DragSelection | null;
  point(position: CursorPosition | null): void;
  select(drag: DragSelection | null): void;
  /** Answers with the function that ends the subscription. */
  subscribe(listener: () => void): () => void;
}

export function createCursor(): CursorStore {
  const listeners = new Set<() => void>();
  let position: CursorPosition | null = null;
  let drag: DragSelection | null = null;
  const changed = (): void => listeners.forEach((listener) => listener());
  return {
    get position() {
      return position;
    },
    get drag() {
      return drag;
    },
    point: (next) => {
      if (next?.at === position?.at && next?.layer === position?.layer) return;
      position = next;
      changed();
    },
    select: (next) => {
      drag = next;
      changed();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
