import { type Tensor, add, cond, exp, forLoop, gt, lt, map, mul, scan, select, sin, sum, tanh, whileLoop } from '@mapgrad/tensor'
import { type OpSample, fixed, float, int, positive } from './spec.ts'

export const control = (): readonly OpSample[] => [
  {
    op: 'cond',
    f: (p, x) =>
      cond(
        gt(sum(p!), 0),
        (y: Tensor) => sin(y),
        (y: Tensor) => mul(y, y),
        [x!],
      ),
    xs: (n) => [float(2), float(n, 3)],
  },
  {
    op: 'whileLoop',
    f: (x) =>
      whileLoop(
        (y: Tensor) => lt(sum(y), 20),
        (y: Tensor) => [mul(y, 1.5)],
        [x!],
      ),
    xs: (n) => [positive(n, 2)],
    sizes: [1],
  },
  {
    op: 'forLoop',
    f: (m, x) => forLoop(0, select(m!, 0, 0), (_, y: Tensor) => tanh(add(y, x!)), x!),
    xs: (n) => [fixed({ ...int(1), high: 5 }, 'int32'), float(n, 2)],
  },
  {
    op: 'scan',
    f: (c, xs) => {
      const [last, ys] = scan((carry: Tensor, x: Tensor) => [add(mul(carry, 0.5), sin(x)), mul(carry, x)] as const, c!, xs!)
      return [last, ys]
    },
    xs: (n) => [float(2), float(n, 2)],
    sizes: [1],
  },
  { op: 'map', f: (xs, y) => map((x: Tensor) => mul(exp(x), y!), xs!), xs: (n) => [float(n, 2), float(2)], sizes: [1] },
]
