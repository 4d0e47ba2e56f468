import { useEffect, useState } from 'preact/hooks';
import type { CursorPosition, CursorStore } from '../charts/cursor';
import { readTheme, watchTheme, type Theme } from '../theme';

export function useTheme(): Theme {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => watchTheme(() => setTheme(readTheme())), []);
  return theme;
}

export function useCursor(cursor: CursorStore): CursorPosition | null {
  const [position, setPosition] = useState(cursor.position);
  useEffect(() => cursor.subscribe(() => setPosition(cursor.position)), [cursor]);
  return position;
}

/** Width of an element's content box, rounded; 0 before it is laid out. */
export function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** The time, looked at again twice a minute: enough to say whether a run still writes. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
