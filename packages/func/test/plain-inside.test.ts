import {
  type FunctionContext,
  type Tensor,
  autograd,
  bernoulli,
  checkpoint,
  customJvp,
  customVjp,
  customVmap,
  exp,
  functionalize,
  grad,
  gradAndValue,
  hessian,
  hvp,
  isTensor,
  jacfwd,
  jacobian,
  jacrev,
  jvp,
  linearize,
  manualSeed,
  mul,
  noGrad,
  rand,
  randint,
  randn,
  scan,
  softmax,
  stopGradient,
  sum,
  tensor,
  tree,
  vjp,
  vmap,
  whileLoop,
  zeros,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

// What a function computes from plain tensors while it is transformed is its author's: he may keep it, or the pullbacks
// and linear maps made there, when the transform that ran the function has returned and freed what is its own.

const x0 = tensor([0.5, 1, 2])
const x = tensor([1, 2, 3])
class Exp extends autograd.Function {
  static forward(a: Tensor): Tensor {
    return exp(a)
  }
  static setupContext(ctx: FunctionContext, _inputs: unknown, y: Tensor): void {
    ctx.saveForBackward(y)
  }
  static backward(ctx: FunctionContext, ct: Tensor): Tensor {
    return mul(ct, ctx.savedTensors[0]!)
  }
}
const byVjp = customVjp((a: Tensor) => exp(a), {
  forward: (a) => {
    const y = exp(a)
    return [y, y]
  },
  backward: (y, ct) => [mul(y, ct)],
})
const byJvp = customJvp(
  (a: Tensor) => exp(a),
  ([a], [da]) => [exp(a), mul(exp(a), da)],
)
const byVmap = customVmap(
  (a: Tensor) => exp(a),
  (_info, [dim], a) => [exp(a), dim as number],
)
const total = (a: Tensor): Tensor => softmax(exp(a), 0).at(0)
const pullOf = (f: (a: Tensor) => Tensor) => (): unknown => {
  const [y, pull] = vjp(f, [x0])
  return [y, pull(x0), () => pull(x0)]
}
const pushOf = (f: (a: Tensor) => Tensor) => (): unknown => {
  const [y, push] = linearize(f, [x0])
  return [y, push(x0), () => push(x0)]
}

const computed: Readonly<Record<string, () => unknown>> = {
  'an operation': () => exp(x0).add(1),
  grad: () => grad(total)(x0),
  gradAndValue: () => gradAndValue(total)(x0),
  'grad with aux': () => grad((a: Tensor): [Tensor, Tensor] => [total(a), exp(a)], { hasAux: true })(x0),
  jvp: () => jvp(exp, [x0], [x0]),
  jacrev: () => jacrev(exp)(x0),
  jacfwd: () => jacfwd(exp)(x0),
  hessian: () => hessian(total)(x0),
  vmap: () => vmap(exp)(x0),
  'vmap of grad': () => vmap(grad(exp))(x0),
  hvp: () => hvp(total, x0, x0),
  jacobian: () => jacobian(exp, x0),
  noGrad: () => noGrad(exp as (a: Tensor) => Tensor)(x0),
  checkpoint: () => checkpoint((a: Tensor) => exp(a))(x0),
  'grad of checkpoint': () => grad(checkpoint(total))(x0),
  Function: () => Exp.apply(x0),
  customVjp: () => byVjp(x0),
  customJvp: () => byJvp(x0),
  customVmap: () => byVmap(x0),
  functionalize: () => functionalize((a: Tensor) => a.clone().exp_())(x0),
  scan: () => scan((c: Tensor, a: Tensor) => [c.add(exp(a)), c.mul(2)], tensor(0), x0),
  whileLoop: () =>
    whileLoop(
      (a: Tensor) => a.sum().lt(50),
      (a: Tensor) => [exp(a)],
      [x0],
    ),
  'a pullback': pullOf((a) => softmax(exp(a), 0)),
  'a pullback of a gradient': pullOf(grad(total)),
  'a pullback of vmap': pullOf(vmap((a: Tensor) => exp(exp(a)))),
  'a pullback of checkpoint': pullOf(checkpoint((a: Tensor) => exp(exp(a)))),
  'a pullback of a Function': pullOf((a) => Exp.apply(a) as Tensor),
  'a pullback of customVjp': pullOf(byVjp),
  'a linear map': pushOf((a) => softmax(exp(a), 0)),
  'a linear map of a gradient': pushOf(grad(total)),
  'a linear map of customVjp': pushOf(byVjp),
}
type F = (x: Tensor) => Tensor
const transforms: Readonly<Record<string, (f: F) => unknown>> = {
  grad: (f) => grad((x: Tensor) => sum(f(x)))(x),
  vjp: (f) => vjp(f, [x]),
  jvp: (f) => jvp(f, [x], [x]),
  linearize: (f) => linearize(f, [x]),
  jacrev: (f) => jacrev(f)(x),
  jacfwd: (f) => jacfwd(f)(x),
  hessian: (f) => hessian((x: Tensor) => sum(f(x)))(x),
  vmap: (f) => vmap(f)(x),
  noGrad: (f) => noGrad(f)(x),
  'grad in grad': (f) => grad((x: Tensor) => sum(grad((y: Tensor) => sum(f(y)))(x)))(x),
  'vmap in grad': (f) => grad((x: Tensor) => sum(vmap(f)(x)))(x),
}
/** Transforms of one level that free what they computed. */
const levels = ['grad', 'jvp', 'jacrev'] as const
const read = (v: unknown): unknown =>
  tree.map((leaf: unknown) => (isTensor(leaf) ? leaf.tolist() : typeof leaf === 'function' ? read((leaf as () => unknown)()) : leaf), v)

describe.each(Object.entries(transforms))('plain tensors inside %s', (_, run) => {
  test.each(Object.entries(computed))('%s', (_name, compute) => {
    const expected = read(compute())
    let kept: unknown
    run((x) => {
      kept = compute()
      return exp(x)
    })
    expect(read(kept)).toEqual(expected)
    expect(read(kept)).toEqual(expected)
  })
})

describe.each(levels)('what is drawn inside %s', (name) => {
  test.each<[string, () => Tensor]>([
    ['rand', () => rand(3)],
    ['randn', () => randn(3)],
    ['randint', () => randint(0, 9, [3])],
    ['bernoulli', () => bernoulli(tensor([0.5, 0.5, 0.5]))],
    ['uniform_', () => zeros(3).uniform_()],
  ])('can be kept: %s', (_, draw) => {
    let kept: Tensor | undefined
    manualSeed(4)
    transforms[name]!((x) => {
      kept = draw()
      return x.mul(kept)
    })
    manualSeed(4)
    expect(kept!.tolist()).toEqual(draw().tolist())
  })
})

describe.each(levels)('what was cut off from %s', (name) => {
  test.each<[string, (x: Tensor) => Tensor]>([
    ['detach of a result', (x) => exp(x).detach()],
    ['detach of a sum', (x) => exp(x).sum().detach()],
    ['detach of the input', (x) => x.detach()],
    ['stopGradient', (x) => stopGradient(exp(x))],
    ['what follows it', (x) => exp(stopGradient(x)).add(1)],
    ['noGrad', (x) => noGrad((y: Tensor) => exp(y))(x)],
  ])('can be kept: %s', (_, cut) => {
    const input = tensor([1, 2, 3])
    const expected = cut(input).tolist()
    let kept: Tensor | undefined
    transforms[name]!((x) => {
      kept = cut(x)
      return exp(x).mul(kept)
    })
    expect(kept!.tolist()).toEqual(expected)
    expect(input.tolist()).toEqual([1, 2, 3])
  })
})
