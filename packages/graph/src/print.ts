import { checkOptions } from '@mapgrad/tensor/plugin'
import type { Graph } from './graph.ts'
import { fillOf, literal } from './literal.ts'
import { dimsOf } from './symbolic/bind.ts'
import { dimsText } from './symbolic/size.ts'
import type { GraphNode } from './node.ts'
import { isSubgraph } from './subgraph.ts'

/** What `print` does beside giving the text. */
export interface PrintOptions {
  /** whether the text goes to the console; default true */
  readonly output?: boolean | undefined
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
      : literal(node.params, String, (x) =>
          isSubgraph(x) ? 'graph' : typeof x === 'function' ? 'function' : (x.constructor?.name ?? 'object'),
        )
const result = (node: GraphNode): string => node.avals.map((a) => `${a.dtype}${dimsText(dimsOf(a))}`).join(', ')

/** The nodes as a table, and below it those of graphs among their params. The last outputs are new values of the `written` inputs. */
export function print(graph: Graph, options: PrintOptions = {}, written: readonly number[] = []): string {
  checkOptions('print', options as Record<string, unknown>, ['output'], 'graph')
  const { output = true } = options
  const inner = graph.nodes.flatMap((n) =>
    [...n.subgraphs].map(([name, g]) => `\n${n.name}.${name}\n${print(g, { output: false }).replace(/^/gm, '  ')}`),
  )
  const text = [table(graph, written), ...inner].join('\n')
  if (output) console.log(text)
  return text
}

function table(graph: Graph, written: readonly number[]): string {
  const { placeholders, outputs } = graph
  const results = outputs.slice(0, outputs.length - written.length)
  const rows = [
    ['kind', 'name', 'op', 'inputs', 'params', 'result'],
    ...graph.numbers.map((n) => ['number', n.name, '', '', '', `s${n.symbol}`]),
    ...graph.nodes
      .filter((n) => !isNumber(n) && n.kind !== 'output')
      .map((n) => [n.kind, n.name, n.op?.name ?? '', n.inputs.map(operand).join(', '), params(n), result(n)]),
    ...written.map((i, k) => ['write', placeholders[i]!.name, 'copy_', operand(outputs[results.length + k]!), '', '']),
    ['output', '', '', results.map(operand).join(', '), '', results.map(result).join(', ')],
  ]
  const used = rows[0]!.map((_, i) => i).filter((i) => rows.slice(1).some((r) => r[i] !== ''))
  const widths = used.map((i) => Math.max(...rows.map((r) => r[i]!.length)))
  return rows
    .map((r) =>
      used
        .map((i, k) => r[i]!.padEnd(widths[k]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** The graph in Graphviz's language. */
export const dotOf = (graph: Graph): string => `digraph {\n${dotLines(graph, '').join('\n')}\n}\n`

const shapes: Partial<Record<GraphNode['kind'], string>> = {
  placeholder: 'ellipse',
  constant: 'ellipse',
  key: 'ellipse',
  output: 'ellipse',
}

/** Nodes, edges, and a box for each graph among the params of a node, whose names begin with `path`. */
function dotLines(graph: Graph, path: string): string[] {
  const name = (n: GraphNode): string => quoted(path + n.name)
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
      return `  ${name(n)} [shape=${shapes[n.kind] ?? 'box'}, label=${quoted(label.filter((l) => l !== '').join('\n')).replaceAll('\n', '\\n')}]`
    })
  const edges = graph.nodes.flatMap((n) => n.inputs.filter((x) => !isNumber(x)).map((x) => `  ${name(x)} -> ${name(n)}`))
  const boxes = graph.nodes.flatMap((n) =>
    [...n.subgraphs].flatMap(([key, g]) => {
      const box = `${path}${n.name}.${key}`
      const inner = dotLines(g, `${box}.`).map((l) => `  ${l}`)
      return [
        `  subgraph ${quoted(`cluster_${box}`)} {`,
        `    label=${quoted(box)}`,
        ...inner,
        '  }',
        `  ${quoted(`${box}.output`)} -> ${name(n)} [style=dotted]`,
      ]
    }),
  )
  return [...nodes, ...boxes, ...edges]
}
