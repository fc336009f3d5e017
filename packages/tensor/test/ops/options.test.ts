import { cpu } from '@mapgrad/backend-cpu'
import {
  type Tensor,
  abs,
  add,
  atan2,
  div,
  eq,
  logicalNot,
  lt,
  maximum,
  mul,
  neg,
  round,
  setDefaultDevice,
  sign,
  sin,
  sqrt,
  tensor,
} from '@mapgrad/tensor'
import { describe, expect, test } from 'vitest'

setDefaultDevice(cpu)

describe('an options object behind the operands', () => {
  test('with a key that the function does not know is refused, not ignored', () => {
    const x = tensor([1, 2])
    const wrong = { aplha: 10 } as never
    const call = (f: (...args: never[]) => unknown, ...args: unknown[]) => f(...(args as never[]), wrong)
    expect(() => add(x, x, wrong)).toThrow("[tensor] add: expected options among alpha, got unknown option 'aplha'")
    expect(() => x.sub(x, wrong)).toThrow("[tensor] sub: expected options among alpha, got unknown option 'aplha'")
    expect(() => div(x, x, wrong)).toThrow("[tensor] div: expected options among roundingMode, got unknown option 'aplha'")
    expect(() => round(x, wrong)).toThrow("[tensor] round: expected options among decimals, got unknown option 'aplha'")
    for (const f of [sin, sqrt, abs, neg, sign, logicalNot])
      expect(() => call(f, x)).toThrow("expected options among (none), got unknown option 'aplha'")
    for (const f of [mul, maximum, atan2, lt, eq])
      expect(() => call(f, x, x)).toThrow("expected options among (none), got unknown option 'aplha'")
  })
  test('what is none is none of its business: reduce and map pass an index', () => {
    const xs = [tensor([1, 2]), tensor([3, 4]), tensor([5, 6])]
    expect(xs.reduce(add as (x: Tensor, y: Tensor) => Tensor).tolist()).toEqual([9, 12])
    expect(xs.map(neg).map((x) => x.tolist())).toEqual([
      [-1, -2],
      [-3, -4],
      [-5, -6],
    ])
  })
})
