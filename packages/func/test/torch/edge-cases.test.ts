// The edge cases that every transform meets, one row a case, one column a transform: torch 2.13's behaviour, or better where that was wrong.
// with-autograd.test.ts has the row of tensors with requires_grad. Left out: inference mode and saved-tensor hooks, which do not exist here.
import {
  type Tensor,
  add,
  grad,
  gradAndValue,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  manualSeed,
  mul,
  noGrad,
  onesLike,
  randn,
  square,
  sum,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { f64, raised } from '../rules.ts'
import { plain } from './derivatives.ts'
import { CAPTURED, type Name, names, rows, transforms, x3, type F } from './edge-cases.ts'

describe.each(rows)('$name', ({ f, x, gives, leaves }) => {
  test.each(names)('%s', (name) => {
    const arg = x()
    const outcome = name in gives ? gives[name] : gives.others!
    const run = (): unknown => transforms[name](f as F, arg as Tensor)
    if (typeof outcome === 'object' && outcome && 'says' in outcome) expect(raised(run).message).toContain(outcome.says)
    else {
      expect(plain(run())).toEqual(outcome)
      if (leaves) expect(plain(arg)).toEqual(leaves)
    }
  })
})

describe('further columns of the table', () => {
  test('zero tangents of an output that depends on nothing are refused if strict', () => {
    expect(raised(() => jvp((_x: Tensor) => f64(1), [x3()], [x3()], { strict: true })).message).toContain(
      'jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True.',
    )
  })
  test('an integer output keeps its dtype in what forward mode gives', () => {
    const f = (x: Tensor): Tensor => x.to('int32')
    expect([jvp(f, [x3()], [x3()])[1].dtype, linearize(f, [x3()])[1](x3()).dtype, jacfwd(f)(x3()).dtype]).toEqual([
      'int32',
      'int32',
      'int32',
    ])
  })
  test.each<[Name, readonly number[]]>([
    ['grad', [0, 3]],
    ['vjp', [0, 3]],
    ['jvp', [0, 3]],
    ['linearize', [0, 3]],
    ['jacrev', [0, 3, 0, 3]],
    ['jacfwd', [0, 3, 0, 3]],
    ['hessian', [0, 3, 0, 3]],
    ['vmap', [0, 3]],
  ])('without elements there are still shapes: %s', (name, shape) => {
    expect((transforms[name](square, zeros(0, 3)) as Tensor).shape).toEqual(shape)
  })
  test('Jacobians of an output without elements, and of an input without', () => {
    const none = (x: Tensor): Tensor => x.narrow(0, 0, 0)
    const all = (x: Tensor): Tensor => add(sum(x), f64([1, 2]))
    for (const jac of [jacrev, jacfwd]) {
      expect(jac(none)(zeros(5, 2)).shape).toEqual([0, 2, 5, 2])
      expect(jac(all)(zeros(0, 3, { dtype: 'float64' })).shape).toEqual([2, 0, 3])
      expect(jac(none, { chunkSize: 2 })(zeros(5, 2)).shape).toEqual([0, 2, 5, 2])
      expect(jac(all, { chunkSize: 2 })(zeros(0, 3, { dtype: 'float64' })).shape).toEqual([2, 0, 3])
    }
  })

  test.each(names)('numbers and options that are not differentiated go to the function as they are: %s', (name) => {
    const seen: unknown[] = []
    const f = (x: Tensor, n: unknown, o: unknown): Tensor => {
      seen.push(n, o)
      return mul(x, n as number)
    }
    const rest = [3, { key: 'text', deep: [1, null] }] as const
    const calls: Partial<Record<Name, () => unknown>> = {
      grad: () => grad((x: Tensor, n: unknown, o: unknown) => sum(f(x, n, o)))(x3(), ...rest),
      gradAndValue: () => gradAndValue((x: Tensor, n: unknown, o: unknown) => sum(f(x, n, o)))(x3(), ...rest)[0],
      jacrev: () => jacrev(f)(x3(), ...rest).diagonal(),
      jacfwd: () => jacfwd(f)(x3(), ...rest).diagonal(),
      hessian: () =>
        hessian((x: Tensor, n: unknown, o: unknown) => sum(mul(f(x, n, o), x)))(x3(), ...rest)
          .diagonal()
          .div(2),
      vmap: () => vmap(f, [0, null, null])(x3(), ...rest).div(x3()),
      vjp: () => vjp((x: Tensor) => f(x, ...rest), [x3()])[1](onesLike(x3()))[0],
      jvp: () => jvp((x: Tensor) => f(x, ...rest), [x3()], [onesLike(x3())])[1],
      linearize: () => linearize((x: Tensor) => f(x, ...rest), [x3()])[1](onesLike(x3())),
    }
    expect(plain(calls[name]!())).toEqual([3, 3, 3])
    expect(seen.slice(0, 2)).toEqual(rest)
  })

  test.each(names)('noGrad around the whole is ignored: %s', (name) => {
    const f = (x: Tensor): Tensor => mul(x, x).mul(x)
    expect(noGrad(() => plain(transforms[name](f, x3())))()).toEqual(plain(transforms[name](f, x3())))
  })

  test.each(names)('a captured tensor written in place: %s', (name) => {
    const captured = f64([1, 2, 3])
    const f = (x: Tensor): Tensor => {
      captured.add_(1)
      return x.mul(2)
    }
    if (name === 'vmap') {
      expect(plain(vmap(f)(x3()))).toEqual([1, -4, 6])
      expect(captured.tolist()).toEqual([2, 3, 4])
    } else {
      expect(raised(() => transforms[name](f, x3())).message).toContain(CAPTURED)
      expect(captured.tolist()).toEqual([1, 2, 3])
    }
  })

  test.each(names)('a value that escapes can be looked at, and its use is refused: %s', (name) => {
    let escaped: Tensor | undefined
    transforms[name]((x) => (escaped = mul(x, x)), x3())
    expect(escaped!.shape).toEqual(name === 'vmap' ? [] : [3])
    expect(escaped!.toString()).toMatch(/^(GradTracking|Batched|Linear)Tensor\(lvl=/)
    const { message, code } = raised(() => mul(escaped!, 2))
    expect(code).toBe('ESCAPED_TRACER')
    expect(message).toContain('which has already returned. Return it from the transformed function (hasAux for extra results)')
  })

  test.each(names)('a random draw: %s', (name) => {
    const f = (x: Tensor): Tensor => mul(x, randn(x.shape.length ? x.shape : [1], { dtype: 'float64' }))
    const drawn = (): Tensor => randn(3, { dtype: 'float64' })
    manualSeed(5)
    if (name === 'vmap' || name === 'jacfwd' || name === 'hessian') {
      expect(raised(() => transforms[name](f, x3())).message).toMatch(/called random operation while in randomness error mode/)
      return
    }
    const first = transforms[name](f, x3()) as Tensor
    const second = transforms[name](f, x3()) as Tensor
    manualSeed(5)
    const [a, b] = [drawn(), drawn()]
    const diagonal = (J: Tensor): Tensor => (J.ndim === 2 ? J.diagonal() : J)
    expect([plain(diagonal(first)), plain(diagonal(second))]).toEqual([plain(a), plain(b)])
    expect(plain(a)).not.toEqual(plain(b))
  })
  test('jacfwd draws once for all columns with randomness "same"', () => {
    manualSeed(5)
    const J = jacfwd((x: Tensor) => mul(x, randn(3, { dtype: 'float64' })), { randomness: 'same' })(x3())
    manualSeed(5)
    expect(plain(J.diagonal())).toEqual(plain(randn(3, { dtype: 'float64' })))
  })
})
