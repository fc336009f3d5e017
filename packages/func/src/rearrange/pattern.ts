import { TensorTypeError } from '@mapgrad/tensor/plugin'

// The grammar of einops' rearrange (https://einops.rocks, 0.8), with the texts of torch.func.rearrange 2.13.

/** An axis, and what it is composed of: several names in brackets, none for size 1. `'...'` stands for any number of axes, in brackets for one that joins them. */
export interface Axis {
  readonly names: readonly string[]
  readonly brackets: boolean
}
type Side = readonly Axis[]

/** A parsed pattern. Axes of size 1 have no names. */
export interface Pattern {
  readonly text: string
  readonly left: Side
  readonly right: Side
}

export const ELLIPSIS = '...'

const fault = (text: string, message: string): TensorTypeError =>
  new TensorTypeError(`${message}, in the pattern '${text}'`, { package: 'func', op: 'rearrange', code: 'PATTERN' })

/** The axes of one side. */
function parseSide(text: string, side: string): Side {
  const axes: { names: string[]; brackets: boolean }[] = []
  const seen = new Set<string>()
  let group: string[] | null = null
  const dots = side.split(ELLIPSIS)
  if (dots.some((part) => part.includes('.'))) throw fault(text, 'Expression may contain dots only inside ellipsis (...)')
  if (dots.length > 2) throw fault(text, 'Expression may contain dots only inside ellipsis (...); only one ellipsis for tensor')
  for (const token of side.match(/\.\.\.|[()]|[^\s().]+/g) ?? []) {
    if (token === '(') {
      if (group) throw fault(text, 'Axis composition is one-level (brackets inside brackets not allowed)')
      group = []
      axes.push({ names: group, brackets: true })
    } else if (token === ')') {
      if (!group) throw fault(text, 'Brackets are not balanced')
      group = null
    } else {
      const name = checkName(text, token)
      if (name !== null) {
        if (seen.has(name)) throw fault(text, `Indexing expression contains duplicate dimension '${name}'`)
        seen.add(name)
      }
      if (group) {
        if (name !== null) group.push(name)
      } else axes.push({ names: name === null ? [] : [name], brackets: false })
    }
  }
  if (group) throw fault(text, `Imbalanced parentheses in expression: '${side}'`)
  return axes
}

/** The name of an axis, `null` for one of size 1. */
function checkName(text: string, token: string): string | null {
  if (token === ELLIPSIS) return token
  if (/^\d+$/.test(token)) {
    if (Number(token) === 1) return null
    if (Number(token) === 0) throw fault(text, 'Anonymous axis should have positive length, not 0')
    throw fault(
      text,
      `rearrange only supports unnamed axes of size 1, got ${token}. Give the axis a name, and its length with { name: ${token} }`,
    )
  }
  const strange = /[^\p{L}\p{N}_]/u.exec(token)
  if (strange) throw fault(text, `Unknown character '${strange[0]}'`)
  if (/^\p{N}/u.test(token)) throw fault(text, `Invalid axis identifier: ${token} (it begins with a digit)`)
  if (token.startsWith('_') || token.endsWith('_'))
    throw fault(text, `Invalid axis identifier: ${token}\naxis name should not start or end with underscore`)
  return token
}

const namesOf = (side: Side): string[] => side.flatMap((axis) => axis.names)
const hasEllipsis = (side: Side): boolean => namesOf(side).includes(ELLIPSIS)
const quoted = (names: readonly string[]): string => `{${names.map((n) => `'${n}'`).join(', ')}}`

function parse(text: string): Pattern {
  const sides = text.split('->')
  if (sides.length !== 2) throw fault(text, "Pattern must contain a single '->' separator")
  const [left, right] = sides.map((side) => parseSide(text, side)) as [Side, Side]
  if (left.some((axis) => axis.brackets && axis.names.includes(ELLIPSIS)))
    throw fault(text, `Ellipsis is parenthesis in the left side is not allowed: ${text}`)
  if (hasEllipsis(right) && !hasEllipsis(left)) throw fault(text, `Ellipsis found in right side, but not left side of a pattern ${text}`)
  if (hasEllipsis(left) && !hasEllipsis(right)) throw fault(text, `Ellipsis found in left side, but not right side of a pattern ${text}`)
  const [l, r] = [namesOf(left), namesOf(right)]
  const once = [...l.filter((n) => !r.includes(n)), ...r.filter((n) => !l.includes(n))]
  if (once.length > 0) throw fault(text, `Identifiers only on one side of rearrange expression (should be on both): ${quoted(once)}`)
  return { text, left, right }
}

const MOST = 256
const known: Map<string, Pattern> = /* @__PURE__ */ new Map()

/** A pattern, parsed once: those used last are kept. */
export function patternOf(text: string): Pattern {
  let pattern = known.get(text)
  if (pattern) known.delete(text)
  else pattern = parse(text)
  known.set(text, pattern)
  if (known.size > MOST) known.delete(known.keys().next().value!)
  return pattern
}
