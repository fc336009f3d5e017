import type { Tensor } from '@mapgrad/tensor'
import type { AnyOp } from '@mapgrad/tensor/plugin'
import type { Graph } from './graph.ts'
import { arrayOf, fillOf, literal, toBase64 } from './literal.ts'
import { Names, camelCase } from './names.ts'
import type { GraphNode } from './node.ts'
import { type Structure, numberLeaves } from './structure.ts'
import { isSubgraph } from './subgraph.ts'
import { dimsOf, placeOf, symbolsOf } from './symbolic/bind.ts'
import { type Dim, Size, unbound } from './symbolic/size.ts'

// A graph as TypeScript.

/** How the arguments and the result of the printed function are built of the graph's tensors. */
export interface Signature {
  readonly args: readonly Structure[]
  readonly result: Structure
  /** the inputs, by their place among the tensors, that get a new value in place: the outputs behind those of the result */
  readonly mutated?: readonly number[]
}

/** A constant of more elements than this is printed as base64. */
const SPELLED = 64

/** The shortest decimal that is this float32. */
function shortFloat(x: number): string {
  if (Object.is(x, -0)) return '-0'
  for (let digits = 1; digits < 9; digits++) {
    const text = x.toPrecision(digits)
    if (Math.fround(Number(text)) === x) return String(Number(text))
  }
  return String(x)
}

const element = (x: number | bigint, dtype: string): string =>
  typeof x === 'bigint'
    ? `${x}n`
    : dtype === 'bool'
      ? String(x !== 0)
      : dtype === 'float32'
        ? shortFloat(x)
        : Object.is(x, -0)
          ? '-0'
          : String(x)

function nested(shape: readonly number[], items: readonly string[]): string {
  if (!shape.length) return items[0]!
  const [n, ...rest] = shape as [number, ...number[]]
  const step = items.length / n
  return `[${Array.from({ length: n }, (_, i) => nested(rest, items.slice(i * step, (i + 1) * step))).join(', ')}]`
}

/** Writes one graph down. */
class Writer {
  readonly graph: Graph
  readonly imports = {
    tensor: new Set<string>(),
    types: new Set<string>(['Tensor']),
    plugin: new Set<string>(),
    pluginTypes: new Set<string>(),
  }
  /** modules of ops other than ours, and what each is called here */
  readonly homes: Map<string, string> = new Map()
  readonly declared: string[] = []
  readonly constants: string[] = []
  readonly names: Names = new Names()
  readonly #foreign = new Map<AnyOp, string>()

  /** what nodes of inner graphs are called here */
  readonly #inner = new Map<GraphNode, string>()

  constructor(graph: Graph) {
    this.graph = graph
    for (const { name } of graph.nodes) this.names.take(name)
  }
  #name = (node: GraphNode): string => this.#inner.get(node) ?? node.name

  /** A graph among the params of an op, as a function. */
  #function(graph: Graph): string {
    for (const node of graph.nodes) this.#inner.set(node, this.names.take(node.name))
    const body = graph.nodes.map((node) => this.statement(node)).filter((line) => line !== null)
    const lines = [...body, `return [${graph.outputs.map(this.operand).join(', ')}]`]
    return `(${graph.placeholders.map(this.#name).join(', ')}) => {\n${lines.map(indented).join('\n')}\n}`
  }

  device = (name: string): string => {
    this.imports.plugin.add('resolveDevice')
    return `resolveDevice(${literal(name, String, String)}, 'graph')`
  }
  /** Something that has no text: the reader must supply it. */
  #missing(base: string, type: string, why: string): string {
    const name = this.names.take(base)
    this.declared.push(`/** ${why} */\ndeclare const ${name}: ${type}`)
    return name
  }
  opaque = (x: object): string =>
    isSubgraph(x)
      ? this.#function(x.graph)
      : this.#missing(
          'params',
          'never',
          `a ${typeof x === 'function' ? 'function' : (x.constructor?.name ?? 'object')} among the params of an op`,
        )
  value = (x: unknown): string => literal(x, this.device, this.opaque, this.size)
  readonly #symbols = new Map<number, string>()
  size = (x: Size): string =>
    x.toCode((i) => {
      let name = this.#symbols.get(i)
      if (name === undefined) this.#symbols.set(i, (name = this.names.take(`s${i}`)))
      return name
    })
  /** `const s0 = x.shape[0]!` for each symbol that was written. */
  symbols(): string[] {
    const found = symbolsOf(this.graph.placeholders)
    return [...this.#symbols]
      .filter(([i]) => !this.graph.numbers.some((n) => n.symbol === i))
      .sort(([a], [b]) => a - b)
      .map(([i, name]) => {
        const at = found.get(i)
        if (!at) throw unbound(i)
        return `const ${name} = ${at.node.name}.shape[${at.dim}]!`
      })
  }

  /** `if (s0 < 2) throw …` for each bound that sizes have: the code is for those alone. */
  bounds(): string[] {
    const { bounds, numbers } = this.graph
    const where = (i: number): string => placeOf(this.graph, i)
    const name = (i: number): string => this.size(Size.symbol(i))
    const refused = (condition: string, message: string): string => `if (${condition}) throw new RangeError('expected ${message}')`
    return [
      ...(bounds?.least ?? []).flatMap((n, i) =>
        n === null || (n <= 0 && !numbers.some((x) => x.symbol === i))
          ? []
          : [refused(`${name(i)} < ${n}`, `${where(i)} to be at least ${n}`)],
      ),
      ...(bounds?.most ?? []).flatMap((n, i) => (n === null ? [] : [refused(`${name(i)} > ${n}`, `${where(i)} to be at most ${n}`)])),
      ...(bounds?.apart ?? []).map(([a, b]) => refused(`${name(a)} === ${name(b)}`, `${where(a)} and ${where(b)} to differ`)),
    ]
  }

  op(op: AnyOp): string {
    if (op.home) {
      let home = this.homes.get(op.home)
      if (home === undefined) this.homes.set(op.home, (home = this.homes.size === 0 ? 'ops' : this.names.take(`ops_${this.homes.size}`)))
      return `${home}.${camelCase(op.name)}`
    }
    let name = this.#foreign.get(op)
    if (name === undefined) {
      this.imports.pluginTypes.add('Op').add('Tensors')
      name = this.#missing(camelCase(op.name), 'Op<Tensors, unknown>', `the op '${op.name}' does not say what module exports it: import it`)
      this.#foreign.set(op, name)
    }
    return name
  }

  #fill(fill: number | bigint | Size, dtype: string, dims: readonly Dim[]): string {
    this.imports.tensor.add('full')
    const sized = typeof fill === 'object'
    const plain = typeof fill === 'bigint' || dtype === 'float32' || (dtype === 'bool' && !sized)
    return `full(${this.value(dims)}, ${sized ? this.size(fill) : element(fill, dtype)}${plain ? '' : `, { dtype: '${dtype}' }`})`
  }
  #tensor(x: Tensor): string {
    const { dtype, shape } = x
    this.imports.tensor.add('tensor')
    const data = x.dataSync() as Float64Array
    if (data.length > 0 && data.length <= SPELLED)
      return `tensor(${nested(
        shape,
        Array.from(data, (v) => element(v, dtype)),
      )}, { dtype: '${dtype}' })`
    const array = `new ${arrayOf[dtype]}(Uint8Array.from(atob('${toBase64(data)}'), (c) => c.charCodeAt(0)).buffer)`
    return `tensor(${array}, { dtype: '${dtype}' }).reshape([${shape.join(', ')}])`
  }

  /** A node as an operand: repeated numbers stand for themselves. */
  operand = (node: GraphNode): string => {
    const fill = node.kind === 'constant' ? fillOf(node.value!) : undefined
    return fill === undefined ? this.#name(node) : this.#fill(node.fill ?? fill, node.aval.dtype, dimsOf(node.aval))
  }

  statement(node: GraphNode): string | null {
    const name = this.#name(node)
    switch (node.kind) {
      case 'placeholder':
      case 'output':
        return null
      case 'constant':
        if (fillOf(node.value!) === undefined) {
          if (node.value!.value.trace)
            this.declared.push(`/** a value of a transform that was running when the function was traced */\ndeclare const ${name}: Tensor`)
          else this.constants.push(`const ${name} = ${this.#tensor(node.value!)}`)
        }
        return null
      case 'key': {
        this.imports.plugin.add('nextKey')
        if (node.generator) this.imports.types.add('Generator')
        const generator = node.generator
          ? this.#missing('generator', 'Generator', 'the generator that the function drew from')
          : 'undefined'
        return `const ${name} = nextKey(${generator}, ${this.device(node.backend!.name)})`
      }
      case 'item':
        return `const ${name} = ${this.#name(node.inputs[0]!)}[${node.index}]!`
      case 'call':
        return `const ${name} = ${this.op(node.op!)}.bind([${node.inputs.map(this.operand).join(', ')}], ${this.value(node.params)})`
    }
  }

  header(): string {
    const { tensor, types, plugin, pluginTypes } = this.imports
    const line = (values: ReadonlySet<string>, only: ReadonlySet<string>, from: string): string[] => {
      const types = [...only].sort()
      if (values.size === 0) return types.length ? [`import type { ${types.join(', ')} } from '${from}'`] : []
      return [`import { ${[...types.map((t) => `type ${t}`), ...[...values].sort()].join(', ')} } from '${from}'`]
    }
    return [
      ...line(tensor, types, '@mapgrad/tensor'),
      ...[...this.homes].map(([home, name]) => `import * as ${name} from '${home}'`),
      ...line(plugin, pluginTypes, '@mapgrad/tensor/plugin'),
    ].join('\n')
  }
}

/** A statement, which may have several lines, one step further in. */
const indented = (line: string): string => line.replace(/^/gm, '  ')

const isName = (key: string): boolean => /^[A-Za-z_$][\w$]*$/.test(key)
const keyText = (key: string): string => (isName(key) ? key : JSON.stringify(key))

/** The type of a tree. */
function typeOf(s: Structure): string {
  switch (s.kind) {
    case 'tensor':
      return 'Tensor'
    case 'leaf':
      return s.value === null || s.value === undefined
        ? String(s.value)
        : s.value instanceof Size
          ? s.value.op === 'bigint'
            ? 'bigint'
            : 'number'
          : typeof s.value === 'object' || typeof s.value === 'function'
            ? 'unknown'
            : typeof s.value
    case 'array':
      return `[${s.children.map(typeOf).join(', ')}]`
    case 'object':
      return `{ ${s.children.map((c, i) => `${keyText(s.keys[i]!)}: ${typeOf(c)}`).join('; ')} }`
    case 'map':
      return `Map<string, ${[...new Set(s.children.map(typeOf))].join(' | ') || 'never'}>`
    case 'class':
      return s.name
  }
}

/** A parameter: the name of a tensor or of a symbol, or a pattern that takes a tree apart. Null where nothing in it is one. */
function pattern(s: Structure, take: () => string, size: (x: Size) => string): string | null {
  switch (s.kind) {
    case 'tensor':
      return take()
    case 'leaf':
      return s.value instanceof Size ? size(s.value) : null
    case 'array': {
      const parts = s.children.map((c) => pattern(c, take, size))
      return parts.every((p) => p === null) ? null : `[${parts.map((p) => p ?? '').join(', ')}]`
    }
    case 'object': {
      const parts = s.children.flatMap((c, i) => {
        const p = pattern(c, take, size)
        return p === null ? [] : [p === s.keys[i] ? p : `${keyText(s.keys[i]!)}: ${p}`]
      })
      return parts.length ? `{ ${parts.join(', ')} }` : null
    }
    default:
      return null
  }
}

/** Whether patterns and literals can say the structure. */
const writable = (s: Structure): boolean =>
  s.kind === 'tensor' || s.kind === 'leaf' ? true : (s.kind === 'array' || s.kind === 'object') && s.children.every(writable)

function expression(s: Structure, take: () => string, writer: Writer): string {
  switch (s.kind) {
    case 'array':
      return `[${s.children.map((c) => expression(c, take, writer)).join(', ')}]`
    case 'object':
      return `{ ${s.children.map((c, i) => `${keyText(s.keys[i]!)}: ${expression(c, take, writer)}`).join(', ')} }`
    case 'leaf':
      return writer.value(s.value)
    default:
      return take()
  }
}

/** Tensors in, tensors out: the signature of a bare graph, and of trees that TypeScript has no literal for. */
export function flatSignature(graph: Graph, mutated: readonly number[] = []): Signature {
  const tensor: Structure = { kind: 'tensor' }
  const results = graph.outputs.slice(0, graph.outputs.length - mutated.length)
  return {
    args: [...graph.placeholders.map(() => tensor), ...numberLeaves(graph)],
    result: { kind: 'array', children: results.map(() => tensor) },
    mutated,
  }
}

/** TypeScript for a graph, as a function of that signature. */
export function codeOf(graph: Graph, signature: Signature = flatSignature(graph)): string {
  const writer = new Writer(graph)
  const spelled = [...signature.args, signature.result].every(writable)
  const { args, result, mutated = [] } = spelled ? signature : flatSignature(graph, signature.mutated)
  const body = graph.nodes.map((node) => writer.statement(node)).filter((line) => line !== null)
  const { placeholders } = graph
  const written = new Map(mutated.map((i) => [placeholders[i]!, writer.names.take(`${placeholders[i]!.name}_in`)]))
  const inputs = placeholders.map((p) => written.get(p) ?? p.name).values()
  const params = args.map((s, i) => `${pattern(s, () => inputs.next().value!, writer.size) ?? `_${i}`}: ${typeOf(s)}`)
  const outputs = graph.outputs.map(writer.operand).values()
  const out = expression(result, () => outputs.next().value!, writer)
  // what is written at the end must not be seen before
  const begin = [...written].map(([p, name]) => `const ${p.name} = ${name}.clone()`)
  const end = [...written.values()].map((name) => `${name}.copy_(${outputs.next().value!})`)
  const bounds = writer.bounds()
  const sizes = [...writer.symbols(), ...bounds]
  const text = [
    ...(spelled ? [] : ['// the trees of the function hold Maps or instances of classes: here they are taken apart into their tensors']),
    `export function forward(${params.join(', ')}): ${typeOf(result)} {`,
    ...[...begin, ...sizes, ...body, ...end, `return ${out}`].map(indented),
    '}',
  ]
  return `${[writer.header(), ...(writer.declared.length ? [writer.declared.join('\n')] : []), ...(writer.constants.length ? [writer.constants.join('\n')] : []), text.join('\n')].join('\n\n')}\n`
}
