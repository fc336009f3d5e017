import { type PadMode, constantPadNd, pad } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const pads = (): readonly OpSample[] => [
  { op: 'constantPadNd', f: (x) => constantPadNd(x!, [1, -1, 0, 2], 0.5), xs: (n) => [float(n, 4)] },
  ...(['constant', 'reflect', 'replicate', 'circular'] as PadMode[]).map((mode): OpSample => ({
    op: 'pad',
    note: mode,
    f: (x) => pad(x!, [1, 2], mode),
    xs: (n) => [float(n, 2, 4)],
  })),
]
