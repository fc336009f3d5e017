import { type Tensor, tensor } from '@mapgrad/func'

/** The minimal standard generator (Park & Miller 1988) scaled to [−scale, scale): the same numbers as the peers'. */
export function rnd(shape: readonly number[], seed = 1, scale = 1): Tensor {
  const n = shape.reduce((a, b) => a * b, 1)
  const out = new Float32Array(n)
  let s = seed * 7919 + 17
  for (let i = 0; i < n; i++) {
    s = (s * 16807) % 2147483647
    out[i] = ((s / 2147483647) * 2 - 1) * scale
  }
  return tensor(out).reshape([...shape])
}
