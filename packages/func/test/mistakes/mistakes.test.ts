// The mistakes that people make with a library of tensors and transforms, 71 of them: each gives the right value, or an
// error whose text says what was expected, what came, and what to do.
import { type Tensor, cond, isMapgradError, isTensor, tensor, tree } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { inCalls } from './in-calls.ts'
import { inData } from './in-data.ts'
import { traced } from './mistake.ts'

const mistakes = [...inCalls, ...inData]
const plain = (x: unknown): unknown => tree.map((leaf: unknown) => (isTensor(leaf) ? leaf.tolist() : leaf), x)

describe('mistakes', () => {
  test.each(mistakes.map(([what, mistake], i) => [i + 1, what, mistake] as const))(
    '%i. %s',
    (_, what, { does, gives, code, says = [] }) => {
      let error: unknown
      let value: unknown
      try {
        value = does()
      } catch (e) {
        error = e
      }
      if (code === undefined) {
        expect(error).toBeUndefined()
        expect(plain(value)).toEqual(gives)
        return
      }
      if (!isMapgradError(error)) throw new Error(`${what}: nothing was raised by name`, { cause: error })
      expect(error.code).toBe(code)
      expect(error.message).toMatch(/^\[\w+\] \w+: /)
      for (const part of says) expect(error.message).toContain(part)
      // no text ends without a remedy because somebody forgot it: what is left of it are PyTorch's sentences
      expect(says.length).toBeGreaterThan(0)
    },
  )
  test('there are 71', () => {
    expect(mistakes.length).toBe(71)
  })
  test('what to write instead of a branch on a tensor', () => {
    const absolute = (x: Tensor): Tensor =>
      cond(
        x.sum().gt(0),
        (x: Tensor) => x.clone(),
        (x: Tensor) => x.neg(),
        [x],
      )
    expect((traced(absolute, [tensor([-1, -2])]) as Tensor).tolist()).toEqual([1, 2])
    expect((traced(absolute, [tensor([-1, -2])], [tensor([3, 2])]) as Tensor).tolist()).toEqual([3, 2])
  })
})
