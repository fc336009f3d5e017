import { gather, takeAlongDim } from '@mapgrad/tensor'
import { type OpSample, fixed, float, index } from './spec.ts'

export const gathers = (): readonly OpSample[] => [
  { op: 'gather', f: (x, i) => gather(x!, 1, i!), xs: (n) => [float(n, 4), index(4, n, 6)] },
  { op: 'gather', note: 'first', f: (x, i) => gather(x!, 0, i!), xs: (n) => [float(5, n), index(5, 2, n)] },
  { op: 'gather', note: 'int64', f: (x, i) => gather(x!, 1, i!), xs: (n) => [float(n, 4), fixed(index(4, n, 2), 'int64')] },
  { op: 'takeAlongDim', f: (x, i) => takeAlongDim(x!, i!, 1), xs: (n) => [float(n, 4), index(4, n, 2)] },
]
