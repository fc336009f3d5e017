import { type Tensor, stack, tensor } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/vmap'
import { describe, expect, test } from 'vitest'
import { type Case, type Encoded, build, call, cases, decode, expectSame, listOf, numbers, operands, title } from './movement-cases.ts'

const B = 3
type Dim = number | null

/** Other values that suit an operand: its own in another order. */
function example(x: Encoded, b: number): Tensor {
  const n = x.data.length
  const data = x.data.map((_, i) => x.data[(i + b) % Math.max(n, 1)]!)
  return decode({ ...x, data })
}

/** No axis, the first, a middle, the last. */
const placesOf = (rank: number): Dim[] => [...new Set<Dim>([null, 0, Math.ceil(rank / 2), rank])]

/** All choices for up to two operands; for more, all choices for each while the others stand at their first, last or none. */
function choices(xs: readonly Encoded[]): Dim[][] {
  const places = xs.map((x) => placesOf(x.shape.length))
  let out: Dim[][] = [[]]
  if (xs.length <= 3) for (const p of places) out = out.flatMap((c) => p.map((d) => [...c, d]))
  else
    out = xs.flatMap((_, i) =>
      places[i]!.flatMap((d) => [0, null].map((other, k) => xs.map((x, j) => (j === i ? d : k === 0 ? x.shape.length : other)))),
    )
  return out.filter((c) => c.some((d) => d !== null))
}

function check(c: Case, dims: readonly Dim[]): void {
  const xs = operands(c.args)
  const f = (...given: Tensor[]): readonly Tensor[] => {
    let next = 0
    return listOf(
      call(
        c.f,
        build(c.args, () => given[next++]!),
        c.options,
      ),
    )
  }
  const examples = xs.map((x, i) => Array.from({ length: B }, (_, b) => (dims[i] === null ? decode(x) : example(x, b))))
  const inputs = examples.map((e, i) => (dims[i] === null ? e[0]! : stack(e, dims[i]!)))
  const out = (vmap(f as never, dims as never) as unknown as (...xs: Tensor[]) => readonly Tensor[])(...inputs)
  for (let b = 0; b < B; b++) {
    const want = f(...examples.map((e) => e[b]!))
    expect(out.length).toBe(want.length)
    want.forEach((y, i) => expectSame(out[i]!.select(0, b), y.shape, numbers(y), `example ${b}, dims ${JSON.stringify(dims)}`))
  }
}

describe('vmap is a loop over examples, for every place of the batch axis', () => {
  test.each(cases.filter((c) => c.vmap && operands(c.args).length > 0).map((c) => [title(c), c] as const))('%s', (_, c) => {
    for (const dims of choices(operands(c.args))) check(c, dims)
  })
})

describe('nested', () => {
  const x = tensor(Float64Array.from({ length: 24 }, (_, i) => i * 0.5)).reshape(2, 3, 4)
  const index = tensor([0, 2, 1, 1, 3, 0], { dtype: 'int32' }).reshape(3, 2)
  test('gather with x batched outside and the index inside', () => {
    const f = vmap((a: Tensor) => vmap((i: Tensor) => a.gather(1, i.reshape(1, 2).expand(3, 2)))(index))
    const y = f(x)
    expect(y.shape).toEqual([2, 3, 3, 2])
    for (let a = 0; a < 2; a++)
      for (let i = 0; i < 3; i++) expectSame(y.at(a, i), [3, 2], numbers(x.at(a).gather(1, index.at(i).reshape(1, 2).expand(3, 2))))
  })
})

describe("what has no one shape is refused inside vmap, in PyTorch's words", () => {
  const x = tensor([
    [1, 0],
    [0, 2],
  ])
  const mask = tensor([
    [true, false],
    [true, true],
  ])
  test.each([
    [
      'nonzero',
      (r: Tensor) => r.nonzero(),
      'We do not support batching operators that can output dynamic shape. Attempted to vmap over aten::nonzero',
    ],
    ['argwhere', (r: Tensor) => r.argwhere(), 'We do not support batching operators that can output dynamic shape'],
    ['maskedSelect', (r: Tensor) => r.maskedSelect(r.to('bool')), 'Attempted to vmap over `mask` in torch.masked_select(self, mask)'],
    [
      'a mask as index',
      (r: Tensor) => r.at(r.to('bool')),
      'We do not support batching operators that can support dynamic shape. Attempting to batch over indexing with a boolean mask',
    ],
    [
      'oneHot without classes',
      (r: Tensor) => call('oneHot', [r.to('int32')]) as Tensor,
      'When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument',
    ],
  ] as const)('%s', (_, f, text) => {
    expect(() => vmap(f)(x)).toThrow(text)
  })
  test('an unbatched mask may select from batched values', () => {
    const y = vmap((r: Tensor) => r.at(mask.at(1)))(x)
    expect(y.tolist()).toEqual([
      [1, 0],
      [0, 2],
    ])
    expect(vmap((r: Tensor) => r.maskedSelect(mask.at(0)))(x).tolist()).toEqual([[1], [0]])
  })
})
