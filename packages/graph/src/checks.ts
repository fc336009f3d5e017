import type { Tensor } from '@mapgrad/tensor'
import { type AnyOp, describe, isTensor } from '@mapgrad/tensor/plugin'
import { fault } from './faults.ts'
import type { Graph, OpLike } from './graph.ts'
import { type GraphAval, GraphNode } from './node.ts'

// What methods of graphs and passes are given, refused by name where it is something else.

/** A graph, refused if it is none. */
export function checkGraph(op: string, x: unknown): Graph {
  if (typeof x === 'object' && x !== null && 'nodes' in x && 'outputs' in x) return x as Graph
  const traced = typeof x === 'function' && 'graph' in x
  throw fault(
    op,
    `expected a Graph, got ${describe(x)}${traced ? '. A traced function has one: g.graph; and g.transform(pass) is that function with the graph that a pass made' : ''}`,
    'NOT_A_GRAPH',
  )
}

/** Refuses what is no node. */
export function checkNode(op: string, x: unknown): asserts x is GraphNode {
  if (!(x instanceof GraphNode)) throw fault(op, `expected a node of a graph, got ${describe(x)}`, 'NOT_A_NODE')
}

/** Refuses what is no array of nodes. */
export function checkNodes(op: string, xs: unknown): asserts xs is readonly GraphNode[] {
  if (!Array.isArray(xs)) throw fault(op, `expected an array of nodes, got ${describe(xs)}`, 'NOT_A_NODE')
  for (const x of xs) checkNode(op, x)
}

/** Refuses what is no shape with a dtype. */
export function checkAval(op: string, x: unknown): asserts x is GraphAval {
  const aval = x as GraphAval | null | undefined
  if (typeof aval !== 'object' || aval === null || !Array.isArray(aval.shape) || typeof aval.dtype !== 'string')
    throw fault(op, `expected { shape, dtype }, got ${describe(x)}`, 'AVAL')
}

/** Refuses what is no tensor. */
export function checkConstant(op: string, x: unknown): asserts x is Tensor {
  if (!isTensor(x)) throw fault(op, `expected a Tensor, got ${describe(x)}`, 'NOT_A_TENSOR')
}

/** The facts of an op, refused if it is none. */
export function defOf(op: string, x: OpLike): AnyOp {
  const def: unknown = (typeof x === 'object' || typeof x === 'function') && x !== null && 'def' in x ? x.def : x
  if (typeof def === 'object' && def !== null && 'result' in def) return def as AnyOp
  throw fault(
    op,
    `expected an op, got ${describe(x)}${typeof x === 'function' ? ', which calls ops and is none' : ''}. Graphs name theirs: import * as ops from '@mapgrad/tensor/ops'`,
    'NOT_AN_OP',
  )
}
