export { chaseBulges, unwindChase } from './bulgeChase';
export { choleskyFactor, invertLowerTriangle } from './cholesky';
export { factorizePanel, rankUpdateFactor } from './panel';
export { beginTridiagonal, continueTridiagonal } from './tridiagonal';
