import { fault, rangeFault } from '../faults.ts'

// Numbers that follow from the sizes of a graph's inputs.

/** How a number is made of others; `exact` is a quotient that must be whole, `float32` rounds, `bigint` converts. */
export type SizeOp = 'add' | 'mul' | 'div' | 'exact' | 'floor' | 'ceil' | 'min' | 'max' | 'sqrt' | 'log' | 'pow' | 'float32' | 'bigint'

/** A part of an expression: another one, or a number. */
export type SizePart = Size | number

/** An expression as JSON: a symbol is its name, everything else an operation and its operands. */
export type SizeJSON = string | number | readonly [SizeOp, ...SizeJSON[]]

type Writing = { readonly symbol: (index: number) => string; readonly call: (name: string) => string; readonly space: string }

const TEXT: Writing = { symbol: (i) => `s${i}`, call: (name) => name, space: '' }

/** How tightly an operation binds, for parentheses. */
const strength = (x: SizePart): number =>
  typeof x === 'number'
    ? x < 0
      ? 1
      : 4
    : x.op === 'add'
      ? 1
      : x.op === 'mul' || x.op === 'div' || x.op === 'exact'
        ? 2
        : x.op === 'pow'
          ? 3
          : 4

/**
 * A number in a graph that follows from the sizes of its inputs: `s0`, `2*s0+1`, `ceil(s1/2)`, `1/(s0*s1)`. The symbols
 * `s0`, `s1`, … stand for sizes of the inputs. It is data, no number: only graphs hold it, and say what it is in each run.
 */
export class Size {
  /** `null` for a symbol */
  readonly op: SizeOp | null
  readonly parts: readonly SizePart[]
  /** which symbol it is */
  readonly index: number

  constructor(op: SizeOp | null, parts: readonly SizePart[], index = -1) {
    this.op = op
    this.parts = parts
    this.index = index
  }

  /** The symbol of that number. */
  static symbol(index: number): Size {
    return new Size(null, [], index)
  }

  /** The number for these values of the symbols. @throws TensorRangeError where a quotient that must be whole is not */
  at(values: readonly number[]): number | bigint {
    if (this.op === null) {
      const value = values[this.index]
      if (value === undefined) throw unbound(this.index)
      return value
    }
    const xs = this.parts.map((p) => (typeof p === 'number' ? p : Number(p.at(values))))
    const [a, b] = xs as [number, number]
    switch (this.op) {
      case 'add':
        return xs.reduce((x, y) => x + y)
      case 'mul':
        return xs.reduce((x, y) => x * y)
      case 'div':
        return a / b
      case 'exact':
        if (!Number.isInteger(a / b))
          throw rangeFault(
            'Graph.run',
            `expected ${String(this.parts[0])} to be a multiple of ${b}, as it was at every size that the function was traced at, got ${a} at ${this.symbols()
              .map((i) => `s${i} = ${values[i]}`)
              .join(', ')}`,
            'SIZE_MISMATCH',
          )
        return a / b
      case 'floor':
        return Math.floor(a)
      case 'ceil':
        return Math.ceil(a)
      case 'min':
        return Math.min(...xs)
      case 'max':
        return Math.max(...xs)
      case 'sqrt':
        return Math.sqrt(a)
      case 'log':
        return Math.log(a)
      case 'pow':
        return a ** b
      case 'float32':
        return Math.fround(a)
      case 'bigint':
        return BigInt(a)
    }
  }

  /** The symbols in it, in ascending order. */
  symbols(): number[] {
    if (this.op === null) return [this.index]
    return [...new Set(this.parts.flatMap((p) => (typeof p === 'number' ? [] : p.symbols())))].sort((a, b) => a - b)
  }

  #write(w: Writing): string {
    const { parts, op } = this
    const text = (p: SizePart): string => (typeof p === 'number' ? String(p) : p.#write(w))
    const within = (p: SizePart, least: number): string => (strength(p) < least ? `(${text(p)})` : text(p))
    const call = (name: string): string => `${w.call(name)}(${parts.map(text).join(`,${w.space}`)})`
    switch (op) {
      case null:
        return w.symbol(this.index)
      case 'add':
        return parts
          .map((p, i) => {
            const t = text(p)
            if (i === 0) return t
            return t.startsWith('-') ? `${w.space}-${w.space}${t.slice(1)}` : `${w.space}+${w.space}${t}`
          })
          .join('')
      case 'mul':
        return parts[0] === -1 && parts.length > 1
          ? `-${parts
              .slice(1)
              .map((p) => within(p, 2))
              .join(`${w.space}*${w.space}`)}`
          : parts.map((p, i) => (i === 0 && typeof p === 'number' ? text(p) : within(p, 2))).join(`${w.space}*${w.space}`)
      case 'div':
      case 'exact':
        return `${within(parts[0]!, 2)}${w.space}/${w.space}${within(parts[1]!, 2.5)}`
      case 'pow':
        return `${within(parts[0]!, 4)}${w.space}**${w.space}${within(parts[1]!, 1)}`
      case 'float32':
        return call(w.call('') === '' ? 'float32' : 'fround')
      case 'bigint':
        return w.call('') === '' ? call('bigint') : `BigInt(${text(parts[0]!)})`
      default:
        return call(op)
    }
  }

  /** As in `print()`: `2*s0+1`. */
  toString(): string {
    return this.#write(TEXT)
  }
  /** As TypeScript, with these names for the symbols: `Math.ceil(s0 / 2)`. */
  toCode(symbol: (index: number) => string): string {
    return this.#write({ symbol, call: (name) => `Math.${name}`, space: ' ' })
  }
  toJSON(): SizeJSON {
    return this.op === null ? `s${this.index}` : [this.op, ...this.parts.map((p) => (typeof p === 'number' ? p : p.toJSON()))]
  }
}

/** The error for a symbol that is no size of an input. */
export const unbound = (index: number): Error =>
  fault(
    'Graph',
    `expected s${index} to be a size of an input, got a graph whose inputs do not have it. Keep the placeholder that has`,
    'INVALID_GRAPH',
  )

/** The expression that `toJSON` wrote. */
export function sizeFromJSON(x: SizeJSON): SizePart {
  if (typeof x === 'number') return x
  if (typeof x === 'string') return Size.symbol(Number(x.slice(1)))
  const [op, ...parts] = x
  return new Size(op, parts.map(sizeFromJSON))
}

/** a + b + …, numbers that change nothing left out. */
export function sum(...parts: readonly SizePart[]): SizePart {
  const terms = parts.filter((p) => p !== 0)
  return terms.length === 0 ? 0 : terms.length === 1 ? terms[0]! : new Size('add', terms)
}
/** a · b · …, numbers that change nothing left out. */
export function product(...parts: readonly SizePart[]): SizePart {
  const factors = parts.filter((p) => p !== 1)
  return factors.length === 0 ? 1 : factors.length === 1 ? factors[0]! : new Size('mul', factors)
}

/** A size of a node: a number, or an expression. */
export type Dim = number | Size

/** `[2, s0]` */
export const dimsText = (dims: readonly Dim[]): string => `[${dims.join(', ')}]`
