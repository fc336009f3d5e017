import { type Tensor, stack } from '@mapgrad/tensor'
import { TensorRangeError, TensorTypeError, describe, isOptions, isTensor, show, type End, checkEnd } from '@mapgrad/tensor/plugin'
import { ELLIPSIS, type Pattern, patternOf } from './pattern.ts'

const wrongType = (message: string, code: string): TensorTypeError =>
  new TensorTypeError(message, { package: 'func', op: 'rearrange', code })
const wrongSize = (message: string, code: string): TensorRangeError =>
  new TensorRangeError(message, { package: 'func', op: 'rearrange', code })

function checkLengths({ text, left }: Pattern, lengths: Readonly<Record<string, number>>): void {
  const unknown = Object.keys(lengths).filter((name) => !left.some(({ names }) => names.includes(name)))
  if (unknown.length > 0)
    throw wrongType(
      `Identifiers not found in rearrange expression: {${unknown.map((n) => `'${n}'`).join(', ')}}, in the pattern '${text}'`,
      'AXIS_LENGTHS',
    )
  for (const [name, n] of Object.entries(lengths)) {
    if (typeof n !== 'number' || !Number.isInteger(n))
      throw wrongType(`rearrange axis lengths must be integers, got: ${describe(n)} for '${name}'`, 'AXIS_LENGTHS')
    if (n < 0) throw wrongSize(`rearrange axis lengths must be non-negative, got ${n} for '${name}'`, 'AXIS_LENGTHS')
  }
}

/** The size of every named axis; what an ellipsis stands for has several. */
function sizesOf(
  { text, left }: Pattern,
  shape: readonly number[],
  lengths: Readonly<Record<string, number>>,
): Map<string, readonly number[]> {
  const dots = left.findIndex(({ names }) => names[0] === ELLIPSIS)
  const rank = dots < 0 ? left.length : left.length - 1
  if (dots < 0 ? shape.length !== rank : shape.length < rank)
    throw wrongSize(
      `Number of dimensions in pattern (${rank}) must be equal to the number of dimensions in the tensor (${shape.length}), in the pattern '${text}' for shape ${show(shape)}`,
      'RANK',
    )
  const sizes = new Map<string, readonly number[]>()
  let at = 0
  for (const { names: axis } of left) {
    if (axis[0] === ELLIPSIS) {
      sizes.set(ELLIPSIS, shape.slice(at, (at += shape.length - rank)))
      continue
    }
    const size = shape[at++]!
    const open = axis.filter((name) => lengths[name] === undefined && axis.length > 1)
    if (open.length > 1)
      throw wrongType(
        `cannot infer the sizes of two dimensions at once ${open[0]} and ${open[1]}, in the pattern '${text}'. Give the length of one: { ${open[0]}: … }`,
        'DIMENSION_BIND',
      )
    const given = axis.reduce((n, name) => n * (lengths[name] ?? 1), 1)
    const known = open.length === 0 && (axis.length !== 1 || lengths[axis[0]!] !== undefined)
    if (known && given !== size)
      throw wrongSize(
        axis.length === 0
          ? `expected an axis of size 1 where the pattern '${text}' has 1 or (), got ${size}: the shape is ${show(shape)}`
          : `Dimension sizes do not match (${size} != ${given}) when matching (${axis.join(' ')}), in the pattern '${text}'`,
        'DIMENSION_BIND',
      )
    if (open.length === 1 && (given === 0 || size % given !== 0))
      throw wrongSize(
        `inferred dimension does not evenly fit into larger dimension: ${size} vs (${axis.map((n) => lengths[n] ?? "'?'").join(', ')}), in the pattern '${text}'`,
        'DIMENSION_BIND',
      )
    for (const name of axis) sizes.set(name, [lengths[name] ?? (axis.length === 1 ? size : size / given)])
  }
  return sizes
}

/**
 * `x` with its axes named, split, joined, moved and inserted, as einops writes it: `rearrange(x, 'b (h w) c -> b c h w', { h: 8 })`.
 * Parentheses group axes that are one axis of the tensor; `...` stands for any axes; `1` and `()` for an axis of size 1. Of each group
 * one length may be left to infer. Several tensors in an array are stacked along a new first axis. Differentiable and mappable; a view where `reshape` gives one.
 * @throws TensorTypeError for a pattern that is none, or names that are unknown; TensorRangeError for sizes that do not fit
 */
export function rearrange(
  x: Tensor | readonly Tensor[],
  pattern: string,
  axesLengths: Readonly<Record<string, number>> = {},
  ...end: End
): Tensor {
  checkEnd('rearrange', end, [], 'func')
  if (typeof pattern !== 'string')
    throw wrongType(`expected the pattern to be a string such as 'a b -> b a', got ${describe(pattern)}`, 'PATTERN')
  const tensor = isTensor(x) ? x : Array.isArray(x) ? stack(x as readonly Tensor[]) : null
  if (!tensor) throw wrongType(`expected a tensor or an array of tensors, got ${describe(x)}`, 'NOT_A_TENSOR')
  if (!isOptions(axesLengths))
    throw wrongType(`expected lengths of axes by name in an object, such as { h: 8 }, got ${describe(axesLengths)}`, 'AXIS_LENGTHS')
  const parsed = patternOf(pattern)
  checkLengths(parsed, axesLengths)
  const sizes = sizesOf(parsed, tensor.shape, axesLengths)
  const names = parsed.left.flatMap((axis) => axis.names)
  /** where each name's axes begin, when each has its own */
  const starts = new Map<string, number>()
  let rank = 0
  for (const name of names) {
    starts.set(name, rank)
    rank += sizes.get(name)!.length
  }
  const order = parsed.right.flatMap((axis) => axis.names).flatMap((name) => sizes.get(name)!.map((_, i) => starts.get(name)! + i))
  const split = names.flatMap((name) => sizes.get(name)!)
  const joined = parsed.right.flatMap((axis) => {
    const parts = axis.names.flatMap((name) => sizes.get(name)!)
    return axis.names[0] === ELLIPSIS && !axis.brackets ? parts : [parts.reduce((a, b) => a * b, 1)]
  })
  return tensor.reshape(split).permute(order).reshape(joined)
}
