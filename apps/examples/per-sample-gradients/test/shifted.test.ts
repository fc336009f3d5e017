import { expect, test } from 'vitest'
import { shifted } from '../src/data.ts'

test('pictures move right and down, what comes in is blank', () => {
  const digits = {
    pixels: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    labels: Int32Array.of(0, 1),
    size: 9,
    classes: 2,
  }
  const { pixels } = shifted(digits, [
    [1, 0],
    [-1, -1],
  ])
  expect([...pixels]).toEqual([0, 1, 2, 0, 4, 5, 0, 7, 8, 5, 6, 0, 8, 9, 0, 0, 0, 0])
})
