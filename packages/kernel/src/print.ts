import { type Expr, argsOf } from './expr.ts'
import type { Loop } from './loop.ts'

const infix: Readonly<Record<string, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  rem: '%',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shr: '>>',
  shru: '>>>',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
}

/** A node over the texts of its operands. */
function nodeText(e: Expr, a: readonly string[]): string {
  switch (e.kind) {
    case 'const':
      return e.dtype === 'bool' ? String(!!e.value) : Object.is(e.value, -0) ? '-0' : `${e.value}${e.dtype === 'int64' ? 'n' : ''}`
    case 'input':
      return `in${e.slot}`
    case 'scalar':
      return `scalar${e.slot}`
    case 'index':
      return `index[${e.axis}]`
    case 'position':
    case 'reduced':
      return e.kind
    case 'basic':
    case 'compare': {
      const sign = infix[e.op]
      return sign ? `${a[0]} ${sign} ${a[1]}` : `${e.op}(${a.join(', ')})`
    }
    case 'math':
      return `${e.op}(${a.join(', ')})`
    case 'select':
      return `${a[0]} ? ${a[1]} : ${a[2]}`
    case 'cast':
      return `${e.dtype}(${a[0]})`
    case 'bitcast':
      return `bits ${e.dtype}(${a[0]})`
    case 'rare':
      return `${a[0]} unless ${a[1]} then host ${e.host}(${a[2]})`
  }
}

/** Text of expressions one by one; a node used twice gets a name, printed in `lines` where it is first needed. */
class Printer {
  readonly lines: string[] = []
  private readonly uses = new Map<Expr, number>()
  private readonly names = new Map<Expr, string>()

  /** Counts the uses of every node, so that shared ones are known before the first is printed. */
  count(e: Expr): void {
    const n = this.uses.get(e) ?? 0
    this.uses.set(e, n + 1)
    if (n === 0) argsOf(e).forEach((a) => this.count(a))
  }

  text(e: Expr, nested = false): string {
    const known = this.names.get(e)
    if (known) return known
    const args = argsOf(e)
    const text = nodeText(
      e,
      args.map((a) => this.text(a, true)),
    )
    if (args.length > 0 && this.uses.get(e)! > 1) {
      const name = `t${this.names.size}`
      this.names.set(e, name)
      this.lines.push(`  ${name}: ${e.dtype} = ${text}`)
      return name
    }
    return nested && text.includes(' ') && e.kind !== 'cast' && e.kind !== 'math' && !/^\w+\(.*\)$/.test(text) ? `(${text})` : text
  }
}

/** A loop as text, for people: inputs, shared subexpressions by name, the body, the reduction and its epilogue. */
export function print(loop: Loop): string {
  const p = new Printer()
  const coordinates = loop.inputs.flatMap((a) => a.coordinates)
  for (const e of [...coordinates.map((c) => c.expr), loop.body, ...(loop.epilogue ? [loop.epilogue] : [])]) p.count(e)
  const inputs = loop.inputs.map((a, i) => {
    const at = a.coordinates.map((c) => `${p.text(c.expr)}${c.outOfRange === 'zero' ? ' or 0' : ''}`)
    return `in${i}: ${a.dtype}${at.length > 0 ? ` at [${at.join(', ')}]` : ''}`
  })
  const scalars = loop.scalars.map((d, i) => `scalar${i}: ${d}`)
  const body = p.text(loop.body)
  const result = loop.reduce ? `reduced = ${loop.reduce}(${body})` : `out = ${body}`
  const before = p.lines.splice(0)
  const epilogue = loop.epilogue ? p.text(loop.epilogue) : loop.reduce ? 'reduced' : null
  const after = epilogue ? [...p.lines, `  out = ${epilogue}`] : []
  return [`${loop.name}(${[...inputs, ...scalars].join(', ')}) -> ${loop.output}`, ...before, `  ${result}`, ...after].join('\n')
}
