import { logSoftmax, logsumexp, softmax, softmin } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const softmaxes = (): readonly OpSample[] => [
  { op: 'softmax', f: (x) => softmax(x!, -1), xs: (n) => [float(n, 5)] },
  { op: 'softmax', note: 'middle', f: (x) => softmax(x!, 1), xs: (n) => [float(n, 4, 2)] },
  { op: 'logSoftmax', f: (x) => logSoftmax(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'softmin', f: (x) => softmin(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'logsumexp', f: (x) => logsumexp(x!, 1), xs: (n) => [float(n, 5)] },
  { op: 'logsumexp', note: 'dims', f: (x) => logsumexp(x!, [0, 2], true), xs: (n) => [float(n, 2, 3)], sizes: [1] },
]
