export type { DType } from '@mapgrad/kernel'
export type { Backend, MemoryInfo, Storage } from './core/backend.ts'
export { type Memory, keep, memory, tidy } from './core/memory.ts'
export { type Device, setDefaultDevice } from './core/device.ts'
export { type MapgradError, TensorRangeError, TensorTypeError, isMapgradError } from './core/errors.ts'
export { tree } from './core/tree.ts'
export { Tensor } from './tensor.ts'
export * from './create/tensor.ts'
export * from './ops/unary.ts'
export * from './ops/binary.ts'
export * from './ops/compare.ts'
export * from './ops/where.ts'
export * from './create/fill.ts'
export * from './create/range.ts'
export { bmm, dot, ger, inner, matmul, mm, mv, outer, vdot } from './ops/matmul.ts'
export { Generator, type GeneratorState, type Key, foldIn, getRngState, initialSeed, key, manualSeed, seed, setRngState } from './random/generator.ts'
export { type DropoutOptions, type RandomOptions, bernoulli, dropout, exponential, gumbel, normal, rand, randLike, randint, randintLike, randn, randnLike } from './random/distributions.ts'
export type { Named, ValuesIndices } from './core/outputs.ts'
export {
  type CountNonzeroOptions, type Dims, type ReduceAsArgs, type ReduceAsOptions, type ReduceArgs, type ReduceOptions,
  all, any, countNonzero, mean, nanmean, nansum, prod, sum,
} from './ops/reduce.ts'
export { type AlongArgs, type AminmaxOptions, type OneDimArgs, type OneDimOptions, amax, amin, aminmax, argmax, argmin, max, min } from './ops/extreme.ts'
export { type SoftmaxArgs, type SoftmaxOptions, logSoftmax, logsumexp, softmax, softmin } from './ops/softmax.ts'
export {
  type BinaryCrossEntropyOptions, type BinaryCrossEntropyWithLogitsOptions, type HuberOptions, type KlDivOptions, type LossOptions, type LossReduction, type SmoothL1Options, type WeightedLossOptions,
  binaryCrossEntropy, binaryCrossEntropyWithLogits, huberLoss, klDiv, l1Loss, mseLoss, smoothL1Loss,
} from './ops/loss.ts'
export { type CrossEntropyOptions, type NllLossOptions, crossEntropy, nllLoss } from './ops/cross-entropy.ts'
export { type ClampArgs, type ClampOptions, type ValueOptions, addcdiv, addcmul, clamp, lerp } from './ops/ternary.ts'
export { type IscloseOptions, copysign, floatPower, fmax, fmin, heaviside, hypot, isclose, ldexp, logaddexp, logaddexp2, rsub, xlogy } from './ops/binary-extra.ts'
export * from './ops/activation.ts'
export { type PrintOptions, type PrintSettings, getPrintOptions, setPrintOptions } from './core/print.ts'
