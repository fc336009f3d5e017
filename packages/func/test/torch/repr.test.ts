// The cases of TestGradTransform that print: what tensors look like inside transforms, character by character as torch 2.13 prints them.
// Dtypes are called by our names. linearize has a level of its own here; upstream runs the function twice without one.
import { type Tensor, arange, grad, hessian, jacfwd, jacrev, jvp, linearize, sum, tensor, vjp, vmap, zeros } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

type F = (x: Tensor) => Tensor
/** What the input of `f` looks like inside, whatever `run` wraps around it; `f` then gives the mean. */
function looks(run: (f: F) => unknown): string {
  let text = ''
  run((x) => {
    text = x.toString()
    return x.mean()
  })
  return text
}

const scalar = tensor(1.5)
const x = tensor([
  [1, 2],
  [3, 4],
])
const deep = arange(12).float().reshape(2, 2, 3)

const cases: readonly [string, (f: F) => unknown, string][] = [
  [
    'grad of a scalar',
    (f) => grad(f)(scalar),
    `GradTrackingTensor(lvl=1, value=
    tensor(1.5000)
)`,
  ],
  [
    'grad of a matrix',
    (f) => grad(f)(x),
    `GradTrackingTensor(lvl=1, value=
    tensor([[1., 2.],
            [3., 4.]])
)`,
  ],
  [
    'grad of nothing',
    (f) => grad((t: Tensor) => sum(f(t)))(zeros(0, 3)),
    `GradTrackingTensor(lvl=1, value=
    tensor([], size=(0, 3))
)`,
  ],
  [
    'grad in grad',
    (f) => grad(grad(f))(scalar),
    `GradTrackingTensor(lvl=2, value=
    GradTrackingTensor(lvl=1, value=
        tensor(1.5000)
    )
)`,
  ],
  [
    'vmap',
    (f) => vmap(f)(x),
    `BatchedTensor(lvl=1, bdim=0, value=
    tensor([[1., 2.],
            [3., 4.]])
)`,
  ],
  [
    'vmap in vmap, along another axis: empty lines stay empty',
    (f) => vmap(vmap(f, 1))(deep),
    `BatchedTensor(lvl=2, bdim=1, value=
    BatchedTensor(lvl=1, bdim=0, value=
        tensor([[[ 0.,  1.,  2.],
                 [ 3.,  4.,  5.]],

                [[ 6.,  7.,  8.],
                 [ 9., 10., 11.]]])
    )
)`,
  ],
  [
    'grad in vmap',
    (f) => vmap(grad(f))(x),
    `GradTrackingTensor(lvl=2, value=
    BatchedTensor(lvl=1, bdim=0, value=
        tensor([[1., 2.],
                [3., 4.]])
    )
)`,
  ],
  [
    'vmap in grad',
    (f) => grad((t: Tensor) => vmap(f)(t).sum())(x),
    `BatchedTensor(lvl=2, bdim=0, value=
    GradTrackingTensor(lvl=1, value=
        tensor([[1., 2.],
                [3., 4.]])
    )
)`,
  ],
  [
    'jvp',
    (f) => jvp(f, [x], [x]),
    `GradTrackingTensor(lvl=1, value=
    tensor([[1., 2.],
            [3., 4.]])
)`,
  ],
  [
    'jvp in vmap',
    (f) => vmap((a: Tensor) => jvp(f, [a], [a]))(x),
    `GradTrackingTensor(lvl=2, value=
    BatchedTensor(lvl=1, bdim=0, value=
        tensor([[1., 2.],
                [3., 4.]])
    )
)`,
  ],
  [
    'vmap in jvp',
    (f) => jvp((a: Tensor) => vmap(f)(a), [x], [x]),
    `BatchedTensor(lvl=2, bdim=0, value=
    GradTrackingTensor(lvl=1, value=
        tensor([[1., 2.],
                [3., 4.]])
    )
)`,
  ],
  [
    'vjp',
    (f) => vjp(f, [x]),
    `GradTrackingTensor(lvl=1, value=
    tensor([[1., 2.],
            [3., 4.]])
)`,
  ],
  [
    'jacrev',
    (f) => jacrev(f)(x),
    `GradTrackingTensor(lvl=1, value=
    tensor([[1., 2.],
            [3., 4.]])
)`,
  ],
  [
    'jacfwd, which maps over tangents',
    (f) => jacfwd(f)(x),
    `GradTrackingTensor(lvl=2, value=
    tensor([[1., 2.],
            [3., 4.]])
)`,
  ],
  [
    'hessian',
    (f) => hessian(f)(x),
    `GradTrackingTensor(lvl=3, value=
    GradTrackingTensor(lvl=2, value=
        tensor([[1., 2.],
                [3., 4.]])
    )
)`,
  ],
  [
    'linearize',
    (f) => linearize(f, [x]),
    `GradTrackingTensor(lvl=1, value=
    tensor([[1., 2.],
            [3., 4.]])
)`,
  ],
  [
    'vmap in grad in vmap',
    (f) => vmap(grad((a: Tensor) => vmap(f)(a).sum()))(x.unsqueeze(0)),
    `BatchedTensor(lvl=3, bdim=0, value=
    GradTrackingTensor(lvl=2, value=
        BatchedTensor(lvl=1, bdim=0, value=
            tensor([[[1., 2.],
                     [3., 4.]]])
        )
    )
)`,
  ],
]

describe('a tensor inside', () => {
  test.each(cases)('%s', (_, run, text) => {
    expect(looks(run)).toBe(text)
  })
  test.each(['float16', 'bfloat16', 'float32', 'float64'] as const)('%s shows its dtype where it is not the default', (dtype) => {
    const shown = dtype === 'float32' ? '' : `, dtype=${dtype}`
    const y = tensor([1, -2.5], { dtype })
    expect(looks((f) => grad(f)(y))).toBe(`GradTrackingTensor(lvl=1, value=\n    tensor([ 1.0000, -2.5000]${shown})\n)`)
    expect(looks((f) => vmap((a: Tensor) => f(a.mul(1)))(y))).toBe(
      `BatchedTensor(lvl=1, bdim=0, value=\n    tensor([ 1.0000, -2.5000]${shown})\n)`,
    )
  })
  test('many elements are cut in the middle', () => {
    const text = looks((f) =>
      vmap(grad(f))(
        arange(64 * 3 * 32)
          .float()
          .reshape(64, 3, 32),
      ),
    )
    expect(text).toContain('...')
    expect(text.length).toBeLessThan(2500)
  })
})

describe('a tensor that is not of the transform looks as it does outside', () => {
  test.each<[string, (f: () => void) => unknown]>([
    ['vjp', (f) => vjp((y: Tensor) => (f(), y), [scalar])],
    ['grad', (f) => grad((y: Tensor) => (f(), y))(scalar)],
    ['vmap', (f) => vmap((y: Tensor) => (f(), y))(x)],
    ['jvp', (f) => jvp((y: Tensor) => (f(), y), [scalar], [scalar])],
  ])('captured by %s', (_, run) => {
    let text = ''
    run(() => {
      text = x.toString()
    })
    expect(text).toBe(`tensor([[1., 2.],\n        [3., 4.]])`)
  })
  test('of an outer level: with that level alone', () => {
    let text = ''
    grad((a: Tensor) =>
      grad((b: Tensor) => {
        text = a.toString()
        return b.mul(a)
      })(scalar),
    )(scalar)
    expect(text).toBe('GradTrackingTensor(lvl=1, value=\n    tensor(1.5000)\n)')
  })
})
