import { all, any, countNonzero, mean, nanmean, nansum, prod, sum } from '@mapgrad/tensor'
import { type OpSample, bool, float } from './spec.ts'

export const reduce = (): readonly OpSample[] => [
  { op: 'sum', f: (x) => sum(x!), xs: (n) => [float(n, 4)] },
  { op: 'sum', note: 'dims', f: (x) => sum(x!, [0, -1], true), xs: (n) => [float(n, 4, 2)] },
  { op: 'sum', note: 'last', f: (x) => sum(x!, -1), xs: (n) => [float(n, 17)] },
  { op: 'sum', note: 'first', f: (x) => sum(x!, 0), xs: (n) => [float(n, 5)] },
  { op: 'sum', note: 'bools', f: (x) => sum(x!, -1), xs: (n) => [bool(n, 5)] },
  { op: 'nansum', f: (x) => nansum(x!, 1), xs: (n) => [float(n, 4)] },
  { op: 'mean', f: (x) => mean(x!, 1), xs: (n) => [float(n, 4)] },
  { op: 'nanmean', f: (x) => nanmean(x!, -1, true), xs: (n) => [float(n, 4)] },
  { op: 'prod', f: (x) => prod(x!, 1), xs: (n) => [float(n, 4)] },
  { op: 'prod', note: 'all', f: (x) => prod(x!), xs: (n) => [float(n, 2)] },
  { op: 'any', f: (x) => any(x!, 1), xs: (n) => [bool(n, 3)], differentiable: false },
  { op: 'all', f: (x) => all(x!, 1), xs: (n) => [bool(n, 3)], differentiable: false },
  { op: 'countNonzero', f: (x) => countNonzero(x!, 1), xs: (n) => [float(n, 3)], differentiable: false },
]
