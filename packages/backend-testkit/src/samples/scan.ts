import { cummax, cummin, cumprod, cumsum, logcumsumexp } from '@mapgrad/tensor'
import { recurrence } from '@mapgrad/tensor/ops'
import { type OpSample, float } from './spec.ts'

export const scans = (): readonly OpSample[] => [
  { op: 'cumsum', f: (x) => cumsum(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'cumsum', note: 'first', f: (x) => cumsum(x!, 0), xs: (n) => [float(n, 3)] },
  { op: 'cumprod', f: (x) => cumprod(x!, 1), xs: (n) => [float(n, 5)] },
  {
    op: 'cumprod',
    note: 'the recurrence of its derivative',
    f: (a, b) => recurrence(a!, b!, false),
    xs: (n) => [float(n, 5), float(n, 5)],
  },
  {
    op: 'cumprod',
    note: 'the recurrence from the end, rows of one',
    f: (a, b) => recurrence(a!, b!, true),
    xs: (n) => [float(5), float(n, 5)],
  },
  { op: 'cummax', f: (x) => cummax(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'cummin', f: (x) => cummin(x!, 0), xs: (n) => [float(n, 5)] },
  { op: 'logcumsumexp', f: (x) => logcumsumexp(x!, 1), xs: (n) => [float(n, 5)] },
]
