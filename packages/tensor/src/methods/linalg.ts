import * as matmul from '../ops/matmul.ts'
import type { Tensor } from '../tensor.ts'
import { ReduceMethods } from './reduce.ts'

/** Products of matrices and vectors as methods; each is the function of the same name with the tensor first. */
export abstract class LinalgMethods extends ReduceMethods {
  matmul(this: Tensor, y: Tensor): Tensor { return matmul.matmul(this, y) }
  mm(this: Tensor, y: Tensor): Tensor { return matmul.mm(this, y) }
  bmm(this: Tensor, y: Tensor): Tensor { return matmul.bmm(this, y) }
  mv(this: Tensor, y: Tensor): Tensor { return matmul.mv(this, y) }
  dot(this: Tensor, y: Tensor): Tensor { return matmul.dot(this, y) }
  vdot(this: Tensor, y: Tensor): Tensor { return matmul.vdot(this, y) }
  inner(this: Tensor, y: Tensor): Tensor { return matmul.inner(this, y) }
  outer(this: Tensor, y: Tensor): Tensor { return matmul.outer(this, y) }
  ger(this: Tensor, y: Tensor): Tensor { return matmul.ger(this, y) }
}
