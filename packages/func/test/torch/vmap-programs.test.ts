// Beside upstream: random programs of views, writes through them and arithmetic, inside a mapped function, inside two, and their gradients,
// against loops. (Writes through views are where maps go wrong in PyTorch's issues.) Programs are drawn from a seed, so a failure can be
// repeated: its message says the seed and the program.
import { type Tensor, grad, slice, stack, vmap } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { expectClose, random } from './harness.ts'

const generator = (seed: number): ((n: number) => number) => {
  let state = seed * 7919 + 1
  return (n) => {
    state = (state * 48271) % 2147483647
    return Math.floor((state / 2147483647) * n)
  }
}

/** Whether `y` can be written into `x`. */
const fits = (x: Tensor, y: Tensor): boolean => y.ndim <= x.ndim && y.shape.every((n, i) => n === 1 || n === x.shape[x.ndim - y.ndim + i])
const broadcasts = (x: Tensor, y: Tensor): boolean => {
  const n = Math.min(x.ndim, y.ndim)
  return Array.from({ length: n }, (_, i) => [x.size(-1 - i), y.size(-1 - i)]).every(([a, b]) => a === b || a === 1 || b === 1)
}

/** The program of a seed: fills a list of tensors, starting with `x`, which it may write, and `y`, which it may not; says what it did. */
function run(seed: number, x: Tensor, y: Tensor, steps = 14): [values: Tensor[], text: string] {
  const pick = generator(seed)
  const tensors: Tensor[] = [x, y]
  const writable = [true, false]
  const text: string[] = []
  const push = (t: Tensor, mine: boolean, what: string): void => {
    text.push(`t${tensors.length} = ${what}`)
    tensors.push(t)
    writable.push(mine)
  }
  for (let k = 0; k < steps; k++) {
    const [i, j] = [pick(tensors.length), pick(tensors.length)]
    const [a, b, mine] = [tensors[i]!, tensors[j]!, writable[i]!]
    const dim = a.ndim === 0 ? 0 : pick(a.ndim)
    const at = a.ndim === 0 ? 0 : pick(a.size(dim))
    const write = (what: string, f: () => unknown): void => {
      text.push(`t${i}.${what}`)
      f()
    }
    switch (pick(18)) {
      case 0:
        if (a.ndim >= 2) push(a.transpose(0, dim), mine, `t${i}.transpose(0, ${dim})`)
        break
      case 1:
        if (a.ndim >= 1) push(a.select(dim, at), mine, `t${i}.select(${dim}, ${at})`)
        break
      case 2:
        if (a.ndim >= 1) push(a.narrow(dim, at, a.size(dim) - at), mine, `t${i}.narrow(${dim}, ${at}, …)`)
        break
      case 3:
        push(a.unsqueeze(0), mine, `t${i}.unsqueeze(0)`)
        break
      case 4:
        // whether this is a view depends on where the elements lie
        push(a.reshape(-1).clone(), true, `t${i}.reshape(-1).clone()`)
        break
      case 5:
        push(a.sin(), true, `t${i}.sin()`)
        break
      case 6:
        if (broadcasts(a, b)) push(a.mul(b), true, `t${i}.mul(t${j})`)
        break
      case 7:
        if (a.ndim >= 1) push(a.sum(dim), true, `t${i}.sum(${dim})`)
        break
      case 8:
        push(a.newZeros([2, 3]), true, `t${i}.newZeros(2, 3)`)
        break
      case 9:
        if (a.ndim >= 2) push(a.diagonal(), mine, `t${i}.diagonal()`)
        break
      case 10:
        if (a.ndim >= 1 && a.size(0) > 1) push(a.at(slice(0, null, 2)), mine, `t${i}[::2]`)
        break
      case 11:
        if (mine && fits(a, b)) write(`add_(t${j})`, () => a.add_(b))
        break
      case 12:
        if (mine && fits(a, b)) write(`copy_(t${j})`, () => a.copy_(b))
        break
      case 13:
        if (mine && fits(a, b)) write(`mul_(t${j})`, () => a.mul_(b))
        break
      case 14:
        if (mine) write('cos_()', () => a.cos_())
        break
      case 15:
        if (mine && a.ndim === 2) write('t_()', () => a.t_())
        break
      case 16:
        if (mine) write('unsqueeze_(-1)', () => a.unsqueeze_(-1))
        break
      default:
        if (mine && a.ndim >= 1 && a.size(0) > 0) write('set(0, 1.5)', () => a.set(0, 1.5))
    }
  }
  // values, not views: what later writes do to a view is seen in the tensor it looks into
  return [tensors.map((t) => t.clone()), text.join('; ')]
}

interface Setting {
  readonly x: Tensor
  readonly y: Tensor
  readonly dims: readonly [number, number | null]
  readonly size: number
}
/** Two rows of three or so, `size` of them along some axis; and a row, mapped or shared. */
function setting(seed: number): Setting {
  const pick = generator(seed + 1_000_003)
  const [size, m, n, dx] = [1 + pick(3), 2 + pick(2), 2 + pick(2), pick(3)]
  const dy = [0, 1, null][pick(3)]!
  const put = (shape: number[], d: number | null): Tensor =>
    random(...(d === null ? shape : [...shape.slice(0, d), size, ...shape.slice(d)]))
  return { x: put([m, n], dx), y: put([n], dy), dims: [dx, dy], size }
}
const example = (x: Tensor, dim: number | null, b: number): Tensor => (dim === null ? x : x.select(dim, b))
const columns = (rows: readonly (readonly Tensor[])[]): Tensor[] => rows[0]!.map((_, k) => stack(rows.map((r) => r[k]!)))

const SEEDS = Array.from({ length: 8 }, (_, i) => i)
const each = 40

describe('random programs', () => {
  test.each(SEEDS)('inside vmap: results, and what is left in the argument (%i)', (block) => {
    for (let seed = block * each; seed < (block + 1) * each; seed++) {
      const { x, y, dims, size } = setting(seed)
      const [looped, mapped] = [x.clone(), x.clone()]
      const rows = Array.from({ length: size }, (_, b) => run(seed, example(looped, dims[0], b), example(y, dims[1], b)))
      const what = `seed ${seed}, inDims ${JSON.stringify(dims)}, size ${size}: ${rows[0]![1]}`
      expectClose(vmap((a: Tensor, b: Tensor) => run(seed, a, b)[0], dims)(mapped, y), columns(rows.map(([r]) => r)), {}, what)
      expectClose(mapped, looped, {}, `${what}: the caller's`)
    }
  })
  test('inside vmap of vmap', () => {
    for (let seed = 1000; seed < 1000 + each; seed++) {
      const { x, y, dims, size } = setting(seed)
      const outer = random(2, ...x.shape)
      const [looped, mapped] = [outer.clone(), outer.clone()]
      let text = ''
      const rows = [0, 1].map((o) =>
        columns(
          Array.from({ length: size }, (_, b) => {
            const [values, program] = run(seed, example(looped.select(0, o), dims[0], b), example(y, dims[1], b))
            text = program
            return values
          }),
        ),
      )
      const inner = vmap((a: Tensor, b: Tensor) => run(seed, a, b)[0], dims)
      expectClose(vmap(inner, [0, null])(mapped, y), columns(rows), {}, `seed ${seed}: ${text}`)
      expectClose(mapped, looped, {}, `seed ${seed}: the caller's: ${text}`)
    }
  })
  test('gradients of each example, and through the map', () => {
    for (let seed = 2000; seed < 2000 + each; seed++) {
      const { x, y, dims, size } = setting(seed)
      const f = (a: Tensor, b: Tensor): Tensor =>
        run(seed, a.mul(1), b)[0]
          .map((t, i) =>
            t
              .sum()
              .mul(i + 1)
              .sin(),
          )
          .reduce((p, q) => p.add(q))
      const rows = Array.from({ length: size }, (_, b) => grad(f)(example(x, dims[0], b), example(y, dims[1], b)))
      const want = stack(rows, dims[0])
      const what = `seed ${seed}`
      expectClose(vmap(grad(f), dims, dims[0])(x, y), want, {}, what)
      expectClose(grad((a: Tensor) => vmap(f, dims)(a, y).sum())(x), want, {}, `${what}: through`)
    }
  })
  test('a program is the same each time', () => {
    const { x, y } = setting(0)
    const text = (seed: number): string => run(seed, x.clone(), y)[1]
    expect(text(5)).toBe(text(5))
    expect(text(5)).not.toBe(text(6))
  })
})
