import { expr as e, isFloat } from '@mapgrad/kernel'
import { type Args, readArgs } from '../core/args.ts'
import { TensorTypeError } from '../core/errors.ts'
import { isTensor } from '../core/handle.ts'
import { type Op, defineOp } from '../core/op.ts'
import { type Scalar, checkTensor } from '../core/promote.ts'
import { broadcastAval, elementwise, gates, pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { type Operand, add, clampMax, clampMin, div, mul, sub } from './binary.ts'
import { cast, promoted } from './cast.ts'
import { indicator } from './families.ts'

type XYZ = [x: Tensor, y: Tensor, z: Tensor]
type Ternary = Op<XYZ, null, [x: Operand, y: Operand, z: Operand]>

export const inside: Op<XYZ> = indicator('inside', (x, low, high) => e.and(e.ge(x!, low!), e.le(x!, high!)))
export const below: Op<XYZ> = indicator('below', (x, low, high) => e.and(e.lt(x!, low!), e.lt(low!, high!)))
export const above: Op<XYZ> = indicator('above', (x, low, high) => e.or(e.gt(x!, high!), e.lt(high!, low!)))

export const clampBoth: Ternary = defineOp<XYZ, null, [x: Operand, y: Operand, z: Operand]>({
  name: 'clamp',
  args: (...xs) => [promoted('clamp', xs) as XYZ, null],
  result: broadcastAval('clamp'),
  compute: pointwise((x, low, high) => e.min(e.max(x!, low!), high!)),
  batch: 'pointwise',
  diff: gates(
    (_, xs) => inside(...xs),
    (_, xs) => below(...xs),
    (_, xs) => above(...xs),
  ),
})

/** Arguments of `clamp`. */
export interface ClampOptions {
  readonly min?: Tensor | Scalar | null
  readonly max?: Tensor | Scalar | null
}
/** Arguments of `clamp`, by position or by name. */
export type ClampArgs = Args<[min?: Tensor | Scalar | null, max?: Tensor | Scalar | null], ClampOptions>

/** x moved into [min, max]; either bound may be absent, a number, or a tensor. At a bound the derivative is 1; where min > max the result is max. */
export function clamp(x: Tensor, ...args: ClampArgs): Tensor {
  checkTensor('clamp', x)
  const { min = null, max = null } = readArgs<ClampOptions>('clamp', args, ['min', 'max'])
  if (min !== null && max !== null) return clampBoth(x, min, max)
  if (min !== null) return clampMin(x, min)
  if (max !== null) return clampMax(x, max)
  throw new TensorTypeError("torch.clamp: At least one of 'min' or 'max' must not be None", { op: 'clamp', code: 'MISSING_ARGUMENT' })
}

export const interpolate: Ternary = defineOp<XYZ, null, [x: Operand, y: Operand, z: Operand]>({
  name: 'lerp',
  args: (...xs) => [promoted('lerp', xs) as XYZ, null],
  result: broadcastAval('lerp'),
  // from the nearer end, so that weights 0 and 1 give the ends
  compute: pointwise((x, y, w) => {
    const [a, b, t] = [x!, y!, w!]
    const d = e.sub(b, a)
    return e.select(e.lt(e.abs(t), e.constant(0.5, t.dtype)), e.add(a, e.mul(t, d)), e.sub(b, e.mul(d, e.sub(e.constant(1, t.dtype), t))))
  }),
  batch: 'pointwise',
  diff: elementwise(
    (_, [, , w]) => sub(1, w),
    (_, [, , w]) => w,
    (_, [x, y]) => sub(y, x),
  ),
})

/** x + weight · (end − x). */
export function lerp(x: Tensor, end: Tensor, ...args: Args<[weight: Tensor | number], { readonly weight: Tensor | number }>): Tensor {
  checkTensor('lerp', x)
  checkTensor('lerp', end)
  const { weight } = readArgs<{ weight: Tensor | number }>('lerp', args, ['weight'])
  // a weight without axes counts as a number
  if (x.dtype !== end.dtype || (isTensor(weight) && weight.ndim > 0 && weight.dtype !== x.dtype))
    throw new TensorTypeError(
      `expected dtype ${x.dtype} for \`end\`${isTensor(weight) ? ' and `weight`' : ''} but got dtype ${end.dtype !== x.dtype ? end.dtype : (weight as Tensor).dtype}`,
      { op: 'lerp', code: 'DTYPE' },
    )
  if (!isFloat(x.dtype))
    throw new TensorTypeError(`lerp is not implemented for ${x.dtype}: expected floats. Convert with x.to('float32')`, {
      op: 'lerp',
      code: 'DTYPE',
    })
  return interpolate(x, end, isTensor(weight) ? cast(weight, x.dtype) : weight)
}

/** Options of `addcmul` and `addcdiv`. */
export interface ValueOptions {
  /** multiplies the second term; default 1 */
  readonly value?: number
}
/** x + value · a · b. */
export function addcmul(x: Tensor, a: Tensor, b: Tensor, ...options: [options?: ValueOptions]): Tensor {
  const { value = 1 } = readArgs<ValueOptions>('addcmul', options, [], ['value'])
  return add(x, mul(value === 1 ? a : mul(a, value), b))
}
/** x + value · a / b. */
export function addcdiv(x: Tensor, a: Tensor, b: Tensor, ...options: [options?: ValueOptions]): Tensor {
  const { value = 1 } = readArgs<ValueOptions>('addcdiv', options, [], ['value'])
  return add(x, div(value === 1 ? a : mul(a, value), b))
}
