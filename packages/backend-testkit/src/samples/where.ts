import { where } from '@mapgrad/tensor'
import { type OpSample, bool, fixed, float } from './spec.ts'

export const selection = (): readonly OpSample[] => [
  { op: 'where', f: (c, x, y) => where(c!, x!, y!), xs: (n) => [fixed(bool(n, 4), 'bool'), float(n, 4), float(n, 4)] },
  { op: 'where', note: 'broadcast', f: (c, x, y) => where(c!, x!, y!), xs: (n) => [fixed(bool(4), 'bool'), float(n, 1), float()] },
]
