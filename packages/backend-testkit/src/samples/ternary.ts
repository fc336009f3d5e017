import { addcdiv, addcmul, clamp, clampMax, clampMin, lerp } from '@mapgrad/tensor'
import { type OpSample, float, positive } from './spec.ts'

export const ternary = (): readonly OpSample[] => [
  { op: 'addcdiv', f: (x, y, z) => addcdiv(x!, y!, z!, { value: 0.5 }), xs: (n) => [float(n, 3), float(n, 3), positive(3)] },
  { op: 'addcmul', f: (x, y, z) => addcmul(x!, y!, z!, { value: 2 }), xs: (n) => [float(n, 3), float(n, 1), float(3)] },
  { op: 'clamp', f: (x) => clamp(x!, -0.7, 1.1), xs: (n) => [float(n, 5)] },
  {
    op: 'clamp',
    note: 'tensors',
    f: (x, a, b) => clamp(x!, a!, b!),
    xs: (n) => [float(n, 5), { ...float(5), high: 0 }, { ...float(n, 1), low: 0.1 }],
  },
  { op: 'clampMax', f: (x, a) => clampMax(x!, a!), xs: (n) => [float(n, 5), float(5)] },
  { op: 'clampMin', f: (x, a) => clampMin(x!, a!), xs: (n) => [float(n, 5), float(5)] },
  { op: 'lerp', f: (x, y) => lerp(x!, y!, 0.3), xs: (n) => [float(n, 3), float(n, 3)] },
  { op: 'lerp', note: 'tensor weight', f: (x, y, w) => lerp(x!, y!, w!), xs: (n) => [float(n, 3), float(3), float(n, 1)] },
]
