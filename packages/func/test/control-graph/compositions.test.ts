import { makeFx } from '@mapgrad/func'
import { describe, expect, test } from 'vitest'
import { type F, distance, random } from '../rules.ts'
import { cases } from './cases.ts'
import { flat, stepsAlong } from './steps.ts'

// Graphs of transforms of functions with branches and loops: traced at one point, they are the plain programs at others.

const x = random(3)
const elsewhere = random(3)
const steps = stepsAlong(random(3))

for (const { name, special, plain } of cases)
  describe(`graphs with ${name} inside`, () => {
    test('the values', () => {
      const g = makeFx(special, { tracingMode: 'fake' })(x)
      for (const at of [x, elsewhere]) expect(distance(g(at), plain(at))).toBeLessThan(1e-14)
    })
    for (const outer of steps) {
      test(`${outer.name}`, () => {
        const g = makeFx(outer.ours(special))(x)
        for (const at of [x, elsewhere])
          expect(distance(g(at), outer.reference(plain)(at))).toBeLessThan(outer.name === 'hessian' ? 1e-5 : 1e-8)
      })
      test(`${outer.name} of the others`, () => {
        for (const inner of steps.filter(({ name }) => name === 'grad' || name === 'jvp' || name === 'vmap')) {
          const both = (f: F): F => outer.ours(flat(inner.ours(f)))
          const g = makeFx(both(special), { tracingMode: 'fake' })(x)
          for (const at of [x, elsewhere]) expect([inner.name, distance(g(at), both(plain)(at)) < 1e-11]).toEqual([inner.name, true])
        }
      })
      test(`${outer.name} of the graph`, () => {
        const g = makeFx(special, { tracingMode: 'fake' })(x)
        for (const at of [x, elsewhere]) expect(distance(outer.ours(g)(at), outer.ours(plain)(at))).toBeLessThan(1e-11)
      })
    }
  })
