export { type Category, type DType, type DTypeInfo, bytesOf, computeType, dtypes, isFloat, isInt } from './dtype.ts'
export * as expr from './expr.ts'
export type { BasicOp, CompareOp, Expr, HostOp, MathOp } from './expr.ts'
export {
  type Access,
  type Coordinate,
  type Loop,
  type LoopCall,
  type LoopSpec,
  type OutOfRange,
  type ReduceOp,
  type View,
  defineLoop,
} from './loop.ts'
export type { ArrayView, CombineOp, KernelName, KernelParams, NamedKernel } from './named.ts'
export {
  type Elements,
  bfloat16ToNumber,
  convert,
  elementsOf,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
  roundTo,
  wrapInt,
} from './convert.ts'
export { lower, lowerTypes } from './lower.ts'
export { halfFromBits, halfToBits, roundToHalf } from './math/half.ts'
export { lowerMath } from './math/lower-math.ts'
export { identityOf, interpret } from './interpret.ts'
export { type Walk, emptyWalk, prepare, walked } from './walk.ts'
export { interpretNamed } from './interpret-named.ts'
export { print } from './print.ts'
export { normal, philox, uniform24, uniform53 } from './random.ts'
export { type Value, basicOf, bitcastValue, compareOf, mathOf } from './semantics.ts'
export { simplify } from './simplify.ts'
