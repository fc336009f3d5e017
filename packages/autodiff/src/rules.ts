import { type Tensor, add, mul, neg } from '@mapgrad/tensor'
import {
  type AnyOp,
  type Diff,
  type Jvp,
  type Tangent,
  type Tensors,
  TensorTypeError,
  type Vjp,
  bind,
  diffOf,
  expandTo,
  filledLike,
  isFloating,
  sameShape,
  sumTo,
  unlessZero,
} from '@mapgrad/tensor/plugin'

// One fact about an op's derivative gives both directions, so that they cannot disagree.

/** The outputs of an op or a rule as a list. */
export const listOf = (ys: Tensor | readonly Tensor[]): Tensors => (Array.isArray(ys) ? (ys as Tensors) : [ys as Tensor])

function missing(op: AnyOp, reason: string): TensorTypeError {
  return new TensorTypeError(
    `has no derivative: ${reason}. Give it one with registerDerivative(op, rule), or cut the path with stopGradient(x)`,
    {
      package: 'autodiff',
      op: op.name,
      code: 'MISSING_DERIVATIVE',
    },
  )
}

/** A tangent at the full shape of what it is the tangent of: broadcasting of operands is repeated here, for every op. */
const broadcastTo = (dx: Tensor, y: Tensor): Tensor => (sameShape(dx.shape, y.shape) ? dx : expandTo(dx, y.shape))

/** A tangent or cotangent times a partial derivative. */
const timesOf = (gates: boolean | undefined): ((d: Tensor, partial: Tensor) => Tensor) =>
  gates ? (d, partial) => unlessZero(partial, d) : mul

function sum(parts: readonly Tensor[]): Tangent {
  let total: Tangent = null
  for (const p of parts) total = total ? add(total, p) : p
  return total
}

/** Tangents of the outputs, from those of the operands (`null` is zero). Higher-order ops are handed `jvp`. */
export function pushforward(op: AnyOp, ys: Tensors, xs: Tensors, params: unknown, dxs: readonly Tangent[], jvp: Jvp): readonly Tangent[] {
  const diff: Diff<Tensors, unknown> = diffOf(op)
  const y = ys[0]!
  switch (diff.kind) {
    case 'constant':
      return ys.map(() => null)
    case 'elementwise': {
      const times = timesOf(diff.gates)
      const parts: Tensor[] = []
      for (let i = 0; i < xs.length; i++) {
        const dx = dxs[i]
        const partial = diff.partials[i]
        if (!dx || !partial) continue
        parts.push(broadcastTo(partial === 'one' ? dx : partial === 'minusOne' ? neg(dx) : times(dx, partial(y, xs, params)), y))
      }
      return [sum(parts)]
    }
    case 'linear':
      return listOf(
        bind(
          op,
          xs.map((x, i) => dxs[i] ?? filledLike(x, 0, x.dtype, x.shape)),
          params,
        ),
      )
    case 'multilinear': {
      const parts: Tensor[] = []
      for (let i = 0; i < xs.length; i++) {
        const dx = dxs[i]
        if (dx && diff.transposes[i])
          parts.push(
            bind(
              op,
              xs.map((x, j) => (i === j ? dx : x)),
              params,
            ) as Tensor,
          )
      }
      return [sum(parts)]
    }
    case 'custom':
      return diff.jvp(ys, xs, dxs, params, jvp).map((d, i) => d && broadcastTo(d, ys[i]!))
    case 'unsupported':
      throw missing(op, diff.reason)
    default:
      throw missing(op, `'${diff.kind}' is for ops that call functions, which say \`captures\``)
  }
}

/**
 * Cotangents of the operands, from those of the outputs (`null` is zero). Broadcasting is undone here, for every op. Operands
 * that nobody differentiates (`undefined` in `asking`) may stay without one: the derivative of a product by its data is often its larger half.
 */
export function pullback(
  op: AnyOp,
  ys: Tensors,
  xs: Tensors,
  params: unknown,
  cts: readonly Tangent[],
  vjp: Vjp,
  asking: readonly unknown[],
): readonly Tangent[] {
  const diff: Diff<Tensors, unknown> = diffOf(op)
  if (diff.kind === 'custom') return toShapes(diff.vjp(ys, xs, cts, params, vjp), xs)
  if (diff.kind === 'unsupported') throw missing(op, diff.reason)
  if (diff.kind === 'augmented' || diff.kind === 'through')
    throw missing(op, `'${diff.kind}' is for ops that call functions, which say \`captures\``)
  const ct = cts[0]
  if (!ct) return xs.map(() => null)
  if (diff.kind === 'constant') return xs.map((x) => (diff.steps && isFloating(x) ? filledLike(x, 0, x.dtype, x.shape) : null))
  switch (diff.kind) {
    case 'elementwise': {
      const times = timesOf(diff.gates)
      return toShapes(
        xs.map((_, i) => {
          const partial = diff.partials[i]
          if (!partial || asking[i] === undefined) return null
          return partial === 'one' ? ct : partial === 'minusOne' ? neg(ct) : times(ct, partial(ys[0]!, xs, params))
        }),
        xs,
      )
    }
    case 'linear':
      return toShapes(listOf(diff.transpose(ct, xs, params)), xs)
    case 'multilinear':
      return toShapes(
        xs.map((_, i) => (asking[i] === undefined ? null : (diff.transposes[i]?.(ct, xs, params) ?? null))),
        xs,
      )
  }
}

/** Cotangents summed to the shapes of what they belong to. */
export const toShapes = (cts: readonly Tangent[], xs: Tensors): readonly Tangent[] =>
  cts.map((c, i) => (c && xs[i] ? sumTo(c, xs[i].shape) : c))
