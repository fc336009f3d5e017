import { binaryCrossEntropy, binaryCrossEntropyWithLogits, huberLoss, klDiv, l1Loss, mseLoss, smoothL1Loss } from '@mapgrad/tensor'
import { type OpSample, type Spec, float, positive } from './spec.ts'

const probability = (...shape: number[]): Spec => ({ ...positive(...shape), low: 0.1, high: 0.9 })
const xy = (n: number): Spec[] => [float(n, 4), float(n, 4)]

export const losses = (): readonly OpSample[] => [
  { op: 'binaryCrossEntropy', f: (x, y) => binaryCrossEntropy(x!, y!), xs: (n) => [probability(n, 4), probability(n, 4)] },
  {
    op: 'binaryCrossEntropyWithLogits',
    f: (x, y) => binaryCrossEntropyWithLogits(x!, y!, { reduction: 'none' }),
    xs: (n) => [float(n, 4), probability(n, 4)],
  },
  { op: 'huberLoss', f: (x, y) => huberLoss(x!, y!, { reduction: 'sum' }), xs: xy },
  { op: 'klDiv', f: (x, y) => klDiv(x!, y!, { reduction: 'batchmean' }), xs: (n) => [float(n, 4), probability(n, 4)] },
  { op: 'l1Loss', f: (x, y) => l1Loss(x!, y!), xs: xy },
  { op: 'mseLoss', f: (x, y) => mseLoss(x!, y!), xs: xy },
  { op: 'smoothL1Loss', f: (x, y) => smoothL1Loss(x!, y!, { beta: 0.5 }), xs: xy },
]
