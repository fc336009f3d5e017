import {
  type Tensor,
  arange,
  grad,
  gradAndValue,
  hessian,
  isMapgradError,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  manualSeed,
  noGrad,
  ones,
  randn,
  slice,
  tensor,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { describe, expect, it } from 'vitest'

const codeOf = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    if (isMapgradError(e)) return e.code
    throw e
  }
  return 'none'
}
describe('what a transform differentiates or maps', () => {
  it('grad refuses to write its input, and views of it', () => {
    const text = 'leaf Variable that requires grad is being used in an in-place operation.'
    const refuse =
      (f: (x: Tensor) => void): (() => unknown) =>
      () =>
        grad((x: Tensor) => (f(x), x.sum()))(ones(2, 2))
    for (const f of [(x: Tensor) => x.add_(1), (x: Tensor) => x.set(0, 1), (x: Tensor) => x.t_(), (x: Tensor) => x.zero_()])
      expect(refuse(f)).toThrow(`a ${text}`)
    for (const f of [(x: Tensor) => x.t().mul_(2), (x: Tensor) => x.at(0).at(1).exp_(), (x: Tensor) => x.diagonal().copy_(ones(2))])
      expect(refuse(f)).toThrow(`a view of a ${text}`)
    expect(() => vjp((x: Tensor) => x.add_(1), [ones(2)])).toThrow(text)
    expect(() => jacrev((x: Tensor) => x.add_(1))(ones(2))).toThrow(text)
    expect(() => hessian((x: Tensor) => x.add_(1).sum())(ones(2))).toThrow(text)
  })

  it('jvp and linearize write theirs, and the caller has it', () => {
    const f = (x: Tensor): Tensor => x.mul_(x).at(0)
    const x = tensor([2, 3])
    const view = x.at(1)
    const [y, dy] = jvp(f, [x], [tensor([1, 1])])
    expect([y.item(), dy.item(), x.tolist(), view.item()]).toEqual([4, 4, [4, 9], 9])
    expect(linearize(f, [x])[1](tensor([1, 0])).item()).toBe(8)
    expect(x.tolist()).toEqual([16, 81])
    const z = tensor([1, 2])
    expect(jacfwd((x: Tensor) => x.mul_(3))(z).tolist()).toEqual([
      [3, 0],
      [0, 3],
    ])
    expect(z.tolist()).toEqual([3, 6])
    // f runs for every block of columns, each time on what it was given
    const [a, b] = jacfwd((x: Tensor, y: Tensor, s: Tensor) => x.mul_(y).add(s.add_(1)), { argnums: [0, 1], chunkSize: 1 })(
      z,
      z.clone(),
      ones(2),
    )
    expect([a.tolist(), b.tolist(), z.tolist()]).toEqual([
      [
        [3, 0],
        [0, 6],
      ],
      [
        [3, 0],
        [0, 6],
      ],
      [9, 36],
    ])
  })

  it('vmap writes what is mapped, along its axis, and the caller has it', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ])
    const row = x.at(0)
    const y = vmap((c: Tensor) => c.sub_(c.sum()), 1)(x)
    expect(x.tolist()).toEqual([
      [-3, -4],
      [-1, -2],
    ])
    expect([row.tolist(), y.tolist()]).toEqual([
      [-3, -4],
      [
        [-3, -1],
        [-4, -2],
      ],
    ])
    vmap((r: Tensor) => r.zero_(), { chunkSize: 1 })(x)
    expect([x.tolist(), row.tolist()]).toEqual([
      [
        [0, 0],
        [0, 0],
      ],
      [0, 0],
    ])
    y.add_(1)
    expect(x.tolist()).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  it('arguments that are not differentiated can be written, and the caller has it, with derivatives inside', () => {
    const mean = tensor([0, 0])
    const loss = (w: Tensor, s: { mean: Tensor }): Tensor => {
      s.mean.mul_(0.5).add_(w)
      return s.mean.mul(w).sum()
    }
    const [g, v] = gradAndValue(loss)(tensor([1, 2]), { mean })
    expect([g.tolist(), v.item(), mean.tolist()]).toEqual([[2, 4], 5, [1, 2]])
    expect(jacrev((w: Tensor, s: Tensor) => s.add_(w))(tensor([1, 1]), mean).tolist()).toEqual([
      [1, 0],
      [0, 1],
    ])
    expect(jacfwd((w: Tensor, s: Tensor) => s.add_(w))(tensor([1, 1]), mean).tolist()).toEqual([
      [1, 0],
      [0, 1],
    ])
    expect(mean.tolist()).toEqual([3, 4])
  })
})

describe('a captured tensor', () => {
  const views: Record<string, (x: Tensor) => Tensor> = {
    at: (x) => x.at(0),
    slice: (x) => x.at(slice(1)),
    newAxis: (x) => x.at(null),
    t: (x) => x.t(),
    transpose: (x) => x.transpose(0, 1),
    swapaxes: (x) => x.swapaxes(0, 1),
    swapdims: (x) => x.swapdims(0, 1),
    permute: (x) => x.permute(1, 0),
    movedim: (x) => x.movedim(0, 1),
    moveaxis: (x) => x.moveaxis(0, 1),
    mT: (x) => x.mT,
    adjoint: (x) => x.adjoint(),
    view: (x) => x.view(9),
    viewAs: (x) => x.viewAs(ones(9)),
    reshape: (x) => x.reshape(9),
    reshapeAs: (x) => x.reshapeAs(ones(9)),
    ravel: (x) => x.ravel(),
    flatten: (x) => x.flatten(),
    unflatten: (x) => x.unflatten(0, [3, 1]),
    squeeze: (x) => x.squeeze(),
    unsqueeze: (x) => x.unsqueeze(0),
    select: (x) => x.select(0, 1),
    narrow: (x) => x.narrow(1, 0, 2),
    diagonal: (x) => x.diagonal(),
    unfold: (x) => x.unfold(0, 2, 2),
    asStrided: (x) => x.asStrided([3], [4]),
    expand: (x) => x.expand(1, 3, 3),
    expandAs: (x) => x.expandAs(ones(1, 3, 3)),
    broadcastTo: (x) => x.broadcastTo(1, 3, 3),
    contiguous: (x) => x.contiguous(),
    split: (x) => x.split(1)[0]!,
    splitWithSizes: (x) => x.splitWithSizes([1, 2])[1]!,
    chunk: (x) => x.chunk(2)[0]!,
    tensorSplit: (x) => x.tensorSplit(2)[1]!,
    hsplit: (x) => x.hsplit(3)[1]!,
    vsplit: (x) => x.vsplit(3)[2]!,
    unbind: (x) => x.unbind(1)[2]!,
    itself: (x) => x,
  }
  const text =
    'During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation (copy_) that would mutate a captured Tensor. This is not supported; please rewrite the function being transformed to explicitly accept the mutated Tensor(s) as inputs.'

  it.each(Object.keys(views))('is not written through %s by derivatives; made inside, it is', (name) => {
    const view = views[name]!
    const captured = zeros(3, 3)
    const write =
      (make: () => Tensor) =>
      (x: Tensor): Tensor => {
        const whole = make()
        view(whole).copy_(x)
        return whole.sum()
      }
    const x = tensor(2)
    expect(() => grad(write(() => captured))(x)).toThrow(text)
    expect(() =>
      vjp(
        write(() => captured),
        [x],
      ),
    ).toThrow(text)
    expect(() =>
      jvp(
        write(() => captured),
        [x],
        [x],
      ),
    ).toThrow(text)
    expect(() => grad((x: Tensor) => (view(captured).copy_(tensor(1)), x))(x)).toThrow(text)
    expect(codeOf(() => vmap(write(() => captured))(ones(2)))).toBe('CAPTURED_MUTATION')
    const outside = view(captured)
    expect(() => grad((x: Tensor) => outside.copy_(x).sum())(x)).toThrow(text)
    expect(captured.tolist()).toEqual(zeros(3, 3).tolist())
    // what was made inside counts its elements: each place that is written adds one
    const count = view(zeros(3, 3)).numel()
    expect(grad(write(() => zeros(3, 3)))(x).item()).toBe(count)
    expect(
      jvp(
        write(() => zeros(3, 3)),
        [x],
        [tensor(1)],
      )[1].item(),
    ).toBe(count)
    expect(vmap(write(() => zeros(3, 3)))(tensor([1, 2])).tolist()).toEqual([count, 2 * count])
    expect(vmap(grad(write(() => zeros(3, 3))))(tensor([1, 2])).tolist()).toEqual([count, count])
  })

  it('is written by vmap once, if not with a mapped value', () => {
    const seen = zeros(2)
    vmap((x: Tensor) => {
      seen.add_(1)
      return x
    })(arange(5))
    expect(seen.tolist()).toEqual([1, 1])
    expect(() => vmap((x: Tensor) => seen.add_(x))(arange(5))).toThrow(
      'inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that has more elements than `self`',
    )
    expect(() => vmap((y: Tensor, x: Tensor) => y.at(0).set(x), [null, 0])(seen, arange(5).float())).toThrow(
      'not possible because there exists a Tensor `other`',
    )
    manualSeed(0)
    expect(() => vmap((x: Tensor) => (seen.normal_(), x), { randomness: 'different' })(arange(5))).toThrow(
      'Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same randomness.',
    )
    expect(() => vmap((x: Tensor) => (seen.normal_(), x))(arange(5))).toThrow('randomness')
    vmap((x: Tensor) => (seen.normal_(), x), { randomness: 'same' })(arange(5))
    manualSeed(0)
    expect(vmap((x: Tensor) => x.clone().float().normal_(), { randomness: 'different' })(arange(5)).tolist()).toEqual(
      (manualSeed(0), randn(5)).tolist(),
    )
  })

  it('is refused at every level between: grad in vmap, vmap in grad, grad in grad', () => {
    const c = zeros(2)
    expect(codeOf(() => grad((x: Tensor) => vmap((y: Tensor) => (c.add_(1), y))(x).sum())(ones(2)))).toBe('CAPTURED_MUTATION')
    expect(codeOf(() => vmap(grad((x: Tensor) => (c.add_(1), x)))(ones(2)))).toBe('CAPTURED_MUTATION')
    // the outer function's own value, captured by the inner one
    const outer = (x: Tensor): Tensor => {
      const y = x.clone()
      return grad((z: Tensor) => y.mul_(z).sum())(x).sum()
    }
    expect(codeOf(() => grad(outer)(ones(2)))).toBe('CAPTURED_MUTATION')
    expect(c.tolist()).toEqual([0, 0])
  })
})

describe('inside transforms', () => {
  it('what is written before and after keeps its own derivative: values never change', () => {
    // x·exp(x) + exp(x)², exp(x) being overwritten after it was used
    const f = (x: Tensor): Tensor => {
      const e = x.exp()
      const first = x.mul(e)
      e.mul_(e)
      return first.add(e).sum()
    }
    const x = tensor([0.5, -1])
    const want = x.exp().mul(x.add(1)).add(x.mul(2).exp().mul(2))
    const close = (a: Tensor, b: Tensor): void => expect(a.sub(b).abs().max().item() as number).toBeLessThan(1e-5)
    close(grad(f)(x), want)
    close(vmap(grad(f))(x), want)
    close(jvp(f, [x], [ones(2)])[1], want.sum())
    close(hessian(f)(x).diagonal(), x.exp().mul(x.add(2)).add(x.mul(2).exp().mul(4)))
  })

  it('results are tensors of their own', () => {
    const [y, pull] = vjp((x: Tensor) => x.exp(), [zeros(2)])
    y.zero_()
    expect(pull(ones(2))[0].tolist()).toEqual([1, 1])
    const [a, b] = grad((x: Tensor, z: Tensor) => x.add(z).sum(), [0, 1])(zeros(2), zeros(2))
    a.mul_(5)
    expect(b.tolist()).toEqual([1, 1])
    const x = zeros(2, 3)
    vmap((r: Tensor) => r.t())(x).add_(1)
    const [p, q] = vmap((r: Tensor): [Tensor, Tensor] => [r, r])(x)
    p.add_(1)
    expect([x.sum().item(), q.sum().item()]).toEqual([0, 0])
  })

  it('the idiom of vmap: x.newZeros is one for each example, and so is what is made inside', () => {
    const embed = (make: (x: Tensor) => Tensor) => (x: Tensor) => {
      const out = make(x)
      out.diagonal().copy_(x)
      return out
    }
    const x = tensor([
      [1, 2],
      [3, 4],
    ])
    const want = [
      [
        [1, 0],
        [0, 2],
      ],
      [
        [3, 0],
        [0, 4],
      ],
    ]
    expect(vmap(embed((v) => v.newZeros(2, 2)))(x).tolist()).toEqual(want)
    expect(vmap(embed(() => zeros(2, 2)))(x).tolist()).toEqual(want)
  })

  it('noGrad writes values past the derivative, as PyTorch does', () => {
    const f = (x: Tensor): Tensor => {
      const y = x.mul(2)
      noGrad(() => y.mul_(3))()
      return y.square().sum()
    }
    // y = 6x, dy/dx = 2
    expect(grad(f)(tensor([1, 2])).tolist()).toEqual([24, 48])
  })

  it('escaped views say what they are', () => {
    let leaked: Tensor | undefined
    vmap((x: Tensor) => ((leaked = x.newZeros(2).at(0)), x))(ones(2))
    expect(codeOf(() => leaked!.add_(1))).toBe('ESCAPED_TRACER')
  })
})
