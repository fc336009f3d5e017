import { amax, amin, aminmax, argmax, argmin, max, min } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const extreme = (): readonly OpSample[] => [
  { op: 'amax', f: (x) => amax(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'amax', note: 'dims', f: (x) => amax(x!, [1, 2], true), xs: (n) => [float(n, 3, 2)] },
  { op: 'amin', f: (x) => amin(x!, -1), xs: (n) => [float(n, 5)] },
  { op: 'aminmax', f: (x) => aminmax(x!, { dim: 1 }), xs: (n) => [float(n, 5)] },
  { op: 'argmax', f: (x) => argmax(x!, 1), xs: (n) => [float(n, 5)], differentiable: false },
  { op: 'argmin', f: (x) => argmin(x!, 1, true), xs: (n) => [float(n, 5)], differentiable: false },
  { op: 'max', f: (x) => max(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'max', note: 'all', f: (x) => max(x!), xs: (n) => [float(n, 5)], sizes: [1] },
  { op: 'max', note: 'two tensors', f: (x, y) => max(x!, y!), xs: (n) => [float(n, 5), float(5)] },
  { op: 'min', f: (x) => min(x!, 1, true), xs: (n) => [float(n, 5)] },
  { op: 'min', note: 'all', f: (x) => min(x!), xs: (n) => [float(n, 5)], sizes: [1] },
]
