import * as func from '@mapgrad/func'
import {
  type Tensor,
  arange,
  cat,
  cos,
  einsum,
  grad,
  key,
  linalg,
  makeFx,
  ones,
  randn,
  setDefaultDevice,
  sin,
  sort,
  take,
  tensor,
  vmap,
  where,
} from '@mapgrad/func'
import { wrong, ints, gives, refused, traced, type Row } from './mistake.ts'

class Point {
  w = ones(2)
}

/** Mistakes 31–71: data, indices, devices, graphs, trees, names. */
export const inData: readonly Row[] = [
  [
    'rows of different lengths',
    refused(() => tensor([[1, 2], [3]]), 'RAGGED', 'expected length 2', 'got length 1 at data[1]', 'Pad the short ones'),
  ],
  [
    'strings as data',
    refused(
      () => tensor(wrong(['a', 'b'])),
      'DATA_TYPE',
      'expected numbers, booleans or bigints',
      'got "a" at data[0]',
      'Convert it first',
    ),
  ],
  ['doubles as float32', gives([1, 2.5, NaN], () => tensor(new Float64Array([1, 2.5, NaN]), { dtype: 'float32' }))],
  [
    'a typed array of bytes',
    gives(['uint8', [1, 2, 255]], () => [tensor(new Uint8Array([1, 2, 255])).dtype, tensor(new Uint8Array([1, 2, 255]))]),
  ],
  [
    'a dtype that does not exist',
    refused(
      () => tensor([1, 2], { dtype: wrong('float') }),
      'DTYPE_NAME',
      'expected a dtype among bool, uint8',
      'float32, float64',
      'got "float"',
    ),
  ],
  ['half floats', gives([2, 4], () => tensor([1, 2], { dtype: 'float16' }).mul(2))],
  ['an index beyond the end', refused(() => ones(3).at(5), 'INDEX_RANGE', 'index 5 is out of bounds', 'for dimension 0 with size 3')],
  ['an index one beyond the end', refused(() => ones(3).at(3), 'INDEX_RANGE', 'index 3 is out of bounds', 'for dimension 0 with size 3')],
  [
    'a tensor of indices beyond the end',
    refused(() => tensor([10, 20, 30]).at(ints(5)), 'INDEX_RANGE', 'index 5 is out of bounds', 'for dimension 0 with size 3'),
  ],
  ['a tensor of negative indices', gives([30], () => tensor([10, 20, 30]).at(ints(-1)))],
  ['take with negative indices', gives([30], () => take(tensor([10, 20, 30]), ints(-1)))],
  [
    'floats as indices',
    refused(
      () => tensor([10, 20, 30]).at(tensor([1])),
      'INDEX_DTYPE',
      'tensors used as indices must be long, int, byte or bool tensors',
      'got float32',
      "Convert it with x.to('int32')",
    ),
  ],
  [
    'a row beyond the end',
    refused(
      () =>
        tensor([
          [1, 2],
          [3, 4],
        ]).at(ints(7)),
      'INDEX_RANGE',
      'index 7 is out of bounds',
      'for dimension 0 with size 2',
    ),
  ],
  // a list of indices, as in PyTorch; a range is slice(0, 2)
  ['an array in place of a slice', gives([0, 2, 1], () => arange(6).at([0, 2, 1]))],
  [
    'a device that nobody made',
    refused(
      () => tensor([1, 2], { device: 'webgpu' }),
      'UNKNOWN_DEVICE',
      "expected a device among 'cpu'",
      "got 'webgpu'",
      'Pass the backend itself once, as { device: backend }',
    ),
  ],
  [
    'a default device that nobody made',
    refused(
      () => setDefaultDevice('webgpu'),
      'UNKNOWN_DEVICE',
      "expected a device among 'cpu'",
      "got 'webgpu'",
      'Pass the backend itself once, as { device: backend }',
    ),
  ],
  [
    'a number that a graph was made for, and another one later',
    refused(
      () => {
        const powers = (x: Tensor, n: number): Tensor => (n === 0 ? x : powers(x.mul(2), n - 1))
        return traced(powers, [ones(2), 3], [ones(2), 4])
      },
      'SIGNATURE',
      'expected arguments as they were traced, (*, 3)',
      'got (*, 4)',
      'trace the function again for other values',
    ),
  ],
  [
    'a string that a graph was made for, and another one later',
    refused(
      () => traced((x: Tensor, mode: string) => (mode === 'sin' ? sin(x) : cos(x)), [ones(2), 'sin'], [ones(2), 'cos']),
      'SIGNATURE',
      'expected arguments as they were traced, (*, "sin")',
      'got (*, "cos")',
      'trace the function again for other values',
    ),
  ],
  ['a graph of a function that returns a number', gives(3, () => traced(() => 3, [ones(2)]))],
  ['a graph of a function without a return', gives(undefined, () => traced((x: Tensor) => void x.sum(), [ones(2)]))],
  [
    'a graph of a function that returns a string among tensors',
    gives({ y: [2, 2], name: 'a' }, () => traced((x: Tensor) => ({ y: x.mul(2), name: 'a' }), [ones(2)])),
  ],
  [
    'a tensor of a graph that is used outside',
    refused(
      () => {
        let leaked!: Tensor
        makeFx((x: Tensor) => (leaked = x))(ones(2))
        return leaked.add(1)
      },
      'ESCAPED_TRACER',
      'expected values of transforms that are still running',
      'escaped from makeFx (level 1)',
      'Return it from the transformed function',
    ),
  ],
  [
    'an example of vmap that is used outside',
    refused(
      () => {
        let leaked!: Tensor
        vmap((x: Tensor) => (leaked = x))(ones(2))
        return leaked.add(1)
      },
      'ESCAPED_TRACER',
      'escaped',
      'vmap (level 1)',
      'Return it from the transformed function',
    ),
  ],
  [
    'an instance of a class as a tree',
    refused(
      () => grad((p: Point) => p.w.sum())(new Point()),
      'PRIMAL_TYPE',
      'Thing passed to transform API must be Tensor',
      'got a Point',
      'Register its class with tree.register',
    ),
  ],
  [
    'a Map as a tree',
    gives([true, [3, 3]], () => {
      const g = grad((p: Map<string, Tensor>) => p.get('w')!.mul(3).sum())(new Map([['w', ones(2)]]))
      return [g instanceof Map, g.get('w')]
    }),
  ],
  ['null among the leaves', gives({ w: [1, 1], b: null }, () => grad((p: { w: Tensor; b: null }) => p.w.sum())({ w: ones(2), b: null }))],
  [
    'undefined among the leaves',
    gives({ w: [1, 1], b: undefined }, () => grad((p: { w: Tensor; b: undefined }) => p.w.sum())({ w: ones(2), b: undefined })),
  ],
  [
    'the mean of integers',
    refused(
      () => ints(1, 2, 4).mean(),
      'DTYPE',
      'Input dtype must be either a floating point or complex dtype',
      'Got: int32',
      "Convert with x.float(), or pass { dtype: 'float32' }",
    ),
  ],
  ['integers divided', gives([1.5], () => ints(3).div(2))],
  ['functions as methods', gives([0, 0], () => tensor([0, 0]).sin())],
  ['matmul as a method', gives([[11]], () => tensor([[1, 2]]).matmul(tensor([[3], [4]])))],
  // no convolution yet: it comes with the layers
  ['a convolution of other channels', gives([], () => ['conv1d', 'conv2d', 'conv3d', 'functional'].filter((name) => name in func))],
  [
    'einsum to an index that nothing has',
    refused(
      () => einsum('ij,jk->il', ones(2, 3), ones(3, 4)),
      'EQUATION',
      'output subscript l does not appear in the equation for any input operand',
    ),
  ],
  [
    'einsum of sizes that differ',
    refused(
      () => einsum('ij,jk->ik', ones(2, 3), ones(4, 4)),
      'EQUATION',
      'subscript j has size 4 for operand 1',
      'does not broadcast with previously seen size 3',
    ),
  ],
  [
    'cat of sizes that differ',
    refused(
      () => cat([ones(2, 3), ones(3, 2)], 0),
      'SHAPE_MISMATCH',
      'Sizes of tensors must match except in dimension 0',
      'Expected size 3',
      'but got size 2 for tensor number 1 in the list',
    ),
  ],
  [
    'where on numbers',
    refused(
      () => where(ones(2), 1, 2),
      'MASK_DTYPE',
      'where expected condition to be a boolean tensor',
      'but got a tensor with dtype float32',
      'Compare first, such as x.ne(0)',
    ),
  ],
  ['sort of a number', gives([1, 0], () => [...sort(tensor(1))])],
  // no factorisations yet: they come with linalg
  ['cholesky of what is not positive definite', gives(false, () => 'cholesky' in linalg)],
  ['the inverse of a singular matrix', gives(false, () => 'inv' in linalg)],
  ['random numbers without a key', gives([3], () => randn([3]).shape)],
  [
    'a key used twice',
    gives([0, 0], () => {
      const k = key(0)
      return randn([2], { key: k }).sub(randn([2], { key: k }))
    }),
  ],
]
