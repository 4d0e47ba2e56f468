export { chaseBulges, unwindChase } from './bulgeChase';
export { choleskyFactor, invertLowerTriangle } from './cholesky';
export { factorizePanel, rankUpdateFactor } from './panel';
export { addActive, addAround, addNarrowActive, addNarrowRows, addNarrowSquares, addRows, markVarying, takeMeans } from './columns';
export {
  centre, largestAround, largestSizes, normalize, roundAround, roundToWhole, scaleColumns, scatter, shiftedGram, smallestTwo, subtractRankTwo, timesVector,
  weightedScatter, widen,
} from './rows';
export { beginTridiagonal, continueTridiagonal } from './tridiagonal';
