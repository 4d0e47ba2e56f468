import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';
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
    let frame = 0;
    const observer = new ResizeObserver(([entry]) => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    });
    observer.observe(element.current);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
    };
  }, []);
  return width;
}

/** An element that does not shrink again while `context` stays: what lies below it does not jump with every text. */
export function useGrowingHeight(context: string): RefObject<HTMLParagraphElement | null> {
  const element = useRef<HTMLParagraphElement>(null);
  const reached = useRef({ context, height: 0 });
  useLayoutEffect(() => {
    const current = element.current;
    if (!current) return;
    if (reached.current.context !== context) {
      reached.current = { context, height: 0 };
      current.style.minHeight = '';
    }
    if (current.offsetHeight <= reached.current.height) return;
    reached.current.height = current.offsetHeight;
    current.style.minHeight = `${current.offsetHeight}px`;
  });
  return element;
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
