// Tracing of functions of lists of tensors and rewriting of graphs, for authors of compilers and passes.
export { type Visit, type Within, copyInto, copyNode, rewrite } from './graph.ts'
export { type Signature } from './code.ts'
export { type Structure, assemble, sameStructure, structureOf, structureText } from './structure.ts'
export { graphModule } from './module.ts'
export { type Subgraph, isSubgraph, subgraph, subgraphsOf, withSubgraphs } from './subgraph.ts'
export { GraphTrace, type TraceOptions, Traced, traceFlat } from './trace.ts'
