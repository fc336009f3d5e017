import {
  type Tensor,
  add,
  checkpoint,
  cond,
  cos,
  exp,
  forLoop,
  map,
  matmul,
  mul,
  scan,
  select,
  sin,
  sum,
  tanh,
  tensor,
  whileLoop,
} from '@mapgrad/func'
import { type F, random } from '../rules.ts'

const W = random(4, 3)
const V = random(2, 4)
const C = random(4)
const S = random(4, 4).mul(0.5)

/** Functions [3] → [2] with control flow, each equal to the plain program beside it at the points that tests take. */
export const cases: readonly { readonly name: string; readonly special: F; readonly plain: F }[] = [
  {
    name: 'cond',
    // at x and at 2x the first component decides alike; the examples of vmap differ in the second condition
    special: (x) => {
      const y = matmul(W, x)
      const [a] = cond(
        sum(x).gt(sum(sin(x)).mul(1.5)),
        (y: Tensor) => [tanh(mul(y, C))],
        (y: Tensor) => [sin(add(y, mul(C, sum(x))))],
        [y],
      )
      return matmul(V, a!)
    },
    plain: (x) => {
      const y = matmul(W, x)
      const pred = sum(x).gt(sum(sin(x)).mul(1.5))
      const weight = pred.to('float64')
      return matmul(V, add(mul(weight, tanh(mul(y, C))), mul(weight.neg().add(1), sin(add(y, mul(C, sum(x)))))))
    },
  },
  {
    name: 'whileLoop',
    special: (x) => {
      const [, y] = whileLoop(
        (n) => n.lt(sum(x.mul(x)).mul(3).add(1)),
        (n, y) => [n.add(1), tanh(add(matmul(S, y), mul(C, sum(x))))],
        [tensor(0, { dtype: 'float64' }), matmul(W, x)],
        { maxIterations: 20 },
      )
      return matmul(V, y)
    },
    plain: (x) => {
      let y = matmul(W, x)
      const bound = sum(x.mul(x)).mul(3).add(1)
      for (let n = 0; n < 20; n++) {
        const weight = bound.gt(n).to('float64')
        y = add(mul(weight, tanh(add(matmul(S, y), mul(C, sum(x))))), mul(weight.neg().add(1), y))
      }
      return matmul(V, y)
    },
  },
  {
    name: 'whileLoop without a bound',
    special: (x) => {
      const [, y] = whileLoop(
        (n) => n.lt(sum(x.mul(x)).mul(3).add(1)),
        (n, y) => [n.add(1), tanh(add(matmul(S, y), mul(C, sum(x))))],
        [tensor(0, { dtype: 'float64' }), matmul(W, x)],
      )
      return matmul(V, y)
    },
    plain: (x) => {
      let y = matmul(W, x)
      const bound = sum(x.mul(x)).mul(3).add(1)
      for (let n = 0; n < 60; n++) {
        const weight = bound.gt(n).to('float64')
        y = add(mul(weight, tanh(add(matmul(S, y), mul(C, sum(x))))), mul(weight.neg().add(1), y))
      }
      return matmul(V, y)
    },
  },
  {
    name: 'scan',
    special: (x) => {
      const [carry, ys] = scan(
        (carry: { h: Tensor }, row: Tensor) => [{ h: tanh(add(mul(carry.h, row), sum(x))) }, { y: sin(carry.h) }] as const,
        { h: sum(x) },
        matmul(W, x),
        { reverse: true },
      )
      return matmul(V, mul(ys.y, exp(carry.h)))
    },
    plain: (x) => {
      const rows = matmul(W, x)
      let h = sum(x)
      const ys: Tensor[] = []
      for (let i = 3; i >= 0; i--) {
        ys[i] = sin(h)
        h = tanh(add(mul(h, select(rows, 0, i)), sum(x)))
      }
      return ys.map((y, i) => mul(select(V, 1, i), mul(y, exp(h)))).reduce((a, b) => add(a, b))
    },
  },
  {
    name: 'scan of checkpoint',
    special: (x) => {
      const step = checkpoint((h: Tensor, row: Tensor) => tanh(add(mul(h, row), cos(sum(x)))))
      return mul(select(V, 1, 0), scan((h: Tensor, row: Tensor) => [step(h, row), null], sum(x), matmul(W, x))[0])
    },
    plain: (x) => {
      const rows = matmul(W, x)
      let h = sum(x)
      for (let i = 0; i < 4; i++) h = tanh(add(mul(h, select(rows, 0, i)), cos(sum(x))))
      return mul(select(V, 1, 0), h)
    },
  },
  {
    name: 'cond in scan in forLoop in map',
    special: (x) =>
      map(
        (v, x) =>
          forLoop(
            0,
            2,
            (i, y) =>
              scan(
                (h: Tensor, c: Tensor) => [
                  cond(
                    h.gt(0),
                    (h: Tensor) => sin(add(h, c)),
                    (h: Tensor) => mul(cos(h), c),
                    [h],
                  ),
                  null,
                ],
                add(y, i),
                add(v, sum(x)),
              )[0],
            sum(sin(x)),
          ),
        V,
        x,
      ),
    plain: (x) => {
      const rows = [0, 1].map((k) => {
        let y = sum(sin(x))
        for (let i = 0; i < 2; i++) {
          y = add(y, i)
          for (let j = 0; j < 4; j++) {
            const c = add(select(select(V, 0, k), 0, j), sum(x))
            const weight = y.gt(0).to('float64')
            y = add(mul(weight, sin(add(y, c))), mul(weight.neg().add(1), mul(cos(y), c)))
          }
        }
        return y.reshape([1])
      })
      return rows[0]!
        .reshape([1, 1])
        .expand([1, 1])
        .reshape([1])
        .mul(tensor([1, 0], { dtype: 'float64' }))
        .add(rows[1]!.mul(tensor([0, 1], { dtype: 'float64' })))
    },
  },
]
