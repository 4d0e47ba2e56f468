export { chaseBulges, unwindChase } from './bulgeChase';
export { choleskyFactor, invertLowerTriangle } from './cholesky';
export { factorizePanel, rankUpdateFactor } from './panel';
export {
  addActive, addAround, addNarrowRows, addRows, centre, largestAround, largestSizes, markVarying, normalize, roundAround, roundToWhole, scaleColumns, scatter, smallestTwo,
  weightedScatter, widen,
} from './rows';
export { beginTridiagonal, continueTridiagonal } from './tridiagonal';
