import type { LandscapeArrangement } from '../../../src/protocol';

export type Camera = LandscapeArrangement['camera'];

/** From the front right, a little above: both axes and the basin are seen. */
export const firstCamera: Camera = { azimuth: 35, elevation: 44, distance: 1 };

const lowest = 4;
const highest = 90;
const nearest = 0.45;
const farthest = 2.5;

/** Turned by degrees and moved by a factor, kept above the plane and within reach. Azimuth stays within 0 to 360. */
export function turn(camera: Camera, by: { readonly azimuth?: number; readonly elevation?: number; readonly distance?: number }): Camera {
  return {
    azimuth: (((camera.azimuth + (by.azimuth ?? 0)) % 360) + 360) % 360,
    elevation: Math.min(highest, Math.max(lowest, camera.elevation + (by.elevation ?? 0))),
    distance: Math.min(farthest, Math.max(nearest, camera.distance * (by.distance ?? 1))),
  };
}

/** A camera out of what was stored; each part that is not a number takes its default. */
export function parseCamera(value: unknown): Camera {
  const given = typeof value === 'object' && value !== null ? (value as Partial<Record<keyof Camera, unknown>>) : {};
  const read = (name: keyof Camera): number => {
    const one = given[name];
    return typeof one === 'number' && Number.isFinite(one) ? one : firstCamera[name];
  };
  return turn({ azimuth: read('azimuth'), elevation: read('elevation'), distance: read('distance') }, {});
}

/** Part of the way from one camera to another, around the shorter side. */
export function between(from: Camera, to: Camera, share: number): Camera {
  const around = ((((to.azimuth - from.azimuth) % 360) + 540) % 360) - 180;
  return turn(from, { azimuth: around * share, elevation: (to.elevation - from.elevation) * share, distance: (to.distance / from.distance) ** share });
}

/** Whether a step towards the other would not be seen. */
export function near(a: Camera, b: Camera): boolean {
  const around = ((((b.azimuth - a.azimuth) % 360) + 540) % 360) - 180;
  return Math.abs(around) < 0.2 && Math.abs(b.elevation - a.elevation) < 0.2 && Math.abs(Math.log(b.distance / a.distance)) < 0.005;
}

/** What a key does to the view; null where it does nothing. */
export function keyTurn(key: string): ((camera: Camera) => Camera) | null {
  switch (key) {
    case 'ArrowLeft':
      return (camera) => turn(camera, { azimuth: -15 });
    case 'ArrowRight':
      return (camera) => turn(camera, { azimuth: 15 });
    case 'ArrowUp':
      return (camera) => turn(camera, { elevation: 10 });
    case 'ArrowDown':
      return (camera) => turn(camera, { elevation: -10 });
    case '+':
    case '=':
      return (camera) => turn(camera, { distance: 1 / 1.2 });
    case '-':
      return (camera) => turn(camera, { distance: 1.2 });
    case '0':
    case 'Home':
      return () => firstCamera;
    default:
      return null;
  }
}

/** The view in words. */
export function describeCamera({ azimuth, elevation, distance }: Camera): string {
  const from = elevation >= 89 ? 'straight from above' : `${Math.round(elevation)} degrees above the plane`;
  return `Turned to ${Math.round(azimuth) % 360} degrees, seen ${from}, distance ${Math.round(distance * 100)} %`;
}
