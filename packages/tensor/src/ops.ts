// Every op there is, under its name in camelCase: what graphs are printed with and read back by. Each is called by what
// its rules see, `op.bind(operands, params)`. Functions for people are in the index.
import type { DType } from '@mapgrad/kernel'
import type { Op } from './core/op.ts'
import { castOp } from './ops/cast.ts'
import type { Parametric } from './ops/families.ts'
import { polygammaOf } from './ops/gamma.ts'
import { sincDerivative } from './ops/unary-extra.ts'
import type { Unary } from './ops/unary.ts'
import type { Tensor } from './tensor.ts'

export { newFilled as newFull } from './create/like.ts'
export {
  eluOf as elu,
  geluExact as gelu,
  geluTanh,
  hardTanhOf as hardtanh,
  leaky as leakyRelu,
  logOfSigmoid as logsigmoid,
  softplusOf as softplus,
  strictlyInside,
  swish as silu,
} from './ops/activation.ts'
export { replaceSlices as sliceScatter } from './ops/slice.ts'
export {
  copysign,
  fmax,
  fmin,
  heaviside,
  hypot,
  logaddexp,
  logaddexp2,
  prefersMax,
  prefersMin,
  signRatio,
  xlogy,
} from './ops/binary-extra.ts'
export {
  atan2,
  bitwiseAnd,
  bitwiseLeftShift,
  bitwiseOr,
  bitwiseRightShift,
  bitwiseXor,
  clampMax,
  clampMin,
  divide as div,
  floorDivide,
  fmod,
  isAbove,
  logicalAnd,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  minus as sub,
  mul,
  notAbove,
  plus as add,
  power as pow,
  remainder,
  share,
  truncDivide as divTrunc,
} from './ops/binary.ts'
export { eq, ge, gt, le, lt, ne } from './ops/compare.ts'
export { copied as toDevice } from './ops/device.ts'
export { amaxDims as amax, aminDims as amin, argmaxDims as argmax, argminDims as argmin, winner } from './ops/extreme.ts'
export { erfinv, lgamma } from './ops/gamma.ts'
export { gatherAlong as gather } from './ops/gather.ts'
export { indexAxes as index, putAxes as indexPut } from './ops/index.ts'
export { concat as cat } from './ops/join.ts'
export { bce as binaryCrossEntropy, huber, smooth as smoothL1 } from './ops/loss.ts'
export { batchedMatmul as matmul, dotLast as vecdot } from './ops/matmul.ts'
export { squaresAround as sumOfSquaredDeviations } from './ops/moments.ts'
export { maskPositions, nonzeroOp as nonzero, selectPositions, spread as repeatInterleave, wherePositions } from './ops/nonzero.ts'
export { sumSquares as sumOfSquares } from './ops/norm.ts'
export { positionsLike as positions, saturated as saturateIndex, wrapped as wrap } from './ops/position.ts'
export { allDims as all, anyDims as any, countDims as countNonzero, prodDims as prod, sumDims as sum } from './ops/reduce.ts'
export { recurrence, scanProduct as cumprod } from './ops/recurrence.ts'
export { runningMax as cummax, runningMin as cummin, scanLogSum as logcumsumexp, scanSum as cumsum } from './ops/scan.ts'
export { scatterAlong as scatter } from './ops/scatter.ts'
export { embedAxes as embed, sliceAxes as slice } from './ops/slice.ts'
export {
  expMinus,
  logSoftmaxOver as logSoftmax,
  logsumexpOver as logsumexp,
  minusBoth,
  softmaxOver as softmax,
  sumExp,
  unlessInfinite,
  whereFinite,
} from './ops/softmax.ts'
export { medianOf as median, nanmedianOf as nanmedian, sortLast as sort } from './ops/sort.ts'
export { putPlaces, takePlaces } from './ops/place.ts'
export { stridedOf as asStrided } from './ops/strided.ts'
export { scaleGradient } from './ops/take.ts'
export { above, below, clampBoth as clamp, inside, interpolate as lerp } from './ops/ternary.ts'
export { diagonalOf as diagonal, embedDiagonal as diagEmbed, tril, triu } from './ops/triangular.ts'
export { signbit } from './ops/unary-extra.ts'
export {
  abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  bitwiseNot,
  ceil,
  cos,
  cosh,
  erf,
  erfc,
  exp,
  exp2,
  expm1,
  flatHalf as halfReciprocal,
  floor,
  isfinite,
  isinf,
  isnan,
  log,
  log10,
  log1p,
  log2,
  logicalNot,
  neg,
  reciprocal,
  relu,
  revalued,
  rootFlat,
  roundHalfEven as round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  stopGradient as detach,
  tan,
  tanh,
  trunc,
  unlessZero,
} from './ops/unary.ts'
export { clone, contiguous, expandTo as expand, permuteDims as permute, reshapeTo as reshape, viewTo as view } from './ops/view.ts'
export { condBranches as cond } from './ops/branch.ts'
export { associative as associativeScan } from './ops/associative.ts'
export { whileHolds as whileLoop } from './ops/repeat.ts'
export { whileSweeps as whileLoopSweeps } from './ops/sweeps.ts'
export { scanRounds as scan } from './ops/rounds.ts'
export { settle } from './ops/settle.ts'
export { where } from './ops/where.ts'
export { countUpTo } from './random/choice.ts'
export { binomialOf as binomial, poissonOf as poisson } from './random/counts.ts'
export { drawShared as random, drawWith as draw, foldKeys as foldIn, splitKeys as splitKey } from './random/draw.ts'
export { gammaOf as standardGamma, standardGammaGrad } from './random/gamma.ts'

type Cast = Op<[x: Tensor], { readonly dtype: DType }, [x: Tensor]>
/** Converts to bool. */
export const toBool: Cast = /* @__PURE__ */ castOp('bool')
/** Converts to uint8. */
export const toUint8: Cast = /* @__PURE__ */ castOp('uint8')
/** Converts to int8. */
export const toInt8: Cast = /* @__PURE__ */ castOp('int8')
/** Converts to int16. */
export const toInt16: Cast = /* @__PURE__ */ castOp('int16')
/** Converts to int32. */
export const toInt32: Cast = /* @__PURE__ */ castOp('int32')
/** Converts to int64. */
export const toInt64: Cast = /* @__PURE__ */ castOp('int64')
/** Converts to float16. */
export const toFloat16: Cast = /* @__PURE__ */ castOp('float16')
/** Converts to bfloat16. */
export const toBfloat16: Cast = /* @__PURE__ */ castOp('bfloat16')
/** Converts to float32. */
export const toFloat32: Cast = /* @__PURE__ */ castOp('float32')
/** Converts to float64. */
export const toFloat64: Cast = /* @__PURE__ */ castOp('float64')

/** sin(πx)/(πx). */
export const sinc: Parametric = /* @__PURE__ */ sincDerivative(0)
/** Its derivative of order 1; those beyond the fourth are made as they are needed and cannot be written down. */
export const sincDerivative1: Parametric = /* @__PURE__ */ sincDerivative(1)
/** Its derivative of order 2; those beyond the fourth are made as they are needed and cannot be written down. */
export const sincDerivative2: Parametric = /* @__PURE__ */ sincDerivative(2)
/** Its derivative of order 3; those beyond the fourth are made as they are needed and cannot be written down. */
export const sincDerivative3: Parametric = /* @__PURE__ */ sincDerivative(3)
/** Its derivative of order 4; those beyond the fourth are made as they are needed and cannot be written down. */
export const sincDerivative4: Parametric = /* @__PURE__ */ sincDerivative(4)

/** The derivative of lgamma. */
export const digamma: Unary = /* @__PURE__ */ polygammaOf(0)
/** Its derivative of order 1; those beyond the fourth are made as they are needed and cannot be written down. */
export const polygamma1: Unary = /* @__PURE__ */ polygammaOf(1)
/** Its derivative of order 2; those beyond the fourth are made as they are needed and cannot be written down. */
export const polygamma2: Unary = /* @__PURE__ */ polygammaOf(2)
/** Its derivative of order 3; those beyond the fourth are made as they are needed and cannot be written down. */
export const polygamma3: Unary = /* @__PURE__ */ polygammaOf(3)
/** Its derivative of order 4; those beyond the fourth are made as they are needed and cannot be written down. */
export const polygamma4: Unary = /* @__PURE__ */ polygammaOf(4)
