import { scatter, scatterAdd, scatterReduce } from '@mapgrad/tensor'
import { type OpSample, distinctIndex, float, index } from './spec.ts'

export const scatters = (): readonly OpSample[] => [
  { op: 'scatter', f: (x, i, y) => scatter(x!, 1, i!, y!), xs: (n) => [float(n, 5), distinctIndex(5, n, 3), float(n, 3)] },
  { op: 'scatter', note: 'number', f: (x, i) => scatter(x!, 1, i!, 0.5), xs: (n) => [float(n, 5), index(5, n, 3)] },
  { op: 'scatterAdd', f: (x, i, y) => scatterAdd(x!, 1, i!, y!), xs: (n) => [float(n, 4), index(4, n, 6), float(n, 6)] },
  ...(['sum', 'prod', 'mean', 'amax', 'amin'] as const).map((reduce): OpSample => ({
    op: 'scatterReduce',
    note: reduce,
    f: (x, i, y) => scatterReduce(x!, 1, i!, y!, reduce),
    xs: (n) => [float(n, 3), index(3, n, 5), float(n, 5)],
  })),
]
