import { argwhere, at, maskedSelect, nonzero, nonzeroStatic, repeatInterleave, where } from '@mapgrad/tensor'
import { type OpSample, bool, fixed, float, index } from './spec.ts'

const dynamic = 'the shape of the result depends on the data'

export const nonzeros = (): readonly OpSample[] => [
  { op: 'argwhere', f: (x) => argwhere(x!), xs: (n) => [bool(n, 4)], differentiable: false, unbatched: dynamic },
  { op: 'nonzero', f: (x) => nonzero(x!), xs: (n) => [bool(n, 4)], differentiable: false, unbatched: dynamic },
  { op: 'where', note: 'positions', f: (x) => where(x!), xs: (n) => [bool(n, 4)], differentiable: false, unbatched: dynamic },
  { op: 'maskedSelect', f: (x, m) => maskedSelect(x!, m!), xs: (n) => [float(n, 4), fixed(bool(n, 4), 'bool')], unbatched: dynamic },
  { op: 'nonzeroStatic', f: (x) => nonzeroStatic(x!, { size: 5 }), xs: (n) => [bool(n, 4)], differentiable: false },
  {
    op: 'maskedSelect',
    note: 'size',
    f: (x, m) => maskedSelect(x!, m!, { size: 5, fillValue: -1 }),
    xs: (n) => [float(n, 4), fixed(bool(n, 4), 'bool')],
  },
  { op: 'repeatInterleave', f: (x) => repeatInterleave(x!, 2, 1), xs: (n) => [float(n, 3)] },
  {
    op: 'repeatInterleave',
    note: 'tensor',
    f: (x, r) => repeatInterleave(x!, r!, 0),
    xs: (n) => [float(n, 2), index(3, n)],
    unbatched: dynamic,
  },
  { op: 'at', note: 'mask', f: (x, m) => at(x!, m!), xs: (n) => [float(n, 3), fixed(bool(n, 3), 'bool')], unbatched: dynamic },
]
