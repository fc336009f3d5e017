import { flip, fliplr, flipud, narrow, select } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const slices = (): readonly OpSample[] => [
  { op: 'flip', f: (x) => flip(x!, [0, 2]), xs: (n) => [float(n, 2, 3)] },
  { op: 'fliplr', f: (x) => fliplr(x!), xs: (n) => [float(n, 3)] },
  { op: 'flipud', f: (x) => flipud(x!), xs: (n) => [float(n, 3)] },
  { op: 'narrow', f: (x) => narrow(x!, 1, 1, 3), xs: (n) => [float(n, 5)] },
  { op: 'select', f: (x) => select(x!, 1, -2), xs: (n) => [float(n, 5)] },
]
