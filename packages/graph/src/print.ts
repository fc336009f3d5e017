import type { Graph } from './graph.ts'
import { fillOf, literal } from './literal.ts'
import { dimsOf } from './symbolic/bind.ts'
import { dimsText } from './symbolic/size.ts'
import type { GraphNode } from './node.ts'

/** What `print` does beside giving the text. */
export interface PrintOptions {
  /** whether the text goes to the console; default true */
  readonly output?: boolean
}

/** A constant that repeats a number is shown as that number where it is read. */
const isNumber = (node: GraphNode): boolean => node.kind === 'constant' && fillOf(node.value!) !== undefined
const operand = (node: GraphNode): string => {
  if (!isNumber(node)) return node.name
  const fill = String(node.fill ?? fillOf(node.value!))
  return node.aval.shape.length ? `${fill}${dimsText(dimsOf(node.aval))}` : fill
}
const params = (node: GraphNode): string =>
  node.kind === 'item'
    ? String(node.index)
    : node.params === null
      ? ''
      : literal(node.params, String, (x) => (typeof x === 'function' ? 'function' : (x.constructor?.name ?? 'object')))
const result = (node: GraphNode): string => node.avals.map((a) => `${a.dtype}${dimsText(dimsOf(a))}`).join(', ')

/** The nodes as a table. */
export function print(graph: Graph, { output = true }: PrintOptions = {}): string {
  const rows = [
    ['kind', 'name', 'op', 'inputs', 'params', 'result'],
    ...graph.nodes
      .filter((n) => !isNumber(n))
      .map((n) => [n.kind, n.kind === 'output' ? '' : n.name, n.op?.name ?? '', n.inputs.map(operand).join(', '), params(n), result(n)]),
  ]
  const used = rows[0]!.map((_, i) => i).filter((i) => rows.slice(1).some((r) => r[i] !== ''))
  const widths = used.map((i) => Math.max(...rows.map((r) => r[i]!.length)))
  const text = rows
    .map((r) =>
      used
        .map((i, k) => r[i]!.padEnd(widths[k]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
  if (output) console.log(text)
  return text
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** The graph in Graphviz's language. */
export function dotOf(graph: Graph): string {
  const shapes: Partial<Record<GraphNode['kind'], string>> = {
    placeholder: 'ellipse',
    constant: 'ellipse',
    key: 'ellipse',
    output: 'ellipse',
  }
  const nodes = graph.nodes
    .filter((n) => !isNumber(n))
    .map((n) => {
      const label = [
        n.kind === 'call' && n.op!.name !== n.name ? `${n.name} = ${n.op!.name}` : n.name,
        ...n.inputs.filter(isNumber).map(operand),
        params(n),
        n.kind === 'output' ? '' : result(n),
      ]
      // Graphviz's own line break
      return `  ${quoted(n.name)} [shape=${shapes[n.kind] ?? 'box'}, label=${quoted(label.filter((l) => l !== '').join('\n')).replaceAll('\n', '\\n')}]`
    })
  const edges = graph.nodes.flatMap((n) => n.inputs.filter((x) => !isNumber(x)).map((x) => `  ${quoted(x.name)} -> ${quoted(n.name)}`))
  return `digraph {\n${[...nodes, ...edges].join('\n')}\n}\n`
}
