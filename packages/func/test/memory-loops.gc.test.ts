// Memory of transforms and loops that are called again and again without a pause, in which no finalizer runs.
import {
  type Tensor,
  add,
  associativeScan,
  autograd,
  checkpoint,
  cond,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeFx,
  map,
  matmul,
  memory,
  mul,
  randn,
  scan,
  sin,
  sum,
  tanh,
  tensor,
  tidy,
  tree,
  vhp,
  vjp,
  vmap,
  whileLoop,
} from '@mapgrad/func'
import { describe, expect, test } from 'vitest'

type F = (x: Tensor) => Tensor
const w = randn(40, 30)
const x = randn(30)
const zero = tensor(0)
const batch = randn(4, 30)
const forty = randn(40)
const free = (out: unknown): void => tree.leaves(out).forEach((t) => (t as Tensor).dispose())

const f: F = (x) => sin(matmul(w, x))
const layer: F = checkpoint((x: Tensor) => tanh(matmul(w, x)))
const branch: F = (x) =>
  cond(
    sum(x).gt(0),
    (x: Tensor) => sin(mul(x, 2)),
    (x: Tensor) => mul(x, x),
    [x],
  )
// its condition depends on the examples
const rounds: F = (x) =>
  whileLoop(
    (n: Tensor) => n.lt(sum(mul(x, x)).add(2)),
    (n: Tensor, y: Tensor) => [add(n, add(sum(mul(x, x)), 1)), sin(add(y, x))] as const,
    [mul(sum(x), zero), x] as const,
  )[1]
const scanned: F = (x) => scan((c: Tensor, v: Tensor) => [tanh(add(mul(c, v), v)), mul(c, c)], sum(x), x)[1]
const mapped: F = (x) => map((v: Tensor, x: Tensor) => sin(mul(v, sum(x))), x, x)
const running: F = (x) => associativeScan((a: Tensor, b: Tensor) => mul(a, b), x, 0)
const traced = makeFx(grad((x: Tensor) => add(sum(scanned(x)), sum(branch(x)))))(x)
const tracedRounds = makeFx(rounds)(x)

/** Bytes and storages that many calls leave behind, their results disposed of. */
function left(f: () => unknown): [bytes: number, storages: number] {
  free(f())
  const before = memory()
  for (let i = 0; i < 20; i++) free(f())
  const after = memory()
  return [after.live - before.live, after.storages - before.storages]
}

describe('twenty calls leave nothing behind', () => {
  test.each<[string, () => unknown]>([
    ['jacrev in chunks', () => jacrev(f, { chunkSize: 7 })(x)],
    ['jacfwd in chunks', () => jacfwd(f, { chunkSize: 7 })(x)],
    ['hessian in chunks', () => hessian((x: Tensor) => sum(f(x)), { chunkSize: 8 })(x)],
    ['vmap in chunks', () => vmap(f, 0, 0, { chunkSize: 3 })(batch)],
    ['jvp', () => jvp(f, [x], [x])],
    ['hvp', () => hvp((x: Tensor) => sum(f(x)), x, x)],
    ['vhp', () => vhp((x: Tensor) => sum(f(x)), x, x)],
    ['autograd.functional.vjp', () => autograd.functional.vjp(f, x, forty)],
    ['grad of linearize', () => grad((x: Tensor) => sum(linearize(f, [x])[1](mul(x, x))))(x)],
    ['vmap of linearize', () => vmap((x: Tensor) => linearize(f, [x])[1](x))(batch)],
    ['vjp in tidy, its function used and dropped', () => tidy(() => vjp(f, [x])[1](matmul(w, x)))],
    ['linearize in tidy', () => tidy(() => linearize(f, [x])[1](x))],
    ['a graph with a loop and a branch, differentiated', () => traced(x)],
    ['a graph of a loop', () => tracedRounds(x)],
  ])('%s', (_, run) => {
    expect(left(run)).toEqual([0, 0])
  })
  describe.each<[string, F]>([
    ['checkpoint', layer],
    ['cond', branch],
    ['whileLoop', rounds],
    ['scan', scanned],
    ['map', mapped],
    ['associativeScan', running],
    ['a loop of branches of checkpoints', (x) => scan((c: Tensor, v: Tensor) => [branch(layer(mul(c, v)).narrow(0, 0, 30)), v], x, x)[0]],
  ])('%s', (_, g) => {
    test.each<[string, () => unknown]>([
      ['in tidy', () => tidy(() => g(x))],
      ['grad', () => grad((x: Tensor) => sum(g(x)))(x)],
      ['jvp', () => jvp(g, [x], [x])],
      ['vmap', () => vmap(g)(batch)],
      ['vmap of grad', () => vmap(grad((x: Tensor) => sum(g(x))))(batch)],
      ['jacfwd', () => jacfwd(g)(x)],
    ])('%s', (_, run) => {
      expect(left(run)).toEqual([0, 0])
    })
  })
})

describe('an endless loop that frees nothing runs in bounded memory', () => {
  const big = randn(64, 4096) // a megabyte
  test.each<[string, () => unknown]>([
    ['linearize', () => linearize((x: Tensor) => sin(mul(x, x)), [big])[1](big)],
    ['vjp', () => vjp((x: Tensor) => sin(mul(x, x)), [big])[1](big)],
    ['scan', () => scan((c: Tensor, v: Tensor) => [add(c, v), sin(v)], big.at(0), big)],
    ['whileLoop', () => whileLoop((n: Tensor) => n.lt(3), (n: Tensor, y: Tensor) => [n.add(1), sin(y)] as const, [zero, big] as const)], // prettier-ignore
    ['backward', () => sum(sin(big.clone().requiresGrad_())).backward()],
  ])('%s', (_, run) => {
    const size = (): number => process.memoryUsage().rss / 2 ** 20
    const [start, before] = [size(), memory().live]
    let peak = start
    // over a gigabyte of what nobody holds, of which no finalizer tells
    for (let i = 0; memory().live - before < 1.1 * 2 ** 30; i++) {
      run()
      if (i % 8 === 0) peak = Math.max(peak, size())
    }
    expect(peak - start).toBeLessThan(600)
  })
})
