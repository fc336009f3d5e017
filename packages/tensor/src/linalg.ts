import { matmul } from './ops/matmul.ts'
import { linalgCross, multiDot, vecdot } from './ops/products.ts'

/** Linear algebra, by PyTorch's names. */
export const linalg: {
  readonly cross: typeof linalgCross
  readonly matmul: typeof matmul
  readonly multiDot: typeof multiDot
  readonly vecdot: typeof vecdot
} = { cross: linalgCross, matmul, multiDot, vecdot }
