import { cpu, reference } from '@mapgrad/backend-cpu'
import { type Tensor, digamma, erfinv, isMapgradError, lgamma, mvlgamma, polygamma, setDefaultDevice, tensor } from '@mapgrad/tensor'
import { afterEach, expect, test } from 'vitest'
import { checkDerivatives, numbers } from '../checks.ts'

afterEach(() => setDefaultDevice(cpu))

const at = Float64Array.of(0, -0, -1, -2.5, 1, 2, 0.5, 1e-5, 30, Infinity, NaN)

// PyTorch 2.13; mpmath where that loses digits: ψ₁ at −1 and −2.5, ψ₂ at ∞
// oxfmt-ignore
const expected: readonly (readonly [name: string, f: (x: Tensor) => Tensor, values: readonly number[]])[] = [
  ['lgamma', lgamma, [Infinity, Infinity, Infinity, -0.05624371649767405, 0, 0, 0.5723649429247001, 11.512919692895826, 71.25703896716801, Infinity, NaN]],
  ['digamma', digamma, [-Infinity, Infinity, NaN, 1.1031566406452433, -0.5772156649015328, 0.422784335098467, -1.9635100260214229, -100000.57719921567, 3.384438132685525, Infinity, NaN]],
  ['trigamma', (x) => polygamma(1, x), [Infinity, Infinity, Infinity, 9.539246644989124, 1.6449340668482264, 0.6449340668482264, 4.934802200544679, 10000000001.644907, 0.03389506035774027, 0, NaN]],
  ['polygamma 2', (x) => polygamma(2, x), [-Infinity, -Infinity, -Infinity, -0.1082040516417274, -2.404113806319188, -0.4041138063191886, -16.828796644234316, -2000000000000001.8, -0.0011487652037285997, 0, NaN]],
]
for (const [name, f, values] of expected)
  for (const device of [cpu, reference])
    test(`${name} on ${device.name}, poles and ends included`, () => {
      setDefaultDevice(device)
      numbers(f(tensor(at))).forEach((y, i) => {
        const want = values[i]!
        if (Number.isFinite(want)) expect(Math.abs(y - want), `${at[i]}`).toBeLessThan(4e-15 * Math.max(1, Math.abs(want)))
        else expect(y, `${at[i]}`).toBe(want)
      })
      const single = numbers(f(tensor(Float32Array.from(at))))
      single.forEach((y, i) => Number.isFinite(values[i]) && expect(y / (values[i] || 1)).toBeCloseTo(values[i] ? 1 : 0, 3))
    })

test('lgamma keeps its digits beside its zeros 1 and 2', () => {
  // mpmath: lgamma(1 + 10⁻⁹), lgamma(2 − 10⁻⁹) of the float64 numbers
  const near = numbers(lgamma(tensor(Float64Array.of(1 + 2 ** -30, 2 - 2 ** -30))))
  expect(near[0]! / -5.375739784311044e-10).toBeCloseTo(1, 14)
  expect(near[1]! / -3.937485951913021e-10).toBeCloseTo(1, 14)
})

test('erfinv inverts erf out to the last number below 1', () => {
  const y = tensor(Float64Array.of(0, -0, 1, -1, 1.5, NaN, 0.3, -0.95, 1 - 1e-12))
  expect(numbers(erfinv(y)).map((v) => (Number.isFinite(v) ? Number(v.toPrecision(14)) : v))).toEqual(
    [0, -0, Infinity, -Infinity, NaN, NaN, 0.27246271472675, -1.3859038243497, 5.042031898572694].map((v) =>
      Number.isFinite(v) ? Number(v.toPrecision(14)) : v,
    ),
  )
})

test('derivatives to the second order by differences', () => {
  const x = tensor(Float64Array.of(0.7, 1.3, 4.2, -1.6, 9.5))
  for (const f of [lgamma, digamma, (z: Tensor) => polygamma(1, z)]) checkDerivatives(f, [x])
  checkDerivatives(erfinv, [tensor(Float64Array.of(-0.8, 0.1, 0.6))])
  checkDerivatives((z) => mvlgamma(z, 3), [tensor(Float64Array.of(2, 3.7))])
})

test('mvlgamma, methods and in place', () => {
  const x = tensor(Float64Array.of(2, 3.7))
  expect(numbers(x.mvlgamma(3)).map((v) => v.toFixed(12))).toEqual(['1.596312591139', '4.465392536250'])
  expect(x.polygamma(1).sub(polygamma(1, x)).abs().max().item()).toBe(0)
  const y = x.clone()
  expect(y.lgamma_()).toBe(y)
  expect(numbers(y)).toEqual(numbers(lgamma(x)))
  expect(lgamma(tensor([3, 4], { dtype: 'int32' })).dtype).toBe('float32')
})

test('arguments that make no sense are named', () => {
  const x = tensor([1, 2])
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => polygamma(-1, x), /polygamma\(n, x\) does not support negative n/],
    [() => polygamma(0.5, x), /whole number as order/],
    [() => polygamma(x as unknown as number, 1 as unknown as Tensor), /order before the tensor/],
    [() => mvlgamma(x, 0), /p has to be greater than or equal to 1/],
  ]
  for (const [f, text] of refused) {
    expect(f).toThrow(text)
    try {
      f()
    } catch (e) {
      expect(isMapgradError(e)).toBe(true)
    }
  }
})
