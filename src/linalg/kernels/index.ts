export { chaseBulges, unwindChase } from './bulgeChase';
export { choleskyFactor, invertLowerTriangle } from './cholesky';
export { lbfgsDirection, makePair } from './lbfgs';
export { factorizePanel, rankUpdateFactor, subtractLower } from './panel';
export { transposeNarrow, transposeTo } from './product';
export { addActive, addAround, addNarrowActive, addNarrowRows, addNarrowSquares, addRows, markVarying, takeMeans } from './columns';
export {
  centre, largestAround, largestSizes, narrowAround, normalize, roundAround, roundToWhole, scaleColumns, scatter, shiftedGram, smallestTwo, subtractRankTwo, timesVector,
  weightedScatter, widen,
} from './rows';
export { beginTridiagonal, continueTridiagonal } from './tridiagonal';
export { scale, sumSquares, sumSquaresNarrow } from './vectors';
