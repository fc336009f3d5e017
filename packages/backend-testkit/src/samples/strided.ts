import { asStrided, unfold } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

export const strided = (): readonly OpSample[] => [
  { op: 'asStrided', f: (x) => asStrided(x!.contiguous(), [2, 3], [1, 2], 1), xs: () => [float(3, 4)], sizes: [] },
  {
    // a write through it
    op: 'asStrided',
    f: (x, v) => {
      const y = x!.clone()
      asStrided(y, [2, 3], [1, 4], 1).copy_(v!)
      return y
    },
    xs: () => [float(3, 4), float(2, 3)],
    sizes: [],
  },
  { op: 'unfold', f: (x) => unfold(x!, 1, 3, 2), xs: (n) => [float(n, 7)] },
]
