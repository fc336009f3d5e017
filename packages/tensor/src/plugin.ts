// What authors of ops, transforms and backends import.
export type { Backend, MemoryInfo, Storage } from './core/backend.ts'
export { type Device, defineBackend, resolveDevice } from './core/device.ts'
export { type ErrorInfo, InternalError, TensorRangeError, TensorTypeError, describe, show, traceStack } from './core/errors.ts'
export { origin, withOrigin } from './core/anomaly.ts'
export { type Autograd, BACKWARD_OPTIONS, autogradOf } from './core/autograd.ts'
export { type Mapping, provideMapping } from './core/mapping.ts'
export { type Alias, type Writing, follow, shareElements, viewLike, write } from './core/alias.ts'
export { type Args, type End, checkEnd, checkOptions, isOptions, readArgs } from './core/args.ts'
export { evaluate } from './core/evaluate.ts'
export { isTensor } from './core/handle.ts'
export { internally, lasting, owning, released } from './core/memory.ts'
export {
  type AnyOp,
  type Batch,
  type BatchContext,
  type Compute,
  type Diff,
  type Dim,
  type Fn,
  type Jvp,
  type Layout,
  type Linearize,
  type LoopRequest,
  type Op,
  type OpDef,
  type Partial,
  type ProgramAvals,
  type Rebase,
  type Tangent,
  type Tensors,
  type Vjp,
  type Vmap,
  defineForeignOp as defineOp,
} from './core/op.ts'
export { type Stretch, inStretches } from './ops/stretches.ts'
export { checkOperand, checkTensor, isFloating, promoteTypes, resultType } from './core/promote.ts'
export { PROTOCOL, registry } from './core/registry.ts'
export { type Shape, broadcastShapes, contiguousStrides, fromEnd, normalizeDim, normalizeDims, numel, sameShape } from './core/shape.ts'
export {
  type Choices,
  type Outputs,
  Trace,
  type ViewKind,
  Tracer,
  bind,
  checkAlive,
  checkLeaving,
  drawsRandomly,
  isWithin,
  refusePromise,
  resume,
  send,
  withTrace,
} from './core/trace.ts'
export {
  type TreeClass,
  type TreeNode,
  TreeSpec,
  treeBroadcastPrefix,
  treeFlatten,
  treeLeaves,
  treeMap,
  treeNode,
  treePaths,
  treeUnflatten,
} from './core/tree.ts'
export { type Called, callUser } from './core/user.ts'
export { ArrayValue, type Aval, type Buffer, type Value } from './core/value.ts'
export {
  batchOf,
  broadcastAval,
  constant,
  decompose,
  diffOf,
  elementwise,
  gates,
  kernel,
  linear,
  loop,
  multilinear,
  pieces,
  pointwise,
  reduction,
  registerBatching,
  registerDerivative,
  registerKernel,
  resultOfFunctions,
  ruleTable,
  sameAval,
  steps,
  unsupported,
  view,
} from './core/words.ts'
export { assign, reshaped } from './ops/assign.ts'
export { cast, filledLike, promoted, toFloat } from './ops/cast.ts'
export { combineAlong, runningPairs } from './ops/associative.ts'
export { type Like, type Program, Captures, isRecording, like, record } from './ops/program.ts'
export { unlessZero } from './ops/unary.ts'
export { batchFirst, expandTo, moveAxis, permuteDims, reshapeTo, sumTo } from './ops/view.ts'
export { sumDims } from './ops/reduce.ts'
export { generatorOf, rewinding } from './random/generator.ts'
export { nextKey } from './random/keys.ts'
export { bytesOf, expr } from '@mapgrad/kernel'
export type { DType, Expr, KernelParams, Loop, LoopCall, NamedKernel, ReduceOp, View } from '@mapgrad/kernel'
