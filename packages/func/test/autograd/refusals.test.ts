import { describe, expect, test } from 'vitest'
import { type Tensor, autograd, grad, noGrad, tensor, vmap } from '@mapgrad/func'

const leaf = (x: Tensor): Tensor => x.requiresGrad_()
const f64 = (x: Parameters<typeof tensor>[0]): Tensor => tensor(x, { dtype: 'float64' })
const message = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    return (e as Error).message
  }
  throw new Error('expected an error')
}

describe('inside transforms', () => {
  test('requiresGrad_, retainGrad and backward are refused in PyTorch words', () => {
    for (const t of [(f: (x: Tensor) => Tensor) => vmap(f), (f: (x: Tensor) => Tensor) => grad(f)]) {
      const at = (f: (x: Tensor) => void): string => message(() => t((x: Tensor) => (f(x), x.sum()))(f64([1, 2])))
      expect(at((x) => x.requiresGrad_())).toMatch(/attempting to call Tensor\.requiresGrad_\(\) .* inside of a function being transformed/)
      expect(at((x) => x.retainGrad())).toMatch(/attempting to call Tensor\.retainGrad\(\)/)
      expect(at((x) => x.sum().backward())).toMatch(
        /backward\(\) called inside a functorch transform\. This is not supported, please use functorch\.grad or/,
      )
      expect(at(() => void tensor([1], { requiresGrad: true }))).toMatch(/requiresGrad_/)
    }
  })
  test('autograd.grad of values of a grad around it', () => {
    const second = grad((x: Tensor) => autograd.grad(x.pow(4).sum(), x, null, { createGraph: true })[0]!.sum())
    expect(second(f64([1, 2])).tolist()).toEqual([12, 48])
    const constant = grad((x: Tensor) => autograd.grad(x.pow(4).sum(), x)[0]!.sum().add(x.sum()))
    expect(constant(f64([1, 2])).tolist()).toEqual([1, 1])
    const mapped = vmap(grad((x: Tensor) => autograd.grad(x.pow(4).sum(), x, null, { createGraph: true })[0]!.sum()))
    expect(
      mapped(
        f64([
          [1, 2],
          [3, 4],
        ]),
      ).tolist(),
    ).toEqual([
      [12, 48],
      [108, 192],
    ])
  })
  test('hooks on values of a grad', () => {
    const f = grad((x: Tensor) => {
      const y = x.exp()
      y.registerHook((g) => g.mul(0))
      return y.sum().add(x.sum())
    })
    expect(f(f64([1, 2])).tolist()).toEqual([1, 1])
  })
  test('captured leaves may be changed by nobody', () => {
    const w = leaf(f64([1, 2]))
    expect(message(() => grad((x: Tensor) => (noGrad(() => w.add_(1))(), x.sum()))(f64([1])))).toMatch(/mutate a captured Tensor/)
  })
})

describe('errors', () => {
  const w = leaf(f64([1, 2]))
  test.each<[string, () => unknown, RegExp]>([
    [
      'an output that was not recorded',
      () => autograd.grad(tensor(1), w),
      /element 0 of tensors does not require grad and does not have a grad_fn/,
    ],
    ['an input that requires none', () => autograd.grad(w.sum(), tensor(1)), /One of the differentiated Tensors does not require grad/],
    [
      'an input that is not used',
      () => autograd.grad(w.sum(), leaf(f64(1))),
      /appears to not have been used in the graph. Set allowUnused: true/,
    ],
    ['no scalar', () => w.backward(), /grad can be implicitly created only for scalar outputs, got one of shape \[2\]/],
    [
      'integers',
      () => tensor([1], { dtype: 'int32', requiresGrad: true }),
      /only Tensors of floating point dtype can require gradients, got int32/,
    ],
    [
      'a result that shall require none',
      () => (w.mul(2).requiresGrad = false),
      /you can only change requires_grad flags of leaf variables/,
    ],
    [
      'a gradient of another shape',
      () => autograd.grad(w, w, f64([1, 2, 3])),
      /grad_output\[0\] has a shape of \[3\] and output\[0\] has a shape of \[2\]/,
    ],
    ['a gradient of another dtype', () => w.backward(tensor([1, 2])), /expected a gradient of dtype float64, got float32/],
    ['an assigned gradient of another shape', () => (w.grad = f64(1)), /assigned grad has data of a different size/],
    [
      'a hook where there is no gradient',
      () => tensor(1).registerHook(() => {}),
      /cannot register a hook on a tensor that doesn't require gradient/,
    ],
    [
      'a hook that gives something else',
      () =>
        autograd.grad(
          (() => {
            const y = w.mul(1)
            y.registerHook(() => f64(1))
            return y.sum()
          })(),
          w,
        ),
      /expected the hook to return a gradient like the one it was given, float64\[2\]/,
    ],
    ['an unknown option', () => autograd.grad(w.sum(), w, null, { foo: 1 } as never), /got unknown option 'foo'/],
    ['as many gradients as outputs', () => autograd.backward([w.sum(), w.sum()], [null]), /got 2 tensors and 1 gradients/],
    ['no tensor', () => autograd.grad(3 as never, w), /expected outputs to be a tensor or an array of tensors, got 3/],
    ['no outputs', () => autograd.grad([], w), /grad requires non-empty outputs/],
  ])('%s', (_, f, text) => expect(message(f)).toMatch(text))
})
