import { argsort, kthvalue, median, mode, msort, nanmedian, sort, topk } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const sorts = (): readonly OpSample[] => [
  { op: 'sort', f: (x) => sort(x!), xs: (n) => [float(n, 6)] },
  { op: 'sort', note: 'descending, first', f: (x) => sort(x!, 0, true), xs: (n) => [float(n, 3)] },
  { op: 'argsort', f: (x) => argsort(x!, 1), xs: (n) => [float(n, 6)], differentiable: false },
  { op: 'msort', f: (x) => msort(x!), xs: (n) => [float(n, 3)] },
  { op: 'topk', f: (x) => topk(x!, 3), xs: (n) => [float(n, 6)] },
  { op: 'topk', note: 'smallest', f: (x) => topk(x!, 2, { dim: 1, largest: false }), xs: (n) => [float(n, 4, 2)] },
  { op: 'kthvalue', f: (x) => kthvalue(x!, 2, 1), xs: (n) => [float(n, 5)] },
  { op: 'median', f: (x) => median(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'median', note: 'all', f: (x) => median(x!), xs: (n) => [float(n, 3)], sizes: [1] },
  { op: 'nanmedian', f: (x) => nanmedian(x!, 1), xs: (n) => [float(n, 4)] },
  { op: 'nanmedian', note: 'all', f: (x) => nanmedian(x!), xs: (n) => [float(n, 3)], sizes: [1] },
  { op: 'mode', f: (x) => mode(x!, 1), xs: (n) => [float(n, 4)] },
]
