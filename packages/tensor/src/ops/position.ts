import { type DType, expr as e } from '@mapgrad/kernel'
import { TensorTypeError } from '../core/errors.ts'
import { type Op, defineOp } from '../core/op.ts'
import { checkTensor } from '../core/promote.ts'
import { readSync } from '../core/read.ts'
import type { ArrayValue } from '../core/value.ts'
import { constant, loop, pointwise } from '../core/words.ts'
import type { Tensor } from '../tensor.ts'
import { cast } from './cast.ts'

/** 0, 1, …, n − 1 as int32 on the device of a tensor, whose values do not matter. */
export const positionsLike: Op<[like: Tensor], number, [like: Tensor, n: number]> = defineOp({
  name: 'positions',
  args: (like: Tensor, n: number): readonly [[Tensor], number] => [[like], n],
  result: (_, n) => ({ shape: [n], dtype: 'int32' }),
  compute: loop(() => ({ variant: '', loop: () => ({ inputs: [], body: e.index(-1) }), inputs: [] })),
  batch: ([like], _, n) => [positionsLike(like, n), null],
  diff: constant,
})

// int64 indices that no axis has must not wrap into it: −2³¹ and 2³¹ − 1 are out of every range as well
export const saturated: Op<[index: Tensor]> = defineOp<[index: Tensor]>({
  name: 'saturate_index',
  result: ([x]) => ({ shape: x.shape, dtype: 'int32' }),
  compute: pointwise((x) => e.cast(e.max(e.min(x!, e.constant(0x7fffffff, 'int64')), e.constant(-0x80000000, 'int64')), 'int32')),
  batch: 'pointwise',
  diff: constant,
})

const integers: readonly DType[] = ['int32', 'int64', 'int16', 'int8', 'uint8']

/** An index tensor as int32. Any integer dtype is taken; bools and floats are refused with `text`, PyTorch's for this op. */
export function asIndex(op: string, index: Tensor, text: string): Tensor {
  checkTensor(op, index, 'the index to be a Tensor')
  if (!integers.includes(index.dtype))
    throw new TensorTypeError(`${text}, got ${index.dtype}. Convert it with x.to('int32')`, { op, code: 'INDEX_DTYPE' })
  return index.dtype === 'int64' ? saturated(index) : cast(index, 'int32')
}

/** The first index outside [low, size), for messages. */
export function offender(index: ArrayValue, low: number, size: number): number | bigint | undefined {
  return Array.from(readSync(index, 'index') as Int32Array).find((i) => i < low || i >= size)
}

/** PyTorch's sentence for an index outside an axis. */
export const outOfBounds = (index: number | bigint | undefined, dim: number, size: number): string =>
  size === 0 ? 'index is out of bounds for dimension with size 0' : `index ${index} is out of bounds for dimension ${dim} with size ${size}`

/** Indices in [−size, 0) counted from the end; others as they are, so that messages show what the user gave. */
export const wrapped: Op<[index: Tensor], number, [index: Tensor, size: number]> = defineOp({
  name: 'wrap',
  args: (index: Tensor, size: number): readonly [[Tensor], number] => [[index], size],
  result: ([x]) => ({ shape: x.shape, dtype: 'int32' }),
  compute: loop(([x], size) => ({
    variant: '',
    loop: () => {
      const i = e.input(0, 'int32')
      const n = e.scalar(0, 'int32')
      const fromEnd = e.and(e.lt(i, e.constant(0, 'int32')), e.ge(i, e.neg(n)))
      return { inputs: ['int32'], scalars: ['int32'], body: e.select(fromEnd, e.add(i, n), i) }
    },
    inputs: [{ strides: x.strides, offset: x.offset }],
    scalars: [size],
  })),
  batch: 'pointwise',
  diff: constant,
})
