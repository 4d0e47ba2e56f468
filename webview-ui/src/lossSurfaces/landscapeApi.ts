import type { FromLandscape, LandscapeArrangement, LandscapeSnapshot } from '../../../src/protocol';
import { hostApi } from '../hostApi';
import { firstCamera, parseCamera } from './camera';

/** Computed surfaces beyond this are not kept by the editor; the host sends them again. */
const largestKept = 500_000;

export function post(message: FromLandscape): void {
  hostApi.postMessage(message);
}

export function loadArrangement(): LandscapeArrangement {
  const stored = hostApi.getState() as Partial<Record<keyof LandscapeArrangement, unknown>> | null | undefined;
  const first: LandscapeArrangement = { version: 1, form: 'contours', height: null, camera: firstCamera, files: [], surfaces: null, order: null };
  if (stored?.version !== 1) return first;
  return {
    version: 1,
    form: stored.form === 'surface' || stored.form === 'table' ? stored.form : 'contours',
    height: stored.height === 'log' || stored.height === 'linear' ? stored.height : null,
    camera: parseCamera(stored.camera),
    files: Array.isArray(stored.files) ? (stored.files as string[]) : [],
    order: typeof stored.order === 'object' ? (stored.order as LandscapeArrangement['order']) : null,
    surfaces: Array.isArray(stored.surfaces) ? (stored.surfaces as LandscapeArrangement['surfaces']) : null,
  };
}

export function saveArrangement(change: Partial<Omit<LandscapeArrangement, 'version'>>): void {
  hostApi.setState({ ...loadArrangement(), ...change });
}

/** What a restarted editor needs to show the same again. */
export function rememberSurfaces({ files, surfaces, order }: LandscapeSnapshot): void {
  saveArrangement({ files, order, surfaces: files.length === 0 && JSON.stringify(surfaces).length <= largestKept ? surfaces : null });
}
