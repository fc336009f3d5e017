import { cpu } from '@mapgrad/backend-cpu'
import { type Tensor, arange, memory, ones, setDefaultDevice, slice, tensor, tidy, zeros } from '@mapgrad/tensor'
import { type AnyOp, type ArrayValue, type Outputs, Trace, Tracer, bind, defineOp, view, withTrace, write } from '@mapgrad/tensor/plugin'
import * as library from '@mapgrad/tensor'
import { beforeEach, describe, expect, it } from 'vitest'

describe('views', () => {
  beforeEach(() => setDefaultDevice(cpu))

  it('of one tensor show what any of them writes, views of views too', () => {
    const x = arange(12).float().reshape(3, 4).clone()
    const [row, column, corner] = [x.at(1), x.t().at(1), x.narrow(0, 0, 2).narrow(1, 0, 2)]
    row.mul_(10)
    column.add_(0.5)
    corner.t().at(0).fill_(-1)
    expect(x.tolist()).toEqual([
      [-1, 1.5, 2, 3],
      [-1, 50.5, 60, 70],
      [8, 9.5, 10, 11],
    ])
    expect(row.tolist()).toEqual([-1, 50.5, 60, 70])
    expect(column.tolist()).toEqual([1.5, 50.5, 9.5])
  })

  it('outlive the tensor they look into', () => {
    const x = ones(2, 2).mul(1)
    const [a, b] = [x.t(), x.view(4)]
    x.dispose()
    a.at(0).mul_(3)
    expect(b.tolist()).toEqual([3, 1, 3, 1])
  })

  it('of a reshape that had to copy are views of the copy', () => {
    const x = arange(6).float().reshape(2, 3).clone()
    const copy = x.t().reshape(6)
    copy.at(0).fill_(9)
    expect([x.at(0, 0).item(), copy.at(0).item()]).toEqual([0, 9])
  })

  it('of a repeated number are told from copies as if it lay in memory', () => {
    const x = zeros(3)
    x.expand(2, 3).reshape(6).add_(1)
    expect(x.tolist()).toEqual([0, 0, 0])
    expect(() => x.expand(2, 3).view(6)).toThrow('view size is not compatible')
    x.view(1, 3).at(0).set(1, 5)
    expect(x.tolist()).toEqual([0, 5, 0])
  })

  it('keep the values that others took from them', () => {
    const x = tensor([1, 2])
    const [copy, kept] = [x.clone(), x.add(0)]
    x.at(0).neg_()
    expect([copy.tolist(), kept.tolist(), x.tolist()]).toEqual([
      [1, 2],
      [1, 2],
      [-1, 2],
    ])
  })

  it('can be written with each other: what is read is what was there before', () => {
    const [old, turned] = [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [1, 3],
        [2, 4],
      ],
    ]
    const x = tensor(old)
    const y = x.t()
    y.copy_(x)
    expect([x.tolist(), y.tolist()]).toEqual([turned, old])
    x.copy_(y)
    expect([x.tolist(), y.tolist()]).toEqual([old, turned])
    const z = x.transpose(0, 0)
    z.copy_(y)
    expect([x.tolist(), y.tolist(), z.tolist()]).toEqual([turned, old, turned])
  })

  it('that overlap themselves are refused, but for one value everywhere', () => {
    const x = arange(4).float()
    const text = 'unsupported operation: more than one element of the written-to tensor refers to a single memory location'
    expect(() => x.expand(2, 4).add_(1)).toThrow(text)
    expect(() => x.unfold(0, 2, 1).mul_(2)).toThrow(text)
    expect(() => x.asStrided([3], [0]).copy_(tensor([1, 2, 3]))).toThrow(text)
    expect(x.tolist()).toEqual([0, 1, 2, 3])
    x.expand(2, 4).at(1).add_(1)
    x.unfold(0, 2, 2).at(1).zero_()
    expect(x.tolist()).toEqual([1, 2, 0, 0])
    x.expand(2, 4).fill_(7)
    expect(x.tolist()).toEqual([7, 7, 7, 7])
  })

  it("are of an author's op too, where it says how writes go back", () => {
    const evens = defineOp<[Tensor], null, [Tensor]>({
      name: 'evens',
      args: (x) => [[x], null],
      result: ([x]) => ({ shape: [Math.ceil(x.shape[0]! / 2)], dtype: x.dtype }),
      compute: view((x) => ({ shape: [Math.ceil(x.shape[0]! / 2)], strides: [x.strides[0]! * 2], offset: x.offset }), {
        put: (x, v) => x.sliceScatter(v, 0, 0, null, 2),
      }),
      batch: 'leading',
      diff: { kind: 'constant' },
    })
    const x = arange(5).float()
    evens(x).neg_()
    expect(x.tolist()).toEqual([-0, 1, -2, 3, -4])
  })
})

it('are given by the functions whose results are views in PyTorch, and by no other', () => {
  setDefaultDevice(cpu)
  const views =
    'adjoint alphaDropout asStrided asTensor at atleast1d atleast2d atleast3d broadcastTensors broadcastTo chainMatmul chunk contiguous detach diagonal dropout dsplit einsum expand expandAs featureAlphaDropout featureDropout flatten hsplit meshgrid moveaxis movedim narrow permute positive ravel reshape reshapeAs select split splitWithSizes squeeze stopGradient swapaxes swapdims t tensorSplit transpose unbind unflatten unfold unsqueeze view viewAs vsplit'.split(
      ' ',
    )
  const setters = ['setDefaultDevice', 'setPrintOptions', 'setRngState', 'manualSeed', 'seed', 'tidy', 'keep', 'isTensor']
  const numbers = [[], [0], [1], [0, 1], [[0]], [[3, 3]], [0, 0, 3], [1, 0], [[1, 1]], [0, -1, 1], [0, 1, 1], [1, 1, 1]]
  const found = new Set<string>()
  for (const make of [() => ones(3, 3), () => ones(1), () => ones(4), () => ones(3, 3).int(), () => ones(3, 3).bool(), () => ones()])
    for (const [name, f] of Object.entries(library as Record<string, unknown>)) {
      // what ends in _ gives its tensor itself
      if (typeof f !== 'function' || /^[A-Z]|_$/.test(name) || setters.includes(name)) continue
      const calls = (x: Tensor): unknown[][] => [...numbers.map((n) => [x, ...n]), [[x]], [[x], 0], [x, x], [x, x, x]]
      for (let k = 0; k < calls(ones()).length; k++) {
        const x = make().mul(1)
        try {
          const y: unknown = (f as (...args: unknown[]) => unknown)(...calls(x)[k]!)
          for (const t of Array.isArray(y) ? (y as unknown[]) : [y])
            if (library.isTensor(t) && (t === x || (t.alias && t.alias.whole === x.alias?.whole))) found.add(name)
        } catch {
          // not a call that this function takes
        }
      }
    }
  expect([...found].filter((n) => !views.includes(n))).toEqual([])
  expect(found.size).toBeGreaterThan(35)
})

describe('memory', () => {
  beforeEach(() => setDefaultDevice(cpu))

  it('of what is written inside tidy stays with older tensors', () => {
    const x = ones(3).mul(2)
    const part = x.at(slice(1))
    tidy(() => {
      x.add_(1)
      part.mul_(2)
      x.add_(1)
    })
    expect([x.tolist(), part.tolist()]).toEqual([
      [4, 7, 7],
      [7, 7],
    ])
  })

  it('of what tidy gives back can be written, whatever it is a view of', () => {
    const y = tidy(() => ones(2, 3).add(1).t())
    y.add_(1)
    expect(y.tolist()).toEqual([
      [3, 3],
      [3, 3],
      [3, 3],
    ])
  })

  it('is bounded: what in-place operations replace is freed by tidy', () => {
    const x = ones(1000).mul(1)
    tidy(() => x.add_(1))
    const before = memory().live
    for (let i = 0; i < 100; i++) {
      const old = x.value
      tidy(() => x.mul_(1.01))
      for (const v of old.arrays()) v.dispose()
    }
    expect(memory().live).toBe(before)
  })
})

/** Writes mutations down, or lets the handles change. */
class Notes extends Trace {
  readonly name = 'notes'
  override readonly records = true
  readonly lines: string[] = []
  readonly takes: boolean
  constructor(takes: boolean) {
    super()
    this.takes = takes
  }
  override write(op: string, x: Tensor, next: Tensor): boolean {
    this.lines.push(`${op} [${x.tolist()}] -> [${next.tolist()}]`)
    return this.takes
  }
  process(op: AnyOp, inputs: readonly Tensor[], params: unknown): Outputs {
    return bind(op, inputs, params)
  }
}

describe('a transform that records', () => {
  beforeEach(() => setDefaultDevice(cpu))

  it.each([
    [true, [1, 2]],
    [false, [5, 2]],
  ])('is told of every write, and may keep it from the handles (%s)', (takes, values) => {
    const x = withTrace(new Notes(takes), (notes) => {
      const x = tensor([1, 2])
      x.at(0).add_(4)
      expect(notes.lines).toEqual(['add_ [1] -> [5]'])
      return x
    })
    expect(x.tolist()).toEqual(values)
  })
})

describe('a transform of an author', () => {
  it('refuses that its values get into what it captured, unless it says otherwise', () => {
    setDefaultDevice(cpu)
    const x = tensor([1, 2])
    withTrace(new Notes(false), (notes) => {
      class Mine extends Tracer {
        readonly shape = [2]
        readonly dtype = 'float32'
        readonly backend = cpu
        concrete(): ArrayValue {
          return x.value.concrete('mine')
        }
        arrays(): readonly ArrayValue[] {
          return []
        }
        describe(): string {
          return 'mine'
        }
      }
      expect(() => write(x, 'copy_', x.wrap(new Mine(notes)))).toThrow(
        'expected a captured tensor to stay as it is, got a value of notes (level 1) written into it',
      )
      write(x, 'copy_', tensor([3, 4]))
    })
    expect(x.tolist()).toEqual([3, 4])
  })
})
