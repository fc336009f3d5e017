export { detectAnomaly, isAnomalyEnabled, setDetectAnomaly } from './core/anomaly.ts'
export type { BackwardOptions, GradFn } from './core/autograd.ts'
export type { DType } from '@mapgrad/kernel'
export type { Backend, MemoryInfo, Storage } from './core/backend.ts'
export { type Memory, keep, memory, tidy } from './core/memory.ts'
export { type Device, setDefaultDevice } from './core/device.ts'
export { MapgradError, type MapgradErrorClass, TensorRangeError, TensorTypeError, isMapgradError } from './core/errors.ts'
export { isTensor } from './core/handle.ts'
export type { Nested, NumberArray, TypedArray } from './core/read.ts'
export { tree } from './core/tree.ts'
export type { LeafOf, MappedTree, TreeStructureOf, Trees } from './core/tree-types.ts'
export { Tensor } from './tensor.ts'
export type { TensorData, TensorOptions } from './create/host.ts'
export { tensor } from './create/tensor.ts'
export {
  type Unary,
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
  floor,
  frac,
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
  rsqrt,
  sigmoid,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  stopGradient,
  stopGradient as detach,
  tan,
  tanh,
  trunc,
} from './ops/unary.ts'
export {
  type AlphaOptions,
  type DivOptions,
  type RoundOptions,
  add,
  atan2,
  bitwiseAnd,
  bitwiseLeftShift,
  bitwiseOr,
  bitwiseRightShift,
  bitwiseXor,
  clampMax,
  clampMin,
  div,
  floorDivide,
  fmod,
  logicalAnd,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mul,
  pow,
  remainder,
  round,
  sub,
} from './ops/binary.ts'
export * from './ops/compare.ts'
export { allclose, equal, isComplex, isFloatingPoint, isNonzero, isSameSize, isSigned, numel } from './ops/facts.ts'
export type { SizeArgs } from './create/size.ts'
export { asTensor, empty, full, ones, scalarTensor, zeros } from './create/fill.ts'
export { emptyLike, fullLike, newEmpty, newFull, newOnes, newTensor, newZeros, onesLike, zerosLike } from './create/like.ts'
export * from './create/range.ts'
export { bmm, dot, ger, inner, matmul, mm, mv, outer, vdot } from './ops/matmul.ts'
export type { Named, ValuesIndices } from './core/outputs.ts'
export {
  type CountNonzeroOptions,
  type Dims,
  type ReduceAsArgs,
  type ReduceAsOptions,
  type ReduceArgs,
  type ReduceOptions,
  all,
  any,
  countNonzero,
  mean,
  nanmean,
  nansum,
  prod,
  sum,
} from './ops/reduce.ts'
export {
  type AlongArgs,
  type AminmaxOptions,
  type OneDimArgs,
  type OneDimOptions,
  amax,
  amin,
  aminmax,
  argmax,
  argmin,
  max,
  min,
} from './ops/extreme.ts'
export { type SoftmaxArgs, type SoftmaxOptions, logSoftmax, logsumexp, softmax, softmin } from './ops/softmax.ts'
export {
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  type HuberOptions,
  type KlDivOptions,
  type LossOptions,
  type LossReduction,
  type SmoothL1Options,
  type WeightedLossOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huberLoss,
  klDiv,
  l1Loss,
  mseLoss,
  smoothL1Loss,
} from './ops/loss.ts'
export { type CrossEntropyOptions, type NllLossOptions, crossEntropy, nllLoss } from './ops/cross-entropy.ts'
export { type ClampArgs, type ClampOptions, type ValueOptions, addcdiv, addcmul, clamp, lerp } from './ops/ternary.ts'
export {
  type IscloseOptions,
  copysign,
  floatPower,
  fmax,
  fmin,
  heaviside,
  hypot,
  isclose,
  ldexp,
  logaddexp,
  logaddexp2,
  rsub,
  xlogy,
} from './ops/binary-extra.ts'
export {
  type AlphaShapeOptions,
  type GeluOptions,
  type GluOptions,
  type HardtanhOptions,
  type LambdOptions,
  type LeakyReluOptions,
  type SoftplusOptions,
  type ThresholdOptions,
  celu,
  elu,
  gelu,
  glu,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logsigmoid,
  mish,
  prelu,
  relu6,
  selu,
  silu,
  softplus,
  softshrink,
  softsign,
  tanhshrink,
  threshold,
} from './ops/activation.ts'
export { celu_, selu_, threshold_ } from './ops/activation-in-place.ts'
export {
  type LogitOptions,
  type NanToNumOptions,
  deg2rad,
  isneginf,
  isposinf,
  isreal,
  logit,
  nanToNum,
  positive,
  rad2deg,
  signbit,
  sinc,
} from './ops/unary-extra.ts'
export {
  abs as absolute,
  neg as negative,
  asin as arcsin,
  acos as arccos,
  atan as arctan,
  asinh as arcsinh,
  acosh as arccosh,
  atanh as arctanh,
  trunc as fix,
  sign as sgn,
} from './ops/unary.ts'
export { mul as multiply, sub as subtract, div as divide, div as trueDivide, atan2 as arctan2 } from './ops/binary.ts'
export { ne as notEqual, lt as less, le as lessEqual, gt as greater, ge as greaterEqual } from './ops/compare.ts'
export { clamp as clip } from './ops/ternary.ts'
export { type VarArgs, type VarOptions, std, stdMean, var, varMean } from './ops/moments.ts'
export { type NormArgs, type NormOptions, dist, norm } from './ops/norm.ts'
export { type ScanArgs, type ScanOptions, cummax, cummin, cumprod, cumsum, logcumsumexp } from './ops/scan.ts'
export {
  type ChooseArgs,
  type ChooseOptions,
  type SortArgs,
  type SortOptions,
  type TopkOptions,
  argsort,
  kthvalue,
  median,
  mode,
  msort,
  nanmedian,
  sort,
  topk,
} from './ops/sort.ts'
export { type PrintOptions, type PrintSettings, getPrintOptions, setPrintOptions } from './core/print.ts'
export {
  type DimOptions,
  atleast1d,
  atleast2d,
  atleast3d,
  cat,
  columnStack,
  concatenate,
  concatenate as concat,
  dstack,
  hstack,
  rowStack,
  stack,
  vstack,
} from './ops/join.ts'
export { type NarrowOptions, type SelectOptions, flip, fliplr, flipud, narrow, select } from './ops/slice.ts'
export type { Numbers } from './ops/integers.ts'
export {
  type FlattenOptions,
  type MovedimOptions,
  type TransposeOptions,
  type UnflattenOptions,
  adjoint,
  broadcastTensors,
  broadcastTo,
  expand,
  expandAs,
  flatten,
  moveaxis,
  movedim,
  permute,
  ravel,
  reshape,
  reshapeAs,
  squeeze,
  swapaxes,
  swapdims,
  t,
  transpose,
  unflatten,
  unsqueeze,
  view,
  viewAs,
} from './ops/shape.ts'
export { type MeshgridOptions, type RollOptions, type Rot90Options, meshgrid, repeat, roll, rot90, tile } from './ops/arrange.ts'
export { clone, contiguous } from './ops/view.ts'
export {
  type ChunkOptions,
  type SplitOptions,
  type TensorSplitOptions,
  chunk,
  dsplit,
  hsplit,
  splitWithSizes,
  tensorSplit,
  unbind,
  vsplit,
} from './ops/split.ts'
export {
  type DiagonalOptions,
  type DiagonalScatterOptions,
  diag,
  diagEmbed,
  diagflat,
  diagonal,
  diagonalScatter,
  trace,
  tril,
  triu,
} from './ops/triangular.ts'
export { type AsStridedOptions, type UnfoldOptions, asStrided, unfold } from './ops/strided.ts'
export { type PadMode, type PadOptions, constantPadNd, pad } from './ops/pad.ts'
export { type GatherOptions, type TakeAlongDimOptions, gather, takeAlongDim } from './ops/gather.ts'
export {
  type Reduction,
  type ScatterAddOptions,
  type ScatterOptions,
  type ScatterReduceOptions,
  scatter,
  scatterAdd,
  scatterReduce,
} from './ops/scatter.ts'
export {
  type EmbeddingOptions,
  type IndexAddOptions,
  type IndexFillOptions,
  type IndexReduceOptions,
  type MaskedFillOptions,
  type PutOptions,
  embedding,
  indexAdd,
  indexCopy,
  indexFill,
  indexReduce,
  indexSelect,
  maskedFill,
  oneHot,
  put,
  take,
} from './ops/take.ts'
export {
  type MaskedSelectOptions,
  type NonzeroOptions,
  type RepeatInterleaveOptions,
  argwhere,
  maskedSelect,
  nonzero,
  repeatInterleave,
  where,
} from './ops/nonzero.ts'
export { type NonzeroStaticOptions, nonzeroStatic } from './ops/nonzero-static.ts'
export {
  type AnyIndex,
  type Index,
  type IndexArray,
  type IndexPutOptions,
  type SelectScatterOptions,
  type Slice,
  type SliceScatterOptions,
  at,
  ellipsis,
  indexPut,
  selectScatter,
  setAt,
  slice,
  sliceScatter,
} from './ops/at.ts'
export type { Indexed, Indexer, Indexing } from './ops/indexer.ts'
export { linalg } from './linalg.ts'
export { type BucketizeOptions, type SearchsortedOptions, bucketize, searchsorted } from './ops/search.ts'
export { type PolygammaOptions, digamma, erfinv, lgamma, mvlgamma, polygamma } from './ops/gamma.ts'
export { type Sublist, einsum } from './ops/einsum.ts'
export {
  type AddProductOptions,
  type TensordotDims,
  addbmm,
  addmm,
  addmv,
  addr,
  baddbmm,
  bilinear,
  kron,
  linear,
  tensordot,
} from './ops/linear.ts'
export { chainMatmul, cross } from './ops/products.ts'
export * from './random/index.ts'
/** Probability distributions, by the names of `torch.distributions`: samples, log probabilities, entropies, divergences. */
export * as distributions from './distributions.ts'
export { type WhileLoopOptions, cond, forLoop, whileLoop } from './ops/control.ts'
export { type ScanLoopOptions, map, scan } from './ops/control-scan.ts'
