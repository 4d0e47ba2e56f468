import { useEffect, useState } from 'preact/hooks';
import type { LandscapeSnapshot, LandscapeSurface, ToLandscape } from '../../../src/protocol';
import { post, rememberSurfaces } from './landscapeApi';

export interface ShownSurfaces {
  /** Null before the host has sent any. */
  readonly surfaces: readonly LandscapeSurface[] | null;
  /** Of a landscape that is or was computed here. */
  readonly progress: LandscapeSnapshot['progress'];
  readonly order: LandscapeSnapshot['order'];
  /** The checkpoint that is marked, as the surface names it. */
  readonly selected: string | null;
  readonly select: (file: string | null) => void;
}

export function useSurfaces(): ShownSurfaces {
  const [snapshot, setSnapshot] = useState<LandscapeSnapshot | null>(null);
  const [selected, select] = useState<string | null>(null);
  useEffect(() => {
    const receive = ({ data }: MessageEvent<unknown>): void => {
      if (!isToLandscape(data)) return;
      if (data.kind === 'select') return select(data.file);
      rememberSurfaces(data);
      // A piece of progress that brings no points keeps what is drawn.
      setSnapshot((before) => (before !== null && sameSurfaces(before, data) ? { ...data, surfaces: before.surfaces } : data));
    };
    window.addEventListener('message', receive);
    post({ kind: 'ready' });
    return () => window.removeEventListener('message', receive);
  }, []);
  return { surfaces: snapshot?.surfaces ?? null, progress: snapshot?.progress ?? null, order: snapshot?.order ?? null, selected, select };
}

function sameSurfaces({ surfaces }: LandscapeSnapshot, next: LandscapeSnapshot): boolean {
  return JSON.stringify(surfaces) === JSON.stringify(next.surfaces);
}

function isToLandscape(data: unknown): data is ToLandscape {
  return typeof data === 'object' && data !== null && 'kind' in data && (data.kind === 'surfaces' || data.kind === 'select');
}
