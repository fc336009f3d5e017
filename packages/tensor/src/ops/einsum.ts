import { isOptions } from '../core/args.ts'
import { TensorRangeError, TensorTypeError, describe } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { checkTensor } from '../core/promote.ts'
import { type Shape, numel, sameShape } from '../core/shape.ts'
import { chosen } from '../core/trace.ts'
import type { Tensor } from '../tensor.ts'
import { mul } from './binary.ts'
import { batchedMatmul, checkProduct, dotOverLast, mT } from './matmul.ts'
import { sumDims } from './reduce.ts'
import { diagonal } from './triangular.ts'
import { permuteDims, reshapeTo } from './view.ts'

/** An axis name: letters as numbers from 0 (`A`) to 51 (`z`), axes under an ellipsis below 0, −1 the last. */
type Label = number
/** A tensor whose axes have distinct names. */
interface Named {
  readonly x: Tensor
  readonly labels: readonly Label[]
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const nameOf = (label: Label): string => LETTERS[label] ?? '...'

function fault(message: string, remedy = ''): TensorRangeError {
  return new TensorRangeError(`einsum(): ${message}${remedy && `. ${remedy}`}`, { op: 'einsum', code: 'EQUATION' })
}

const shaped = (x: Tensor, shape: Shape): Tensor => (sameShape(x.shape, shape) ? x : reshapeTo(x, shape))

/** The axes `order` of a tensor, in that order. */
function arrange({ x, labels }: Named, order: readonly Label[]): Tensor {
  const dims = order.map((l) => labels.indexOf(l))
  return dims.every((d, i) => d === i) ? x : permuteDims(x, dims)
}

function sumLabels({ x, labels }: Named, drop: (label: Label) => boolean): Named {
  const dims = labels.flatMap((l, i) => (drop(l) ? [i - labels.length] : []))
  return dims.length ? { x: sumDims(x, dims), labels: labels.filter((l) => !drop(l)) } : { x, labels }
}

const sizes = ({ x, labels }: Named, of: readonly Label[]): number[] => of.map((l) => x.shape[labels.indexOf(l)]!)

/** One product of two tensors, summed over what neither the rest nor the result needs. */
function pair(first: Named, second: Named, needed: (label: Label) => boolean, order: readonly Label[]): Named {
  // the result has the first's own axes before the second's: exchanged where the order asked for says otherwise
  const own = (p: Named, q: Named): Label[] => p.labels.filter((l) => !q.labels.includes(l))
  const place = (ls: readonly Label[]): number => Math.min(...ls.map((l) => order.indexOf(l)).filter((i) => i >= 0))
  const [a, b] = place(own(second, first)) < place(own(first, second)) ? [second, first] : [first, second]
  const [rows, columns] = [own(a, b), own(b, a)]
  const shared = a.labels.filter((l) => b.labels.includes(l))
  const batch = shared.filter(needed)
  const larger = chosen('einsum', () => numel(a.x.shape) >= numel(b.x.shape))
  const summed = (larger ? a : b).labels.filter((l) => shared.includes(l) && !needed(l))
  const labels = [...batch, ...rows, ...columns]
  const [n, m, k, c] = [sizes(a, batch), sizes(a, rows), sizes(a, summed), sizes(b, columns)]
  const K = numel(k)
  if (!summed.length) {
    const left = shaped(arrange(a, [...batch, ...rows]), [...n, ...m, ...c.map(() => 1)])
    const right = shaped(arrange(b, [...batch, ...columns]), [...n, ...m.map(() => 1), ...c])
    return { x: mul(left, right), labels }
  }
  if (!rows.length && !columns.length) {
    const flat = (p: Named): Tensor => shaped(arrange(p, [...batch, ...summed]), [...n, K])
    return { x: dotOverLast('einsum', flat(a), flat(b)), labels }
  }
  // the sizes of either group merge into one axis of a matrix; batch axes stay apart, so that no data need to move
  const left = shaped(arrange(a, [...batch, ...rows, ...summed]), [...n, numel(m), K])
  const right = shaped(arrange(b, [...batch, ...columns, ...summed]), [...n, numel(c), K])
  // a vector goes to the left, so that a batch of them is a matrix
  const product = columns.length || n.length ? batchedMatmul(left, mT(right)) : batchedMatmul(right, mT(left))
  return { x: shaped(product, [...n, ...m, ...c]), labels }
}

/** Of all pairs, the one whose product is smallest against its factors. */
function cheapest(xs: readonly Named[], needed: (label: Label, i: number, j: number) => boolean): [i: number, j: number] {
  let best: [number, number] = [0, 1]
  let least = Infinity
  for (let i = 0; i < xs.length; i++)
    for (let j = i + 1; j < xs.length; j++) {
      const [a, b] = [xs[i]!, xs[j]!]
      let size = 1
      for (const l of new Set([...a.labels, ...b.labels])) if (needed(l, i, j)) size *= sizes(a.labels.includes(l) ? a : b, [l])[0]!
      const cost = size - numel(a.x.shape) - numel(b.x.shape)
      if (cost < least) [least, best] = [cost, [i, j]]
    }
  return best
}

/** The sum over all axes not in `out` of the product of the operands; axes of one name are walked together. */
export function contract(operands: readonly Named[], out: readonly Label[]): Tensor {
  const inOut = (l: Label): boolean => out.includes(l)
  let xs = operands.map((p, i) => sumLabels(p, (l) => !inOut(l) && !operands.some((q, j) => i !== j && q.labels.includes(l))))
  while (xs.length > 1) {
    const needed = (l: Label, i: number, j: number): boolean => inOut(l) || xs.some((q, k) => k !== i && k !== j && q.labels.includes(l))
    const [i, j] = xs.length === 2 ? [0, 1] : chosen(`einsum of ${xs.length}`, () => cheapest(xs, needed))
    const product = pair(xs[i]!, xs[j]!, (l) => needed(l, i, j), out)
    xs = [...xs.filter((_, k) => k !== i && k !== j), product]
  }
  return arrange(xs[0]!, out)
}

interface Equation {
  readonly inputs: readonly (readonly (Label | '...')[])[]
  readonly output: readonly (Label | '...')[] | null
}

function subscripts(text: string, from: number, where: string): (Label | '...')[] {
  const out: (Label | '...')[] = []
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (c === ' ') continue
    if (c === '.') {
      if (out.includes('...')) throw fault(`found '.' for ${where} for which an ellipsis was already found`)
      if (text.slice(i, i + 3) !== '...')
        throw fault(`found '.' for ${where} that is not part of any ellipsis${where === 'output' ? ' (...)' : ''}`)
      out.push('...')
      i += 2
      continue
    }
    const label = LETTERS.indexOf(c)
    if (label < 0) throw fault(`invalid subscript given at index ${from + i} in the equation string, subscripts must be in [a-zA-Z]`)
    out.push(label)
  }
  return out
}

function parse(equation: string): Equation {
  const arrow = equation.indexOf('->')
  const left = arrow < 0 ? equation : equation.slice(0, arrow)
  let at = 0
  const inputs = left.split(',').map((text, i) => {
    const labels = subscripts(text, at, `operand ${i}`)
    at += text.length + 1
    return labels
  })
  return { inputs, output: arrow < 0 ? null : subscripts(equation.slice(arrow + 2), arrow + 2, 'output') }
}

/** Names the axes of an operand, and takes diagonals where a name is repeated. */
function name(x: Tensor, given: readonly (Label | '...')[], i: number): Named {
  const under = x.ndim - given.filter((l) => l !== '...').length
  if (under < 0 || (under > 0 && !given.includes('...'))) {
    const n = given.filter((l) => l !== '...').length
    const has = given.includes('...')
    throw fault(
      `the number of subscripts in the equation (${n}) ${has ? 'is more than' : 'does not match'} the number of dimensions (${x.ndim}) for operand ${i}${has ? '' : ' and no ellipsis was given'}`,
    )
  }
  const labels = given.flatMap((l) => (l === '...' ? Array.from({ length: under }, (_, j) => j - under) : [l]))
  let y = x
  for (let d = 0; d < labels.length; d++) {
    const first = labels.indexOf(labels[d]!)
    if (first === d) continue
    if (y.shape[first] !== y.shape[d])
      throw fault(
        `subscript ${nameOf(labels[d]!)} is repeated for operand ${i} but the sizes don't match, ${y.shape[d]} != ${y.shape[first]}`,
      )
    y = diagonal(y, 0, first, d)
    const [label] = labels.splice(d, 1)
    labels.splice(first, 1)
    labels.push(label!)
    d = -1
  }
  return { x: y, labels }
}

/** Drops axes of size 1 whose name has another size elsewhere: they repeat. */
function broadcast(operands: readonly Named[]): Named[] {
  const size = new Map<Label, number>()
  operands.forEach(({ x, labels }, i) => {
    labels.forEach((l, d) => {
      const n = x.shape[d]!
      const known = size.get(l) ?? 1
      if (n !== known && n !== 1 && known !== 1)
        throw l < 0
          ? fault(
              `dimension ${d} covered by ellipsis in operand ${i} has size ${n} which does not broadcast with previously seen ellipsis with size ${known} for the respective dimension`,
            )
          : fault(`subscript ${nameOf(l)} has size ${n} for operand ${i} which does not broadcast with previously seen size ${known}`)
      if (known === 1) size.set(l, n)
    })
  })
  return operands.map(({ x, labels }) => {
    const stays = labels.map((l, d) => x.shape[d] === size.get(l))
    return stays.every(Boolean)
      ? { x, labels }
      : {
          x: reshapeTo(
            x,
            x.shape.filter((_, d) => stays[d]),
          ),
          labels: labels.filter((_, d) => stays[d]),
        }
  })
}

function outputLabels({ output }: Equation, operands: readonly Named[]): Label[] {
  const all = operands.flatMap((p) => p.labels)
  const ellipsis = [...new Set(all.filter((l) => l < 0))].sort((x, y) => x - y)
  if (!output) return [...ellipsis, ...[...new Set(all)].filter((l) => l >= 0).sort((x, y) => x - y)]
  const out = output.flatMap((l) => (l === '...' ? ellipsis : [l]))
  out.forEach((l, i) => {
    if (out.indexOf(l) !== i) throw fault(`output subscript ${nameOf(l)} appears more than once in the output`)
    if (!all.includes(l)) throw fault(`output subscript ${nameOf(l)} does not appear in the equation for any input operand`)
  })
  return out
}

/** A list of axis numbers, of which '...' is an ellipsis. */
export type Sublist = readonly (number | '...')[]

function fromSublists(args: readonly unknown[]): [Equation, Tensor[]] {
  const operands: Tensor[] = []
  const lists: (Label | '...')[][] = []
  for (const [i, arg] of args.entries()) {
    if (isTensor(arg) && i % 2 === 0) {
      operands.push(arg)
      continue
    }
    if (!Array.isArray(arg))
      throw new TensorTypeError(
        `expected tensors and lists of axes in turn, got ${describe(arg)} at position ${i}: einsum(x, [0, 1], y, [1, 2], [0, 2])`,
        { op: 'einsum', code: 'EQUATION' },
      )
    lists.push(
      arg.map((l: unknown) => {
        if (l === '...') return l
        if (typeof l !== 'number' || !Number.isInteger(l) || l < 0 || l >= LETTERS.length)
          throw fault('subscript in subscript list is not within the valid range [0, 52)')
        return l
      }),
    )
  }
  const output = lists.length > operands.length ? lists.pop()! : null
  return [{ inputs: lists, output }, operands]
}

/**
 * Sums of products of the operands by the equation: one letter an axis, `...` for all the others, as in
 * `einsum('bij,bjk->bik', x, y)`. A letter that is repeated in one operand takes its diagonal; letters missing after `->`
 * are summed; without `->` the result has the letters that occur once, in alphabetical order. Axes of size 1 broadcast.
 * Also `einsum(x, [0, 1], y, [1, 2], [0, 2])`. Every step is a permutation, a reshape or one matmul; several operands
 * are multiplied in the order that keeps intermediate results small.
 * @throws TensorRangeError for equations that do not fit the operands
 */
export function einsum(equation: string, ...operands: readonly Tensor[] | readonly [operands: readonly Tensor[]]): Tensor
export function einsum(x: Tensor, axes: Sublist, ...more: readonly (Tensor | Sublist)[]): Tensor
export function einsum(...args: readonly unknown[]): Tensor {
  const [first, ...rest] = args
  if (args.length < 2 || isOptions(first))
    throw new TensorTypeError(
      'einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list',
      { op: 'einsum', code: 'EQUATION' },
    )
  if (typeof first !== 'string' && !isTensor(first))
    throw new TensorTypeError(`einsum(): argument 'equation' (position 1) must be a string, not ${describe(first)}`, {
      op: 'einsum',
      code: 'EQUATION',
    })
  const [equation, xs] =
    typeof first === 'string' ? [parse(first), (Array.isArray(rest[0]) ? rest[0] : rest) as Tensor[]] : fromSublists(args)
  for (const x of xs) checkTensor('einsum', x)
  if (xs.length < equation.inputs.length) throw fault('fewer operands were provided than specified in the equation')
  if (xs.length > equation.inputs.length) throw fault('more operands were provided than specified in the equation')
  if (xs.length > 1) checkProduct('einsum', ...xs)
  const counts = new Map<Label, number>()
  for (const l of equation.inputs.flat()) if (l !== '...') counts.set(l, (counts.get(l) ?? 0) + 1)
  const named = xs.map((x, i) => name(x, equation.inputs[i]!, i))
  const out = outputLabels(equation, named)
  return contract(broadcast(named), equation.output ? out : out.filter((l) => l < 0 || counts.get(l) === 1))
}
