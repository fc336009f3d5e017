import { type Tensor, add, cond, exp, matmul, mul, nonzero, rand, sin, sum } from '@mapgrad/tensor'
import { type Op, decompose, defineOp, sameAval, unsupported } from '@mapgrad/tensor/plugin'
import { describe, expect, test } from 'vitest'
import { type Explanation, customVmap, explain, vmap } from '../src/index.ts'
import { f64, numbers, random } from './support.ts'

const x = random(4, 3)
/** `level op×count how` of each line. */
const lines = (e: Explanation): string[] => e.ops.map((o) => `${o.level} ${o.op}×${o.count} ${o.how}`)

/** An op whose author gave no batching rule, but what it is made of. */
const made: Op<[x: Tensor]> = defineOp({
  name: 'made',
  result: sameAval,
  compute: decompose(([x]: readonly [Tensor]) => add(mul(x, x), sin(x))),
  batch: undefined as never,
  diff: { kind: 'unsupported', reason: 'not asked for' },
})
/** An op that says that it has none. */
const none: Op<[x: Tensor]> = defineOp({
  name: 'none',
  result: sameAval,
  compute: decompose(([x]: readonly [Tensor]) => sin(x)),
  batch: unsupported('its kernel takes one example'),
  diff: { kind: 'unsupported', reason: 'not asked for' },
})

describe('explain', () => {
  test('counts ops by how they ran, and prints them', () => {
    const w = random(3)
    const f = (r: Tensor): Tensor => {
      const y = made(mul(none(r), exp(w)))
      return add(sin(sin(y)), none(r))
    }
    const e = explain(vmap(f), x)
    expect(`\n${String(e)}\n`).toBe(`
level  op    count  how            why
    1  none      2  none           has no batching rule: its kernel takes one example. Give it one with registerBatching(op, rule), or call it outside vmap
    1  exp       1  unbatched
    1  mul       2  rule
    1  made      1  decomposition  mul, sin, add
    1  sin       3  rule
    1  add       2  rule
`)
    expect(e.ops[0]).toEqual({
      op: 'none',
      count: 2,
      how: 'none',
      level: 1,
      reason: 'has no batching rule: its kernel takes one example. Give it one with registerBatching(op, rule), or call it outside vmap',
    })
    expect(e.ops[1]).toEqual({ op: 'exp', count: 1, how: 'unbatched', level: 1 })
  })
  test('what has no rule is computed by a loop here, so that the rest sees right values; vmap refuses it', () => {
    let seen: Tensor | undefined
    explain((x: Tensor) => {
      seen = vmap((r: Tensor) => sum(none(r)))(x)
    }, x)
    const want = numbers(sum(sin(x), 1))
    expect(numbers(seen!)).toEqual(want)
    expect(() => vmap(none)(x)).toThrow(/none: has no batching rule: its kernel takes one example/)
  })
  test('runs the function once', () => {
    let runs = 0
    explain(
      vmap((r: Tensor) => {
        runs++
        return sin(r)
      }),
      x,
    )
    expect(runs).toBe(1)
  })
  test('levels are counted from the outermost vmap', () => {
    expect(lines(explain(vmap(vmap((r: Tensor) => sin(r))), x))).toEqual(['2 sin×1 rule', '1 sin×1 rule'])
    const y = random(2)
    // of the outer's examples alone: the inner map has no part in it
    expect(
      lines(
        explain(
          vmap((r: Tensor) => vmap((s: Tensor) => mul(exp(sum(r)), s))(y)),
          x,
        ),
      ).slice(0, 2),
    ).toEqual(['1 sum×1 rule', '1 exp×1 rule'])
  })
  test('without a vmap there is nothing to tell', () => {
    expect(explain(sin, x).ops).toEqual([])
    expect(String(explain(sin, x))).toBe('level  op  count  how')
  })
  test('random draws that the map refuses, and results whose shapes differ', () => {
    const draws = explain(
      vmap((r: Tensor) => add(r, rand(3))),
      x,
    )
    expect(lines(draws)).toEqual(['1 random×1 none', '1 to_float64×1 rule', '1 add×1 rule'])
    expect(draws.ops[0]!.reason).toContain('vmap: called random operation while in randomness error mode.')
    expect(
      lines(
        explain(
          vmap((r: Tensor) => add(r, rand(3)), { randomness: 'different' }),
          x,
        ),
      ),
    ).toContain('1 random×1 rule')
    // every example has three elements that are not zero: a loop can go on
    expect(
      lines(
        explain(
          vmap((r: Tensor) => nonzero(r)),
          x,
        ),
      ),
    ).toEqual(['1 nonzero×1 none'])
    expect(() => explain(vmap((r: Tensor) => nonzero(r)), f64([[1, 0], [1, 1]]))).toThrow(/dynamic shape/) // prettier-ignore
  })
  test('functions with a rule of their own, and branches', () => {
    const f = customVmap(
      (x: Tensor) => exp(x),
      (_, [dim], x) => [mul(x, 2), dim as number],
    )
    expect(lines(explain(vmap(f), x))[0]).toBe('1 customVmap×1 rule')
    const g = vmap((r: Tensor) => cond(sum(r).gt(0), (r: Tensor) => sin(r), (r: Tensor) => exp(r), [r])) // prettier-ignore
    expect(lines(explain(g, x))).toEqual(expect.arrayContaining(['1 sin×1 rule', '1 exp×1 rule']))
  })
  test('in chunks each chunk counts', () => {
    expect(
      lines(
        explain(
          vmap((r: Tensor) => sin(r), { chunkSize: 3 }),
          x,
        ),
      ),
    ).toEqual(['1 sin×2 rule'])
  })
  test('errors of the function are its own', () => {
    expect(() =>
      explain(
        vmap((r: Tensor) => matmul(r, random(2, 2))),
        x,
      ),
    ).toThrow(/matmul/)
    expect(() =>
      explain(
        vmap((r: Tensor) => (Number(r.sum().item()) > 0 ? r : r)),
        x,
      ),
    ).toThrow(/We don't support vmap over calling .item\(\)/)
    expect(() => explain(3 as never)).toThrow('[vmap] explain: expected a function, got 3')
    // and nothing is left behind
    expect(numbers(vmap(sin)(x))).toEqual(numbers(sin(x)))
  })
})
