export { Graph, type OpLike } from './graph.ts'
export { type GraphAval, GraphNode, type NodeKind } from './node.ts'
export { type Dim as GraphDim, Size, type SizeJSON, type SizeOp, type SizePart } from './symbolic/size.ts'
export type { NumberInput as GraphNumber, SizeBounds } from './symbolic/bind.ts'
export type { Signature as GraphSignature } from './code.ts'
export type { Structure as TreeStructure } from './structure.ts'
export type { PrintOptions as GraphPrintOptions } from './print.ts'
export type { AvalJSON, GraphJSON, NodeJSON, SubgraphJSON } from './json.ts'
export type { TensorJSON } from './literal.ts'
export { type FromJSONOptions, graphFromJSON } from './from-json.ts'
export { type FunctionalizeOptions, functionalize } from './functionalize.ts'
export { type GraphModule, type Pass as GraphPass } from './module.ts'
export { type MakeFxOptions, makeFx } from './make-fx.ts'
export type { Decomposition } from './trace.ts'
export { eliminateCommonSubexpressions } from './passes/common-subexpressions.ts'
export { eliminateDeadCode } from './passes/dead-code.ts'
export { type FoldOptions, foldConstants } from './passes/fold.ts'
export { simplifyAlgebra } from './passes/simplify.ts'
export { type AotOptions, type GraphCompiler, aotFunction } from './aot/aot.ts'
export type { Joint } from './aot/joint.ts'
export {
  type Partition,
  type Partitioner,
  defaultPartition,
  minCutPartition,
  minCutPartition as minCutRematerializationPartition,
} from './aot/partition.ts'
