import { rollup } from 'rollup'
import { expect, test } from 'vitest'
import { pureCalls } from '../rollup/pure-calls.mjs'

async function annotate(code) {
  const bundle = await rollup({
    input: 'entry',
    treeshake: false,
    plugins: [{ name: 'text', resolveId: (id) => id, load: () => code }, pureCalls()],
  })
  const { output } = await bundle.generate({ format: 'es' })
  return output[0].code.replaceAll('@__PURE__', 'P')
}

test.each([
  ['const x = f(g(1), new Map())', 'const x = /* P */ f(/* P */ g(1), /* P */ new Map());'],
  ['export const o = { a: [f()] }', 'const o = { a: [/* P */ f()] };'],
  ['let a, b = f()', 'b = /* P */ f();'],
  ['class C { static x = f(); y = g(); static z() { return h() } }', 'static x = /* P */ f(); y = g(); static z() { return h() }'],
])('marks calls whose result is kept: %s', async (code, expected) => {
  expect(await annotate(code)).toContain(expected)
})

test.each(['const f = () => g()', 'function f() { return g() }', 'f()', 'f().then(() => g())', 'for (const x of f()) g(x)'])(
  'leaves alone what runs later, and statements that are wanted for their effect: %s',
  async (code) => {
    expect(await annotate(code)).not.toContain('P')
  },
)
