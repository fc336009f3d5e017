import { at, ellipsis, indexPut, selectScatter, setAt, slice, sliceScatter } from '@mapgrad/tensor'
import { type OpSample, distinctIndex, float, index } from './spec.ts'

export const indexing = (): readonly OpSample[] => [
  { op: 'at', note: 'slices', f: (x) => at(x!, ellipsis, slice(1, 4, 2), null, 1), xs: (n) => [float(n, 4, 2)] },
  { op: 'at', note: 'tensor', f: (x, i) => at(x!, slice(), i!), xs: (n) => [float(n, 4), index(4, 2, 3)] },
  {
    op: 'at',
    note: 'separated tensors',
    f: (x, i, j) => at(x!, i!, slice(), j!),
    xs: () => [float(3, 2, 4), index(3, 5), index(4, 5)],
    sizes: [],
  },
  { op: 'indexPut', f: (x, i, y) => indexPut(x!, [i!], y!), xs: () => [float(5, 3), distinctIndex(5, 2), float(2, 3)], sizes: [] },
  {
    op: 'indexPut',
    note: 'accumulate',
    f: (x, i, y) => indexPut(x!, [i!], y!, true),
    xs: () => [float(4, 3), index(4, 6), float(6, 1)],
    sizes: [],
  },
  { op: 'setAt', f: (x, y) => setAt(x!, [slice(), slice(1, 3)], y!), xs: (n) => [float(n, 4), float(n, 2)] },
  { op: 'selectScatter', f: (x, y) => selectScatter(x!, y!, 1, 2), xs: (n) => [float(n, 4), float(n)] },
  { op: 'sliceScatter', f: (x, y) => sliceScatter(x!, y!, 1, 1, 4, 2), xs: (n) => [float(n, 5), float(n, 2)] },
]
