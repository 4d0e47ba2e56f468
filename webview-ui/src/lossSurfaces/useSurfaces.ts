import { useEffect, useState } from 'preact/hooks';
import type { LandscapeSurface, ToLandscape } from '../../../src/protocol';
import { post, rememberSurfaces } from './landscapeApi';

export interface ShownSurfaces {
  /** Null before the host has sent any. */
  readonly surfaces: readonly LandscapeSurface[] | null;
  /** The checkpoint that is marked, as the surface names it. */
  readonly selected: string | null;
  readonly select: (file: string | null) => void;
}

export function useSurfaces(): ShownSurfaces {
  const [surfaces, setSurfaces] = useState<readonly LandscapeSurface[] | null>(null);
  const [selected, select] = useState<string | null>(null);
  useEffect(() => {
    const receive = ({ data }: MessageEvent<unknown>): void => {
      if (!isToLandscape(data)) return;
      if (data.kind === 'select') return select(data.file);
      rememberSurfaces(data);
      setSurfaces(data.surfaces);
    };
    window.addEventListener('message', receive);
    post({ kind: 'ready' });
    return () => window.removeEventListener('message', receive);
  }, []);
  return { surfaces, selected, select };
}

function isToLandscape(data: unknown): data is ToLandscape {
  return typeof data === 'object' && data !== null && 'kind' in data && (data.kind === 'surfaces' || data.kind === 'select');
}
