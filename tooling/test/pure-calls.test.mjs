import { rollup } from 'rollup'
import { expect, test } from 'vitest'
import { pureCalls } from '../rollup/pure-calls.mjs'

async function annotate(code) {
  const bundle = await rollup({
    input: 'entry',
    treeshake: false,
    external: ['b'],
    plugins: [{ name: 'text', resolveId: (id) => id, load: () => code }, pureCalls()],
  })
  const { output } = await bundle.generate({ format: 'es' })
  return output[0].code.replaceAll('@__PURE__', 'P')
}

test.each([
  ['const x = f(g(1), new Map())', 'const x = /* P */ f(/* P */ g(1), /* P */ new Map());'],
  ['export const o = { a: [f()] }', 'const o = { a: [/* P */ f()] };'],
  ['let a, b = f()', 'b = /* P */ f();'],
  ['export default f(1)', '/* P */ f(1)'],
  ['class C { static x = f(); y = g(); static z() { return h() } }', 'static x = /* P */ f(); y = g(); static z() { return h() }'],
])('marks calls whose result is kept: %s', async (code, expected) => {
  expect(await annotate(code)).toContain(expected)
})

test.each([
  ['const x = f(e.sin, (y) => y.z)', 'const x = /* P */ (() => (f(e.sin, (y) => y.z)))();'],
  ['const x = 1 / f(2)', 'const x = /* P */ (() => (1 / f(2)))();'],
  ['const x = { a: -(2n ** 63n) }', 'const x = /* P */ (() => ({ a: -(2n ** 63n) }))();'],
  ['const x = [...f()]', 'const x = /* P */ (() => ([...f()]))();'],
  ['const x = { a: Uint8Array }', 'const x = /* P */ (() => ({ a: Uint8Array }))();'],
  ['const x = 2 ** 54', 'const x = /* P */ (() => (2 ** 54))();'],
])('wraps what bundlers take for an effect: %s', async (code, expected) => {
  expect(await annotate(code)).toContain(expected)
})

test.each([
  'const x = -1',
  'const a = 1, x = a ? undefined : "s"',
  'import a from "b"; const x = { a, c: [a] }',
  'class A {} class B extends A {}',
  'const x = () => a.b',
  'const { x } = await f()',
])('leaves alone what needs no mark: %s', async (code) => {
  expect(await annotate(code)).not.toContain('P')
})

test.each(['const f = () => g()', 'function f() { return g() }', 'f()', 'f().then(() => g())', 'for (const x of f()) g(x)'])(
  'leaves alone what runs later, and statements that are wanted for their effect: %s',
  async (code) => {
    expect(await annotate(code)).not.toContain('P')
  },
)
