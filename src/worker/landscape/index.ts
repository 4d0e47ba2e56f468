/** Loss surfaces: computed from checkpoints, or read from files of others. */
export { computeLandscapes, type ComputedLandscapes, type LandscapeProgress, type LandscapeRequest } from './computeLandscapes';
export { readSurfaces } from './readSurface';
export { runFolderOf } from './surfacePlan';
