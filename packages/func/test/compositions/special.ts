import {
  type FunctionContext,
  type Tensor,
  add,
  associativeScan,
  autograd,
  checkpoint,
  cond,
  cos,
  customJvp,
  customVjp,
  customVmap,
  forLoop,
  map,
  matmul,
  mul,
  neg,
  scan,
  sin,
  square,
  sum,
  tanh,
} from '@mapgrad/func'
import * as d from './dual.ts'
import type { Num } from './dual.ts'
import { type Case, f64, times } from './functions.ts'

/** tanh with reverse mode by hand, with forward mode by hand, and both modes by a class. */
const reverse = customVjp((x: Tensor) => tanh(x), {
  forward: (x) => {
    const y = tanh(x)
    return [y, { y }]
  },
  backward: ({ y }, ct) => [mul(ct, add(neg(square(y)), 1))],
})
const forward: (x: Tensor) => Tensor = customJvp(
  (x: Tensor) => tanh(x),
  ([x], [dx]) => {
    const y = forward(x)
    return [y, mul(dx, add(neg(square(y)), 1))]
  },
)
class Sine extends autograd.Function {
  static generateVmapRule = true
  static forward(x: Tensor, y: Tensor): Tensor {
    return sin(mul(x, y))
  }
  static setupContext(ctx: FunctionContext, [x, y]: [Tensor, Tensor]): void {
    ctx.saveForBackward(x, y)
    ctx.saveForForward(x, y)
  }
  static backward(ctx: FunctionContext, ct: Tensor): Tensor[] {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor]
    const slope = mul(ct, cos(mul(x, y)))
    return [mul(slope, y), mul(slope, x)]
  }
  static jvp(ctx: FunctionContext, dx: Tensor, dy: Tensor): Tensor {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor]
    return mul(cos(mul(x, y)), add(mul(dx, y), mul(x, dy)))
  }
}
const mapped = customVmap(
  (x: Tensor) => mul(sin(x), x),
  (_, [dim], x) => [mul(x, sin(x)), dim as number],
)

const W = [0.6, -0.4, 0.3, 0.5, -0.7, 0.2]
const C = [1, -0.5, 0.8]

/** [2], [3] → [3] through rules given by hand and `checkpoint`, also of each other, and over what they close over. */
export const rules: Case = {
  name: 'rules by hand, and checkpoint',
  ours: (x, m) => {
    const w = mul(m!, f64(C, [3]))
    const h = checkpoint((y: Tensor) => reverse(add(matmul(f64(W, [3, 2]), y), w)))(x!)
    const g = checkpoint((y: Tensor) => checkpoint((z: Tensor) => mul(forward(mul(z, sum(w))), z))(sin(y)))(h)
    return add(Sine.apply(g, m!), mapped(add(g, h)))
  },
  plain: (x, m) => {
    const w = m!.map((v, i) => d.mul(v, C[i]!))
    const h = times(W, x!).map((v, i) => d.tanh(d.add(v, w[i]!)))
    const g = h.map(d.sin).map((z) => d.mul(d.tanh(d.mul(z, d.sum(w))), z))
    return g.map((v, i) => {
      const both = d.add(v, h[i]!)
      return d.add(d.sin(d.mul(v, m![i]!)), d.mul(d.sin(both), both))
    })
  },
  at: [
    { data: [0.75, 0.45], shape: [2] },
    { data: [-0.6, 0.7, 0.4], shape: [3] },
  ],
}

const S = [0.3, -0.5]

/** [2], [2] → [2] through loops in loops and branches in loops, and a running sum without one. */
export const loops: Case = {
  name: 'a branch in a scan in a loop in a map',
  ours: (x, m) => {
    const round = (v: Tensor, total: Tensor): Tensor =>
      scan(
        (h: Tensor, c: Tensor) => [
          cond(
            h.gt(0.5),
            (h: Tensor) => sin(add(h, mul(c, total))),
            (h: Tensor) => mul(add(cos(h), 1), c),
            [h],
          ),
          null,
        ],
        v,
        m!,
      )[0]
    const ys = map(
      (v: Tensor, total: Tensor) => forLoop(0, 2, (i, y: Tensor) => round(add(y, mul(i.double(), 0.3)), total), v),
      x!,
      sum(sin(x!)),
    )
    const running = associativeScan((a: Tensor, b: Tensor) => add(a, b), mul(m!, f64(S, [2])), 0)
    return mul(ys, sum(square(running)))
  },
  plain: (x, m) => {
    const total = d.sum(x!.map(d.sin))
    const ys = x!.map((v) => {
      let y: Num = v
      for (let i = 0; i < 2; i++) {
        y = d.add(y, 0.3 * i)
        for (const c of m!) y = d.plain(y) > 0.5 ? d.sin(d.add(y, d.mul(c, total))) : d.mul(d.add(d.cos(y), 1), c)
      }
      return y
    })
    const running = S.map((_, i) => d.sum(S.slice(0, i + 1).map((s, k) => d.mul(m![k]!, s))))
    return ys.map((y) => d.mul(y, d.dot(running, running)))
  },
  // chosen so that no branch is near its threshold wherever two transforms evaluate it: differences must not cross it
  at: [
    { data: [0.28, 1.4], shape: [2] },
    { data: [0.76, 0.37], shape: [2] },
  ],
}
