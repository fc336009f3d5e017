import { createCpu, reference } from '@mapgrad/backend-cpu'
import {
  type Tensor,
  add,
  arange,
  cat,
  clone,
  contiguous,
  crossEntropy,
  einsum,
  gather,
  grad,
  isMapgradError,
  isfinite,
  isinf,
  isnan,
  isneginf,
  isposinf,
  isreal,
  manualSeed,
  matmul,
  max,
  mean,
  neg,
  ones,
  rand,
  reshape,
  sign,
  signbit,
  sin,
  softmax,
  stack,
  stopGradient,
  sum,
  tensor,
  tree,
  vmap,
  where,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

const x = ones(2, 3)
const i = tensor([0, 1], { dtype: 'int32' })

/** What a user gets for a mistake: the error's text, code and op. A mistake that passes fails the test. */
function mistake(f: () => unknown): { message: string; code: string; op: string | undefined; name: string } {
  try {
    f()
  } catch (e) {
    if (!isMapgradError(e)) throw e
    return { message: e.message, code: e.code, op: e.op, name: e.name }
  }
  throw new Error('nothing was raised')
}

describe('each mistake is a named error with the op, the shapes and the remedy', () => {
  test.each<[string, () => unknown, string, string]>([
    [
      'shapes that do not broadcast',
      () => add(x, ones(2, 4)),
      'SHAPE_MISMATCH',
      '[tensor] add: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1; got shapes [2, 3] and [2, 4]',
    ],
    [
      'inner sizes',
      () => matmul(x, ones(2, 3)),
      'SHAPE_MISMATCH',
      '[tensor] matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)',
    ],
    [
      'a dim out of range',
      () => sum(x, 2),
      'DIM_RANGE',
      '[tensor] sum: Dimension out of range (expected to be in range of [-2, 1], but got 2)',
    ],
    [
      'a dim out of range, below',
      () => softmax(x, -3),
      'DIM_RANGE',
      'Dimension out of range (expected to be in range of [-2, 1], but got -3)',
    ],
    ['a dim that is no integer', () => sum(x, 0.5), 'DIM_TYPE', '[tensor] sum: expected dim to be an integer, got 0.5'],
    ['a dim twice', () => sum(x, [0, 0]), 'DIM_REPEATED', 'appears multiple times in the list of dims'],
    ['a wrong dtype', () => mean(i), 'DTYPE', '[tensor] mean'],
    [
      'a dtype that does not exist',
      () => tensor(1, { dtype: 'float' as never }),
      'DTYPE_NAME',
      '[tensor] tensor: expected a dtype among bool, uint8, int8, int16, int32, int64, float16, bfloat16, float32, float64, got "float"',
    ],
    [
      'a ragged nested array',
      () => tensor([[1, 2], [3]]),
      'RAGGED',
      '[tensor] tensor: expected length 2 as in its neighbours, got length 1 at data[1]: nested arrays must be rectangular',
    ],
    [
      'a ragged nested array, deeper',
      () =>
        tensor([
          [1, 2],
          [3, [4]],
        ] as never),
      'RAGGED',
      '[tensor] tensor: expected a number as in its neighbours, got an array of 1 at data[1][1]',
    ],
    [
      'a number among arrays',
      () => tensor([[1], 2] as never),
      'RAGGED',
      '[tensor] tensor: expected an array as in its neighbours, got 2 at data[1]',
    ],
    [
      'strings as data',
      () => tensor(['1', '2'] as never),
      'DATA_TYPE',
      '[tensor] tensor: expected numbers, booleans or bigints, got "1" at data[0]. Convert it first',
    ],
    [
      'null as data',
      () => tensor([1, null] as never),
      'DATA_TYPE',
      '[tensor] tensor: expected numbers, booleans or bigints, got null at data[1]',
    ],
    [
      'NaN as an integer',
      () => tensor([NaN], { dtype: 'int32' }),
      'DATA_RANGE',
      '[tensor] tensor: expected numbers that int32 can hold, got NaN at position 0',
    ],
    ['numbers and bigints mixed', () => tensor([1, 2n]), 'DATA_TYPE', 'expected numbers or bigints, got both'],
    [
      'an unknown option',
      () => tensor(1, { dType: 'int32' } as never),
      'UNKNOWN_OPTION',
      "[tensor] tensor: expected options among dtype, device, requiresGrad, got unknown option 'dType'",
    ],
    [
      'an unknown option of an op',
      () => sum(x, { axis: 1 } as never),
      'UNKNOWN_OPTION',
      "[tensor] sum: expected options among dim, keepdim, dtype, got unknown option 'axis'",
    ],
    [
      'mixed devices',
      () => add(x, ones([2, 3], { device: reference })),
      'MIXED_DEVICES',
      "[tensor] add: expected all tensors on one device, got 'cpu' and 'reference'. Move one of them with x.to(device)",
    ],
    [
      'a device nobody knows',
      () => zeros([1], { device: 'tpu' }),
      'UNKNOWN_DEVICE',
      "expected a device among 'cpu', 'reference', got 'tpu'",
    ],
    [
      'an array where a tensor belongs',
      () => sin([1, 2] as never),
      'OPERAND_TYPE',
      '[tensor] sin: expected a Tensor, got [1, 2]. Wrap data in tensor(data)',
    ],
    [
      'an array as an operand',
      () => add(x, [1, 2, 3] as never),
      'OPERAND_TYPE',
      '[tensor] add: expected a Tensor or a number, got [1, 2, 3]. Wrap data in tensor(data)',
    ],
    [
      'a condition that is no tensor',
      () => where(true as never, x, x),
      'OPERAND_TYPE',
      '[tensor] where: expected the condition to be a Tensor, got true',
    ],
    [
      'grad of a vector',
      () => grad(sin)(ones(3)),
      'NOT_A_SCALAR',
      'Expected f(*args) to return a scalar Tensor, got tensor with 1 dims. Maybe you wanted to use the vjp or jacrev APIs instead?',
    ],
    [
      'grad of an integer',
      () => grad((x: Tensor) => sum(x))(i),
      'PRIMAL_DTYPE',
      'only Tensors of floating point dtype can require gradients, got int32',
    ],
    [
      'vmap sizes that differ',
      () => vmap(add)(ones(2), ones(3)),
      'SIZES_DIFFER',
      'Expected all tensors to have the same size in the mapped dimension, got sizes [2, 3] for the mapped dimension',
    ],
    [
      'a mapped function without a return',
      () => vmap((x: Tensor): void => void sin(x))(x),
      'OUTPUT_TYPE',
      'must only return Tensors, got type undefined. Did you mean to set outDims= to null for output? A function whose body stands in braces needs a return',
    ],
    [
      'inDims of the wrong structure',
      () => vmap(add, [0])(x, x),
      'IN_DIMS',
      'inDims is not compatible with the structure of `inputs`. inDims has structure [*] but inputs has structure [*, *].',
    ],
    [
      'a function that returns a Promise',
      () => grad((async (x: Tensor) => x) as never)(ones(1) as never),
      'ASYNC_FUNCTION',
      '[autodiff] grad: expected a synchronous function, got one that returned a Promise',
    ],
    ['an index out of range', () => x.at(2), 'INDEX_RANGE', 'index 2 is out of bounds for dimension 0 with size 2'],
    ['an index out of range, below', () => x.at(0, -4), 'INDEX_RANGE', 'index -4 is out of bounds for dimension 1 with size 3'],
    [
      'an index tensor out of range',
      () => x.at(tensor([0, 5], { dtype: 'int32' })),
      'INDEX_RANGE',
      'index 5 is out of bounds for dimension 0 with size 2',
    ],
    ['too many indices', () => x.at(0, 0, 0), 'TOO_MANY_INDICES', 'too many indices for tensor of dimension 2'],
    [
      'gather out of range',
      () => gather(x, 1, tensor([[3]], { dtype: 'int32' })),
      'INDEX_RANGE',
      'index 3 is out of bounds for dimension 1 with size 3',
    ],
    ['a class out of range', () => crossEntropy(x, tensor([0, 3], { dtype: 'int32' })), 'INDEX_RANGE', 'Target 3 is out of bounds.'],
    ['a NaN seed', () => manualSeed(NaN), 'SEED', '[tensor] manualSeed'],
    ['a fraction as seed', () => manualSeed(0.5), 'SEED', '[tensor] manualSeed'],
    ['a seed that is no number', () => manualSeed('1' as never), 'SEED', '[tensor] manualSeed'],
    ['a shape of another size', () => reshape(x, 4, 2), 'SHAPE_MISMATCH', "shape '[4, 2]' is invalid for input of size 6"],
    [
      'sizes of a stack',
      () => stack([ones(2), ones(3)]),
      'SHAPE_MISMATCH',
      'stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1',
    ],
    ['an empty list', () => cat([]), 'EMPTY_LIST', 'expected a non-empty list of Tensors'],
    [
      'max of nothing',
      () => max(zeros(0)),
      'EMPTY_REDUCTION',
      "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.",
    ],
    ['a negative size', () => zeros(-1), 'SIZE', '-1'],
    ['an einsum that does not fit', () => einsum('ij,jk->ik', x, x), 'EQUATION', '[tensor] einsum: '],
    ['a step of zero', () => arange(0, 5, 0), 'RANGE', 'step must be nonzero'],
    ['item of many', () => x.item(), 'NOT_A_SCALAR', 'a Tensor with 6 elements cannot be converted to Scalar'],
    [
      'trees of two structures',
      () => tree.map((a: Tensor) => a, [x], { x }),
      'TREE_STRUCTURE',
      '[tensor] tree.map: expected trees of one structure, got [*] and {x: *}',
    ],
    [
      'a random draw under vmap',
      () => vmap((x: Tensor) => x.add(rand()))(x),
      'VMAP_RANDOMNESS',
      "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap or perform the randomness operation out of vmap",
    ],
  ])('%s', (_, f, code, message) => {
    const e = mistake(f)
    expect(e.message).toContain(message)
    expect(e.message).toMatch(/^\[\w+\] /)
    expect(e.code).toBe(code)
  })
  test('what takes one tensor says so, and leaves alone what Array.map gives beside it', () => {
    const functions = { isnan, isinf, isfinite, signbit, isposinf, isneginf, isreal, stopGradient, clone, contiguous, sin, neg, sign }
    for (const [name, f] of Object.entries(functions)) {
      const e = mistake(() => f(3 as never))
      expect([name, e.code, e.message.includes('expected a Tensor, got 3')]).toEqual([name, 'OPERAND_TYPE', true])
      const xs = [ones(2), zeros(3)]
      expect([name, xs.map(f).map((y) => y.tolist())]).toEqual([name, [f(xs[0]!), f(xs[1]!)].map((y) => y.tolist())])
    }
  })
  test('a disposed tensor', () => {
    const y = ones(3).add(1)
    y.dispose()
    expect(mistake(() => sin(y)).message).toContain('[tensor] sin: expected a live tensor, got one that was disposed')
  })
  test('a tracer that escaped', () => {
    let leaked!: Tensor
    vmap((x: Tensor) => (leaked = x))(x)
    expect(mistake(() => sin(leaked))).toMatchObject({ code: 'ESCAPED_TRACER', op: 'sin', name: 'TensorTypeError' })
  })
  test('no device', async () => {
    const { setDefaultDevice } = await import('@mapgrad/tensor')
    expect(mistake(() => setDefaultDevice({} as never)).code).toBe('UNKNOWN_DEVICE')
    expect(createCpu().name).toBe('cpu')
  })
})
