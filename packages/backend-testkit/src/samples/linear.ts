import { addbmm, addmm, addmv, addr, baddbmm, bilinear, chainMatmul, cross, einsum, kron, linalg, linear, tensordot } from '@mapgrad/tensor'
import { type OpSample, float } from './spec.ts'

const noExtremes = 'sums of products overflow on the way, or not, by their order'

const list = (): OpSample[] => [
  { op: 'addmm', f: (b, x, y) => addmm(b!, x!, y!, { alpha: 2, beta: 0.5 }), xs: (n) => [float(3), float(n, 4), float(4, 3)] },
  { op: 'addmv', f: (b, x, y) => addmv(b!, x!, y!), xs: (n) => [float(n), float(n, 4), float(4)] },
  { op: 'addr', f: (b, x, y) => addr(b!, x!, y!), xs: (n) => [float(n, 2), float(n), float(2)] },
  { op: 'addbmm', f: (b, x, y) => addbmm(b!, x!, y!), xs: (n) => [float(2, 3), float(n, 2, 4), float(n, 4, 3)] },
  { op: 'baddbmm', f: (b, x, y) => baddbmm(b!, x!, y!), xs: (n) => [float(n, 2, 3), float(n, 2, 4), float(n, 4, 3)] },
  { op: 'bilinear', f: (x, y, w, b) => bilinear(x!, y!, w!, b!), xs: (n) => [float(n, 2), float(n, 3), float(4, 2, 3), float(4)] },
  { op: 'chainMatmul', f: (x, y, z) => chainMatmul(x!, y!, z!), xs: (n) => [float(n, 2), float(2, 4), float(4, 3)] },
  { op: 'cross', f: (x, y) => cross(x!, y!, { dim: 1 }), xs: (n) => [float(n, 3), float(n, 3)] },
  { op: 'einsum', f: (x, y) => einsum('bij,bkj->ikb', x!, y!), xs: (n) => [float(n, 2, 4), float(n, 3, 4)] },
  { op: 'einsum', note: 'diagonal', f: (x) => einsum('...ii->...i', x!), xs: (n) => [float(n, 3, 3)] },
  { op: 'kron', f: (x, y) => kron(x!, y!), xs: (n) => [float(n, 2), float(2, 3)] },
  { op: 'linalg.multiDot', f: (x, y, z) => linalg.multiDot([x!, y!, z!]), xs: (n) => [float(n, 2), float(2, 4), float(4, 3)] },
  { op: 'linalg.vecdot', f: (x, y) => linalg.vecdot(x!, y!), xs: (n) => [float(n, 4), float(4)] },
  { op: 'linear', f: (x, w, b) => linear(x!, w!, b!), xs: (n) => [float(n, 4), float(3, 4), float(3)] },
  {
    op: 'tensordot',
    f: (x, y) =>
      tensordot(x!, y!, [
        [1, 2],
        [1, 0],
      ]),
    xs: (n) => [float(n, 4, 3), float(3, 4, 2)],
  },
]

export const linears = (): readonly OpSample[] => list().map((s) => ({ ...s, noExtremes }))
