import type { Args, End } from '../core/args.ts'
import * as linear from '../ops/linear.ts'
import * as matmul from '../ops/matmul.ts'
import * as products from '../ops/products.ts'
import type { Tensor } from '../tensor.ts'
import { IndexingMethods } from './indexing.ts'

/** Products of matrices and vectors as methods; each is the function of the same name with the tensor first. */
export abstract class LinalgMethods extends IndexingMethods {
  matmul(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.matmul(this, y, ...end)
  }
  mm(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.mm(this, y, ...end)
  }
  bmm(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.bmm(this, y, ...end)
  }
  mv(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.mv(this, y, ...end)
  }
  dot(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.dot(this, y, ...end)
  }
  vdot(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.vdot(this, y, ...end)
  }
  inner(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.inner(this, y, ...end)
  }
  outer(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.outer(this, y, ...end)
  }
  ger(this: Tensor, y: Tensor, ...end: End): Tensor {
    return matmul.ger(this, y, ...end)
  }
  addmm(this: Tensor, a: Tensor, b: Tensor, options?: linear.AddProductOptions, ...end: End): Tensor {
    return linear.addmm(this, a, b, options, ...end)
  }
  addmv(this: Tensor, a: Tensor, v: Tensor, options?: linear.AddProductOptions, ...end: End): Tensor {
    return linear.addmv(this, a, v, options, ...end)
  }
  addbmm(this: Tensor, a: Tensor, b: Tensor, options?: linear.AddProductOptions, ...end: End): Tensor {
    return linear.addbmm(this, a, b, options, ...end)
  }
  baddbmm(this: Tensor, a: Tensor, b: Tensor, options?: linear.AddProductOptions, ...end: End): Tensor {
    return linear.baddbmm(this, a, b, options, ...end)
  }
  addr(this: Tensor, u: Tensor, v: Tensor, options?: linear.AddProductOptions, ...end: End): Tensor {
    return linear.addr(this, u, v, options, ...end)
  }
  kron(this: Tensor, y: Tensor, ...end: End): Tensor {
    return linear.kron(this, y, ...end)
  }
  cross(this: Tensor, y: Tensor, ...args: Args<[dim?: number], { readonly dim?: number }>): Tensor {
    return products.cross(this, y, ...args)
  }
}
