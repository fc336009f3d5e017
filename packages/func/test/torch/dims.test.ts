// Programs with first-class dimensions, the behaviours of upstream's TestMin (first-class dims): what functorch.dim of torch 2.13 gives for the same inputs,
// and its gradients, are in dims.json, made by dims.py. What is no program is in dims-rules.test.ts; errors are in dims-errors.test.ts.
// Left out: names from the assignment (bytecode; here they are given), _test_c and _parse_test (C++ internals), docstrings and dir(), magic_trace and timings,
// CUDA, resnet18 and BertSelfAttention as modules (their products, splits and gathers are here as functions), memory counted by Python's garbage collector.
import { readFileSync } from 'node:fs'
import { type Nested, type Tensor, cat as catTensors, mm as matrixProduct, slice, tensor, vjp, where } from '@mapgrad/func'
import { type DimTensor, cat, dimlists, dims, index, order, stack } from '@mapgrad/func/dim'
import { describe, expect, test } from 'vitest'

interface Case {
  readonly inputs: readonly Nested[]
  readonly out: Nested | readonly Nested[]
  readonly grad?: readonly Nested[]
}
const cases = JSON.parse(readFileSync(new URL('dims.json', import.meta.url), 'utf8')) as Readonly<Record<string, Case>>

type Program = (...xs: Tensor[]) => Tensor | readonly Tensor[]

const mm = (a: Tensor, b: Tensor): DimTensor => {
  const [i, j, k] = dims(3)
  return a.at(i, k).mul(b.at(k, j)).sum(k).order(i, j)
}
const words = tensor(
  [
    [1, 0, 4, 3],
    [2, 2, 1, 0],
    [4, 4, 4, 4],
  ],
  { dtype: 'int32' },
)
const lengths = tensor([2, 0, 5])

const programs: Readonly<Record<string, Program>> = {
  mm,
  bmm: (a, b) => {
    const [i] = dims('i')
    return order(mm(a!.at(i), b!.at(i)), i)
  },
  gram: (y) => {
    const [b, c, c2, h, w] = dims(5)
    const r = y!
      .at(b, c, h, w)
      .mul(y!.at(b, c2, h, w))
      .sum([h, w])
    return r.div(h.length * w.length).order(b, c, c2)
  },
  attention: (K, Q, V) => {
    const [batch, channel, key, query] = dims('batch', 'channel', 'key', 'query')
    const k = K!.at(batch, channel, key)
    const q = Q!.at(batch, channel, query)
    const v = V!.at(batch, channel, key)
    const a = k
      .mul(q)
      .sum(channel)
      .mul(channel.length ** -0.5)
      .softmax(key)
    const r = v.mul(a).sum(key)
    return catTensors([r.order(batch, channel, query), Q!], 1)
  },
  pixelShuffle: (img) => {
    const [h2, w2, c, b, h, w] = dims(6)
    h2.length = 2
    w2.length = 2
    return img!.at(b, [c, h2, w2], h, w).order(b, c, [h, h2], [w, w2])
  },
  multihead: (Q, K, V) => {
    const [batch, query, key, heads, features] = dims('batch', 'query', 'key', 'heads', 'features', { sizes: [null, null, null, 3, null] })
    const q = Q!.at(batch, query, [heads, features])
    const k = K!.at(batch, key, [heads, features])
    const v = V!.at(batch, key, [heads, features])
    const scores = q
      .mul(k)
      .sum(features)
      .mul(features.length ** -0.5)
    return scores.softmax(key).mul(v).sum(key).order(batch, query, [heads, features])
  },
  relative: (Q, K, table) => {
    const [batch, query, key, heads, features] = dims(5)
    heads.length = 2
    const q = Q!.at(batch, query, [heads, features])
    const k = K!.at(batch, key, [heads, features])
    const positional = table!.at(query.sub(key).add(Math.floor(table!.size(0) / 2)), features)
    return q.mul(positional).sum(features).add(k.mul(positional).sum(features)).order(batch, heads, key, query)
  },
  embeddingBag: (weights) => {
    const [batch, sequence, features] = dims(3)
    return weights!.at(words.at(batch, sequence), features).sum(sequence).order(batch, features)
  },
  interpolate: (img, ys, xs) => {
    const [b, p, c] = dims(3)
    const [y, x] = [ys!.at(b, p), xs!.at(b, p)]
    const [y0, x0] = [y.floor().int(), x.floor().int()]
    const [dy, dx] = [y.sub(y.floor()), x.sub(x.floor())]
    const row = (r: DimTensor): DimTensor => {
      const left = img!.at(b, r, x0, c)
      const right = img!.at(b, r, x0.add(1), c)
      return left.mul(dx.neg().add(1)).add(right.mul(dx))
    }
    return row(y0)
      .mul(dy.neg().add(1))
      .add(row(y0.add(1)).mul(dy))
      .order(b, p, c)
  },
  softmaxSplit: (a) => {
    const [g, i] = dims({ sizes: [2, null] })
    const a2 = a!.at([i, g])
    const mb = a2.max(i).values
    const fb = a2.sub(mb).exp()
    const m = mb.max(g)[0]
    const c = mb.sub(m).exp()
    return c
      .mul(fb)
      .order([i, g])
      .div(c.mul(fb.sum(i)).sum(g))
  },
  triu: (a) => {
    const [i, j] = dims(2)
    const x = a!.at(i, j)
    return order(where(i.le(j), x, 0), i, j)
  },
  diff: (a) => {
    const [i] = dims(1)
    const x = a!.at(i)
    return order(where(i.sub(1).ge(0), x.sub(a!.at(i.sub(1))), x), i)
  },
  roll: (a) => {
    const [i] = dims(1, [a!.size(0)])
    return order(a!.at(where(i.add(1).lt(i.length), i.add(1), 0)), i)
  },
  flip: (a) => {
    const [i] = dims(1, [a!.size(0)])
    return a!.at(i.neg().add(i.length - 1)).order(i)
  },
  sequenceMask: (values) => {
    const [i, j] = dims(2)
    const v = values!.at(i, j)
    return order(where(j.lt(lengths.at(i)), v, 0), i, j)
  },
  vstack: (a, b) => {
    const [v, i] = dims({ sizes: [2, null] })
    return order(where(v.eq(0), a!.at(i), b!.at(i)), v, i)
  },
  diagonal: (a) => {
    const [i] = dims(1)
    return a!.at(i, i).order(i)
  },
  flattened: (d) => {
    const [i, k, j] = dims(3)
    return d!.at(i, k, j).order([i, j]).order(k)
  },
  joinedAxes: (a) => {
    const [ik] = dims(1)
    return index(a!, [0, 2], ik).order(ik)
  },
  indexSplits: (a) => {
    const [i, k, o, l] = dims(4)
    o.length = 2
    return a!.at(i, k).index(k, [o, l]).order(i, o, l)
  },
  stack: (a, b) => {
    const [i, j, d] = dims(3)
    return stack([a!.at(i, j), b!.at(j, i)], d).order(d, j, i)
  },
  cat: (a, b) => {
    const [i, j, d] = dims(3)
    return cat([a!.at(i, j), b!.at(j, i)], j, d).order(d, i)
  },
  split: (a) => {
    const [s, c, x, y, z] = dims(5)
    x.length = 3
    z.length = 1
    return a!
      .at(s, c)
      .split([x, y, z], c)
      .map((p, k) => p.order(s, [x, y, z][k]!))
  },
  indexPlacement: (a) => {
    const [i, j] = dims({ sizes: [2, 4] })
    return a!.at(slice(), i.add(0), slice(), j.add(0)).order(i, j)
  },
  dimlist: (a) => {
    const [i] = dims(1)
    const [rest] = dimlists('rest')
    return a!.at(i, rest).order(...rest, i)
  },
  functions: (a, b, c) => {
    const [i, j] = dims(2)
    const left = matrixProduct(a!.at(i), c!)
    const right = matrixProduct(b!.at(j), c!)
    return order(matrixProduct(left.t(), right), i, j)
  },
  statistics: (a) => {
    const [i, j] = dims(2)
    const x = a!.at(i, j)
    return [
      x.std(i, true).order(j),
      x.var(j).order(i),
      x.prod(i).order(j),
      x.logsumexp([i, j]),
      x.amax(j).order(i),
      x.cumsum(j).order(i, j),
      x.sort(i)[0].order(i, j),
      x.softmax(i).order(i, j),
      x.median(j)[0].order(i),
      x.mean([j, i]),
    ]
  },
  updates: (given, values) => {
    const [i, f] = dims(2)
    const table = given!.clone()
    const at = tensor([3, 1], { dtype: 'int32' }).at(i)
    return table.set(at, f, table.at(at, f).add(values!.at(i, f)))
  },
}

/** The places where two nested arrays differ. */
function differences(x: unknown, y: unknown, at = ''): string[] {
  if (Array.isArray(y))
    return Array.isArray(x) && x.length === y.length ? y.flatMap((v, i) => differences(x[i], v, `${at}[${i}]`)) : [`${at}: length`]
  return Math.abs((x as number) - (y as number)) <= 1e-12 * Math.max(1, Math.abs(y as number))
    ? []
    : [`${at}: ${x as number}, not ${y as number}`]
}

describe('what functorch.dim gives', () => {
  test.each(Object.entries(cases))('%s', (name, { inputs, out, grad }) => {
    const f = programs[name]!
    const xs = inputs.map((x) => tensor(x, { dtype: 'float64' }))
    const y = f(...xs)
    expect(differences(Array.isArray(y) ? (y as Tensor[]).map((t) => t.tolist()) : (y as Tensor).tolist(), out)).toEqual([])
    if (!grad) return
    const [z, pull] = vjp(f as (...xs: Tensor[]) => Tensor, xs)
    const gradients = pull(z.detach().cos()).map((g) => g.tolist())
    expect(differences(gradients, grad)).toEqual([])
  })
  test('every program is compared', () => {
    expect(Object.keys(programs).sort()).toEqual(Object.keys(cases).sort())
  })
})
