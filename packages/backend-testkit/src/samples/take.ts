import { embedding, indexAdd, indexCopy, indexFill, indexReduce, indexSelect, maskedFill, oneHot, put, take } from '@mapgrad/tensor'
import { type OpSample, bool, distinctIndex, fixed, float, index } from './spec.ts'

export const takes = (): readonly OpSample[] => [
  { op: 'embedding', f: (i, w) => embedding(i!, w!), xs: (n) => [index(4, n, 2), float(4, 3)] },
  { op: 'indexAdd', f: (x, i, y) => indexAdd(x!, 1, i!, y!, { alpha: 2 }), xs: (n) => [float(n, 4), index(4, 5), float(n, 5)] },
  { op: 'indexCopy', f: (x, i, y) => indexCopy(x!, 1, i!, y!), xs: (n) => [float(n, 4), distinctIndex(4, 3), float(n, 3)] },
  { op: 'indexFill', f: (x, i) => indexFill(x!, 1, i!, 0.5), xs: (n) => [float(n, 4), index(4, 2)] },
  ...(['prod', 'mean', 'amax', 'amin'] as const).map((reduce): OpSample => ({
    op: 'indexReduce',
    note: reduce,
    f: (x, i, y) => indexReduce(x!, 1, i!, y!, reduce),
    xs: (n) => [float(n, 3), index(3, 4), float(n, 4)],
  })),
  { op: 'indexSelect', f: (x, i) => indexSelect(x!, 1, i!), xs: (n) => [float(n, 4), index(4, 6)] },
  { op: 'maskedFill', f: (x, m) => maskedFill(x!, m!, -1), xs: (n) => [float(n, 4), fixed(bool(4), 'bool')] },
  { op: 'oneHot', f: (i) => oneHot(i!, 5), xs: (n) => [index(5, n, 2)], differentiable: false },
  { op: 'put', f: (x, i, y) => put(x!, i!, y!), xs: (n) => [float(n, 4), distinctIndex(4 * Math.max(n, 1), 3), float(3)], sizes: [1] },
  { op: 'take', f: (x, i) => take(x!, i!), xs: (n) => [float(n, 4), index(4 * Math.max(n, 1), 5)], sizes: [1] },
]
