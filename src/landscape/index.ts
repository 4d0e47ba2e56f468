/** The door of the room: directions through a model, the points of a surface, and how flat it is. */
export { directionBetween, filterNormalisedDirections, innerProduct, normaliseFilters, orthogonalise, type DirectionOptions } from './directions';
export { isMoving, tables, type Direction, type ParameterShapes, type ParameterValues } from './parameters';
export { Perturbation } from './perturbation';
export { centredAxis, coarseToFine, coveringAxis, lineAxis, placeOfZero } from './grid';
export { convexComponent, curvatureAt, type ConvexComponent, type Curvature } from './curvature';
export { interpolate, type LossGrid } from './lossGrid';
export { roughnessOf } from './roughness';
export { sharpnessOf, widthsOf, type Widths } from './rays';
export { describeSurface, type RawSurface } from './surface';
export { addToGram, combineDifferences, trajectoryPlane, type TrajectoryPlane } from './trajectory';
