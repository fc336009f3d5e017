import { type Tensor, add, cond, exp, forLoop, gt, lt, map, mul, scan, select, sin, sum, tanh, whileLoop } from '@mapgrad/tensor'
import {
  associativeScan as associativeNode,
  cond as condNode,
  scan as scanNode,
  whileLoop as whileNode,
  whileLoopSweeps as sweepsNode,
} from '@mapgrad/tensor/ops'
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
  {
    op: 'cond',
    note: 'as a node of a graph',
    f: (p, x, w) =>
      condNode.bind([gt(sum(p!), 0), x!, w!], {
        yes: (y, v) => [mul(sin(y!), v!), sum(y!)],
        no: (y) => [mul(y!, y!), sum(exp(y!))],
        out: [x!, sum(x!)].map(({ shape, dtype }) => ({ shape, dtype })),
        draws: false,
      }),
    xs: (n) => [float(2), float(n, 3), float(3)],
  },
  {
    op: 'scan',
    note: 'of an associative function, as a node of a graph',
    f: (x, y, w) =>
      associativeNode.bind([x!, y!, w!], {
        combine: (a, b, c, d, v) => [mul(mul(a!, c!), v!), add(mul(mul(b!, c!), v!), d!)],
        xs: 2,
        draws: false,
      }),
    xs: (n) => [float(5, n), float(5, n), positive(n)],
    sizes: [1],
  },
  {
    op: 'whileLoop',
    note: 'as a node of a graph',
    f: (x, w) =>
      whileNode.bind([x!, w!], {
        cond: (y) => [lt(sum(y!), 20)],
        body: (y, v) => [mul(add(y!, v!), 1.5)],
        carry: 1,
        maxIterations: null,
        draws: false,
      }),
    xs: (n) => [positive(n, 2), positive(2)],
    sizes: [1],
    noExtremes: 'when the loop ends depends on a sum of numbers that cancel',
  },
  {
    op: 'whileLoop',
    note: 'and a way back through its rounds, as a node of a graph',
    f: (x, s, w) =>
      sweepsNode.bind([x!, s!, w!], {
        cond: (y) => [lt(sum(y!), 20)],
        // what a round leaves behind besides its state
        step0: (y, v) => [mul(add(y!, v!), 1.5), sin(y!)],
        step1: (y, left, t, v) => [add(mul(t!, left!), mul(y!, v!))],
        states: [1, 1],
        emits: [[{ shape: x!.shape, dtype: x!.dtype }], []],
        reverse: [false, true],
      }),
    xs: (n) => [positive(n, 2), float(n, 2), positive(2)],
    sizes: [1],
    noExtremes: 'when the loop ends depends on a sum of numbers that cancel',
  },
  {
    op: 'scan',
    note: 'as a node of a graph',
    f: (c, xs, w) =>
      scanNode.bind([c!, xs!, w!], {
        body: (h, x, v) => [add(mul(h!, v!), sin(x!)), mul(h!, x!)],
        carry: 1,
        xs: 1,
        length: xs!.shape[0]!,
        reverse: true,
        ys: [{ shape: c!.shape, dtype: c!.dtype }],
        draws: false,
      }),
    xs: (n) => [float(2), float(n, 2), float(2)],
    sizes: [1],
  },
]
