import { type Tensor, grad, hessian, jacrev, jvp, matmul, ones, sin, tensor, vjp, vmap } from '@mapgrad/func'
import { wrong, ints, gives, refused, traced, type Row } from './mistake.ts'

/** Mistakes 1–30: operands, shapes, arguments of transforms. */
export const inCalls: readonly Row[] = [
  [
    'inner sizes of a matrix product differ',
    refused(
      () => matmul(ones(2, 3), ones(2, 3)),
      'SHAPE_MISMATCH',
      'mat1 and mat2 shapes cannot be multiplied',
      '(2x3 and 2x3)',
      'transpose one of them with x.mT',
    ),
  ],
  [
    'shapes that do not broadcast',
    refused(
      () => ones(3).add(ones(2)),
      'SHAPE_MISMATCH',
      'must match the size of tensor b (2)',
      'got shapes [3] and [2]',
      'Reshape or unsqueeze one of them',
    ),
  ],
  [
    'reshape to another number of elements',
    refused(
      () => ones(2, 3).reshape([4, 2]),
      'SHAPE_MISMATCH',
      "shape '[4, 2]'",
      'is invalid for input of size 6',
      'Give sizes whose product is 6, or -1 for one of them',
    ),
  ],
  [
    'a reduction over an axis that is not there',
    refused(
      () => ones(2, 3).sum(2),
      'DIM_RANGE',
      '[tensor] sum: Dimension out of range',
      'expected to be in range of [-2, 1]',
      'but got 2',
    ),
  ],
  [
    'grad of a function that is no scalar',
    refused(
      () => grad((x: Tensor) => x.mul(2))(ones(3)),
      'NOT_A_SCALAR',
      'Expected f(*args) to return a scalar Tensor',
      'got tensor with 1 dims',
      'use the vjp or jacrev APIs instead',
    ),
  ],
  [
    'grad with respect to integers',
    refused(
      () => grad((x: Tensor) => x.float().sum())(ints(1, 2, 3)),
      'PRIMAL_DTYPE',
      'only Tensors of floating point dtype',
      'got int32',
      "Convert with x.to('float32'), or leave the argument out of argnums",
    ),
  ],
  [
    'grad of a sum of integers',
    refused(
      () => grad((x: Tensor) => x.sum())(ints(1, 2, 3)),
      'PRIMAL_DTYPE',
      'only Tensors of floating point dtype',
      'got int32',
      "Convert with x.to('float32')",
    ),
  ],
  [
    'a loss that is a number',
    refused(
      () => grad(wrong(() => 3))(wrong(ones(3))),
      'OUTPUT_TYPE',
      'Expected f(*args) to return a Tensor',
      'got number',
      'Compute it by operations on tensors',
    ),
  ],
  [
    'a function without a return',
    refused(
      () => grad(wrong((x: Tensor) => void x.sum()))(wrong(ones(3))),
      'OUTPUT_TYPE',
      'Expected f(*args) to return a Tensor',
      'got undefined',
      'needs a return',
    ),
  ],
  [
    'a gradient called without arguments',
    refused(
      () => (grad((x: Tensor) => x.sum()) as () => unknown)(),
      'ARGNUMS',
      'Got argnum=0',
      'but only 0 positional inputs',
      'Call the transformed function with the arguments',
    ),
  ],
  [
    'an array where a tensor belongs',
    refused(() => sin(wrong([1, 2, 3])), 'OPERAND_TYPE', 'expected a Tensor', 'got [1, 2, 3]', 'Wrap data in tensor(data)'),
  ],
  [
    'an array as the other operand',
    refused(
      () => ones(3).add(wrong([1, 2, 3])),
      'OPERAND_TYPE',
      'expected a Tensor or a number',
      'got [1, 2, 3]',
      'Wrap data in tensor(data)',
    ),
  ],
  [
    'a string as the other operand',
    refused(() => ones(3).add(wrong('a')), 'OPERAND_TYPE', '[tensor] add: expected a Tensor or a number', 'got "a"', 'Convert it first'),
  ],
  [
    'operators of the language on tensors',
    refused(
      () => (ones(3) as never as number) + (ones(3) as never as number),
      'NOT_A_SCALAR',
      'only tensors with one element can be converted',
      'got one of shape [3]',
      'such as x.add(y) instead of operators',
    ),
  ],
  [
    // a bare `if (tensor)` is always true and no library can see it; every comparison that converts the tensor is caught
    'a branch on a tensor while a graph is traced',
    refused(
      () => traced((x: Tensor) => ((x.sum() as never as number) > 0 ? x : x.neg()), [tensor([-1, -2])]),
      'UNREADABLE',
      'trying to get value out of a tracing tensor with .item()',
      'A graph has one path for all values',
      'use where(condition, x, y), or cond',
    ),
  ],
  [
    'item() while a graph is traced',
    refused(
      () => traced((x: Tensor) => x.mul(x.sum().item() as number), [ones(3)]),
      'UNREADABLE',
      'trying to get value out of a tracing tensor with .item()',
      'A graph has one path for all values',
      'return what you want to read',
    ),
  ],
  [
    'reading numbers under grad',
    gives(
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
      () => {
        const seen: unknown[] = []
        const g = grad((x: Tensor) => {
          seen.push(x.tolist())
          return x.sum()
        })(ones(3))
        return [g.tolist(), ...seen]
      },
    ),
  ],
  [
    'vmap over axes of different sizes',
    refused(
      () => vmap((a: Tensor, b: Tensor) => a.add(b))(ones(3), ones(4)),
      'SIZES_DIFFER',
      'Expected all tensors to have the same size in the mapped dimension',
      'got sizes [3, 4]',
    ),
  ],
  [
    'vmap over a tensor without axes',
    refused(
      () => vmap((a: Tensor) => a)(tensor(3)),
      'IN_DIMS',
      'Got inDim=0 for some input',
      'a Tensor of dimensionality 0',
      'give null as its inDim',
    ),
  ],
  [
    'vmap over an axis that is not there',
    refused(
      () => vmap((a: Tensor) => a, 2)(ones(3, 2)),
      'IN_DIMS',
      'Got inDim=2',
      'a Tensor of dimensionality 2',
      'expected inDim to satisfy -2 <= inDim < 2',
    ),
  ],
  [
    'fewer inDims than arguments',
    refused(
      () => vmap((a: Tensor, b: Tensor) => a.add(b), [0])(ones(3), ones(3)),
      'IN_DIMS',
      'inDims is not compatible with the structure of `inputs`',
      'inDims has structure [*]',
      'inputs has structure [*, *]',
    ),
  ],
  [
    'vmap over a number',
    refused(
      () => vmap(wrong((a: Tensor, b: number) => a.add(b)))(...(wrong([ones(3), 2]) as never[])),
      'IN_DIMS',
      'Got inDim=0 for an input',
      'the input is of type number',
      'please use null as the respective inDim',
    ),
  ],
  [
    'vmap over nothing',
    refused(
      () => vmap((a: Tensor) => a, [null])(ones(3)),
      'NOTHING_MAPPED',
      'Expected at least one Tensor to vmap over',
      'Give at least one argument an axis in inDims',
    ),
  ],
  [
    'a mapped function that returns a string',
    refused(
      () => vmap((x: Tensor) => x.ndim > 9 || 'hello')(ones(3)),
      'OUTPUT_TYPE',
      'must only return Tensors',
      'got type string',
      'Did you mean to set outDims= to null for output?',
    ),
  ],
  [
    'the Jacobian of a function of a matrix',
    gives(
      [0, 1, 2].map((j) => [0, 1].map(() => [0, 1, 2].map((k) => Number(j === k)))),
      () => jacrev((x: Tensor) => x.sum(0))(ones(2, 3)),
    ),
  ],
  [
    'the Hessian of a function of a tree',
    gives(
      {
        w: {
          w: [
            [6, 0],
            [0, 12],
          ],
        },
      },
      () => hessian((p: { w: Tensor }) => p.w.pow(3).sum())({ w: tensor([1, 2]) }),
    ),
  ],
  [
    'a tangent of another shape',
    refused(
      () => jvp((x: Tensor) => sin(x), [ones(3)], [ones(2)]),
      'SHAPE_MISMATCH',
      'Tensor is of size [3]',
      'the given forward gradient is of size [2]',
      'Give each tangent the shape of its primal',
    ),
  ],
  [
    'more tangents than primals',
    refused(
      () => jvp((x: Tensor) => sin(x), [ones(3)], wrong([ones(3), ones(3)])),
      'STRUCTURE',
      'Expected primals and tangents to have the same python structure',
      'primals with structure [*]',
      'tangents with structure [*, *]',
    ),
  ],
  [
    'primals that are not in an array',
    refused(
      () => jvp(sin, wrong(ones(3)), wrong(ones(3))),
      'PRIMALS',
      'Expected primals to be a tuple',
      'Give an array with one entry an argument',
      'got Tensor',
    ),
  ],
  [
    'a cotangent of another shape',
    refused(
      () => vjp((x: Tensor) => sin(x), [ones(3)])[1](ones(2)),
      'SHAPE_MISMATCH',
      'grad_output[0] has a shape of [2]',
      'output[0] has a shape of [3]',
      'Give each cotangent the shape of its output',
    ),
  ],
]
