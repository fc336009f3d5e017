import type { DType } from '@mapgrad/kernel'

/** Values at which operations are likely to be wrong. */
export function special(dtype: DType): (number | bigint)[] {
  switch (dtype) {
    case 'bool':
      return [0, 1]
    case 'uint8':
      return [0, 1, 2, 3, 5, 31, 127, 128, 200, 254, 255]
    case 'int8':
      return [0, 1, -1, 2, -3, 7, 31, 100, 127, -127, -128]
    case 'int16':
      return [0, 1, -1, 2, -3, 31, 1000, 32767, -32767, -32768]
    case 'int32':
      return [0, 1, -1, 2, -3, 31, 33, 65536, 123456789, 2147483647, -2147483647, -2147483648]
    case 'int64':
      return [0n, 1n, -1n, 2n, -3n, 31n, 65n, 4294967296n, 9007199254740993n, 2n ** 63n - 1n, -(2n ** 63n) + 1n, -(2n ** 63n)]
    default:
      return [
        0,
        -0,
        1,
        -1,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        3.7,
        -3.2,
        1e-3,
        1e-30,
        1e-40,
        100.25,
        65504,
        65519,
        65520,
        70000,
        -2147483648,
        2147483647,
        2147483648,
        4e9,
        -5e18,
        1e19,
        1e30,
        3e38,
        NaN,
        Infinity,
        -Infinity,
      ]
  }
}
