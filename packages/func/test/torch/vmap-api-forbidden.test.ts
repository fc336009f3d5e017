// Upstream: test_vmap.py, TestVmapAPI and TestVmapOperatorsOpInfo: what is forbidden inside a mapped function, values that escaped from
// it, operators without a batching rule.
// Left out: allclose, equal and unique (no such operators yet), out= (no operator takes it), the fallback's warning and switch (there is no
// fallback). backward() and requiresGrad inside of transforms are tested where autograd is.
import {
  type Tensor,
  add,
  arange,
  argwhere,
  grad,
  isMapgradError,
  maskedSelect,
  nonzero,
  oneHot,
  ones,
  repeatInterleave,
  sin,
  stack,
  sum,
  tensor,
  vmap,
  where,
  zeros,
} from '@mapgrad/func'
import {
  type Op,
  constant,
  decompose,
  defineOp,
  elementwise,
  kernel,
  registerBatching,
  sameAval,
  unsupported,
} from '@mapgrad/tensor/plugin'
import { describe, expect, test } from 'vitest'
import { expectClose, loop, loosely, raised, random } from './harness.ts'

const x = random(2, 3)

describe('forbidden', () => {
  test('data-dependent control flow, where JavaScript can tell', () => {
    const text =
      "[vmap] isNonzero: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that yet"
    expect(() => vmap((v: Tensor) => (v.sum().isNonzero() ? v : v.neg()))(x)).toThrow(text)
    // the derivative of concrete values is taken along the branch that they choose
    expect(grad((t: Tensor) => (t.isNonzero() ? t.mul(3) : t))(tensor(2)).item()).toBe(3)
  })
  const calls = "It looks like you're calling ."
  test.each<[string, (v: Tensor) => unknown, string]>([
    ['item', (v) => v.sum().item(), 'item'],
    ['item of more than one', (v) => v.item(), 'item'],
    ['tolist', (v) => v.tolist(), 'tolist'],
    ['dataSync', (v) => v.dataSync(), 'dataSync'],
    ['allclose', (v) => v.allclose(v), 'allclose'],
    ['equal', (v) => v.equal(v), 'equal'],
    ['toJSON', (v) => JSON.stringify(v), 'tolist'],
    ['Number()', (v) => Number(v.sum()), 'item'],
    ['a unary plus', (v) => +v.sum(), 'item'],
    ['comparison with <', (v) => (v.sum() as unknown as number) < 3, 'item'],
    ['arithmetic with *', (v) => (v.sum() as unknown as number) * 3, 'item'],
    ['a template', (v) => `${v as unknown as string}`, 'toString'],
    ['String()', (v) => String(v), 'toString'],
  ])('%s', (_, read, name) => {
    const refuse = `${calls}${name}() on a Tensor. We don't support vmap over calling .${name}() on a Tensor, please try to rewrite what you're doing with other operations`
    expect(() => loosely(read, 0, null)(x)).toThrow(`[vmap] ${name}: ${refuse}`)
    // of a value of the outer map, inside the inner
    expect(() => vmap((v: Tensor) => vmap((w: Tensor) => (read(v), w))(x))(x)).toThrow(refuse)
    expect(() => vmap((v: Tensor) => grad((w: Tensor) => (read(w), w.sum()))(v))(x)).toThrow(refuse)
    // of what is not mapped it is allowed
    expect(() => vmap((v: Tensor) => (read(tensor([1])), v))(x)).not.toThrow()
  })
  test('reading later: the promise is refused', async () => {
    const promises: Promise<unknown>[] = []
    vmap((v: Tensor) => (promises.push(v.itemAsync(), v.tolistAsync(), v.data()), v))(x)
    for (const p of promises) await expect(p).rejects.toThrow(calls)
  })
  test('an asynchronous function is refused at once, and what it fails with later is nobody’s unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const hear = (e: unknown): unknown => unhandled.push(e)
    process.on('unhandledRejection', hear)
    for (const f of [async (v: Tensor) => v.add((await v.sum().itemAsync()) as number), async () => Promise.reject(new Error('later'))])
      for (const how of [loosely(f), loosely(f, { chunkSize: 1 }), loosely(f, 0, null)])
        expect(() => how(x)).toThrow('[vmap] vmap: expected a synchronous function, got one that returned a Promise')
    expect(() => grad((async (v: Tensor) => v.item()) as never)(x as never)).toThrow('expected a synchronous function')
    await new Promise((done) => setTimeout(done, 5))
    process.off('unhandledRejection', hear)
    expect(unhandled).toEqual([])
  })
  const dynamic = 'We do not support batching operators that can output dynamic shape. Attempted to vmap over aten::'
  test.each<[string, (v: Tensor) => unknown, string]>([
    ['nonzero', (v) => nonzero(v), `${dynamic}nonzero`],
    ['nonzero as a list', (v) => nonzero(v, { asTuple: true }), `${dynamic}nonzero`],
    ['where of a condition alone', (v) => where(v.gt(0)), `${dynamic}where`],
    ['argwhere', argwhere, `${dynamic}nonzero`],
    ['repeatInterleave by counts', (v) => repeatInterleave(v, v.gt(0).int()), `${dynamic}repeat_interleave`],
    [
      'a mask as an index',
      (v) => v.at(v.gt(0)),
      'We do not support batching operators that can support dynamic shape. Attempting to batch over indexing with a boolean mask',
    ],
    [
      'maskedSelect',
      (v) => maskedSelect(v, v.gt(0)),
      'Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because for each batch this would return a differently shaped Tensor',
    ],
    [
      'oneHot without classes',
      (v) => oneHot(v.int().abs()),
      'When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument.',
    ],
  ])('%s', (_, f, message) => {
    const e = raised(() => vmap(f as (v: Tensor) => Tensor)(x))
    expect(e.message).toContain(message)
    expect(isMapgradError(e)).toBe(true)
    expect(e.message).toMatch(/^\[(?:vmap|tensor)\] (?:nonzero|where|repeat_interleave|at|maskedSelect|oneHot): /)
    expect(() => vmap(vmap(f as (v: Tensor) => Tensor, 0), [null])(x)).toThrow('Expected at least one Tensor to vmap over')
    // of what all examples share it is allowed
    expect(() => loosely(() => f(tensor([1, 0, 2])), 0)(x)).not.toThrow()
  })
  test('where of a condition alone, outside: positions by axis', () => {
    expect(
      where(
        tensor([
          [0, 2, 0],
          [NaN, 0, -1],
        ]),
      ).map((p) => p.tolist()),
    ).toEqual([
      [0, 1, 1],
      [1, 0, 2],
    ])
    expect(where(tensor(true)).map((p) => [p.tolist(), p.dtype])).toEqual([[[0], 'int32']])
    expect(where(tensor([false, false])).map((p) => p.shape)).toEqual([[0]])
  })
  test('masks have their place: as conditions, to write, and the same for all examples to select', () => {
    expectClose(vmap((v: Tensor) => where(v.gt(0), v, 0))(x), x.relu())
    const f = (v: Tensor): Tensor => {
      const y = v.clone()
      y.set(y.lt(0), 0)
      return y
    }
    expectClose(vmap(f)(x), x.relu())
    const mask = tensor([true, false, true])
    expectClose(vmap((v: Tensor) => v.at(mask))(x), stack([x.select(1, 0), x.select(1, 2)], 1))
    expectClose(vmap((v: Tensor) => maskedSelect(v, mask))(x), stack([x.select(1, 0), x.select(1, 2)], 1))
    expect(vmap((v: Tensor) => oneHot(v, 4))(tensor([3, 0], { dtype: 'int32' })).tolist()).toEqual([
      [0, 0, 0, 1],
      [1, 0, 0, 0],
    ])
  })
})

describe('values that escaped', () => {
  const escaped =
    'expected values of transforms that are still running, got one that escaped from vmap (level 1), which has already returned'
  let leaked!: Tensor
  vmap((v: Tensor) => ((leaked = v), v))(x)
  test('in PyTorch words', () => {
    expect(() => leaked.add(1)).toThrow('your tensor may have escaped from inside a function being vmapped and this is a user error')
  })
  test.each<[string, () => unknown]>([
    ['pointwise', () => leaked.add(1)],
    ['with a plain tensor', () => add(ones(3), leaked)],
    ['a view', () => leaked.at(0)],
    ['a reduction', () => sum(leaked)],
    ['in place', () => leaked.mul_(2)],
    ['written into another', () => zeros(3, { dtype: 'float64' }).copy_(leaked)],
    ['reading', () => leaked.tolist()],
    ['item', () => leaked.item()],
    ['mapped again', () => vmap(sin)(leaked)],
    ['mapped again, as it is', () => vmap((v: Tensor) => v)(leaked)],
    ['shared by another map', () => vmap((v: Tensor) => v.add(leaked))(x)],
    ['returned by another map', () => loosely(() => leaked)(x)],
    ['a gradient', () => grad((v: Tensor) => v.mul(leaked).sum())(ones(3))],
  ])('%s: an error that names the transform', (_, use) => {
    const e = raised(use)
    expect(e.message).toContain(escaped)
    expect(e.code).toBe('ESCAPED_TRACER')
  })
  test('their shape and their print can still be asked for', () => {
    expect([leaked.shape, leaked.dtype, leaked.ndim]).toEqual([[3], 'float64', 1])
    expect(leaked.toString()).toContain('BatchedTensor(lvl=1, bdim=0')
  })
  test('what was returned properly is no such value', () => {
    const y = vmap((v: Tensor) => v.mul(2))(x)
    expectClose(y.add(1), x.mul(2).add(1))
  })
})

describe('an author’s op', () => {
  const make = (batch: unknown): Op<[x: Tensor]> =>
    defineOp<[x: Tensor]>({
      name: 'double_it',
      result: sameAval,
      compute: kernel('double_it'),
      batch: batch as never,
      diff: elementwise((_, [v]) => v!.mul(2)),
    })
  test('that says why it has no batching rule, or does not even say that, is refused by name', () => {
    const say = 'Give it one with registerBatching(op, rule), or call it outside vmap'
    expect(() => vmap(make(unsupported('it reads the wall clock')))(x)).toThrow(
      `[vmap] double_it: has no batching rule: it reads the wall clock. ${say}`,
    )
    expect(raised(() => vmap(make(undefined))(x))).toMatchObject({
      message: `[vmap] double_it: has no batching rule: none was given. ${say}`,
      code: 'MISSING_BATCHING',
    })
    // whose operands are not mapped runs as anywhere; there is no loop in its place
    expect(() => vmap((v: Tensor) => make(undefined)(v))(random(0, 3))).toThrow('has no batching rule')
  })
  test('without a rule that is made of other ops is those ops', () => {
    let runs = 0
    const cube = defineOp<[x: Tensor]>({
      name: 'cube_rows',
      result: sameAval,
      compute: decompose(([v]) => (runs++, v.mul(v).mul(v).cumsum(0))),
      diff: constant,
    })
    expectClose(vmap(cube)(x), x.pow(3).cumsum(1))
    expectClose(vmap(cube, 1, 1)(x), x.pow(3).cumsum(0))
    expectClose(vmap(vmap(cube))(random(2, 3, 4).mul(0).add(2)), arange(1, 5).mul(8).double().expand(2, 3, 4))
    expect(runs).toBe(3)
  })
  test('gets one from somebody else', () => {
    const op = defineOp<[x: Tensor]>({
      name: 'sorted_sum',
      result: sameAval,
      compute: decompose(([v]) => v.sort(0).values.cumsum(0)),
      batch: unsupported('nobody wrote it yet'),
      diff: constant,
    })
    expect(() => vmap(op)(x)).toThrow('nobody wrote it yet')
    registerBatching(op, ([v], [d]) => [v.movedim(d!, 0).sort(1).values.cumsum(1), 0])
    expectClose(vmap(op)(x), loop(op, 0, 0, 2, x))
    expectClose(vmap(op, 1)(x), loop(op, 1, 0, 3, x))
  })
})
