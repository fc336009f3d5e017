import { expect, test } from 'vitest'
import { FlowNetwork } from '../../src/aot/max-flow.ts'

const build = (pipes: readonly (readonly [number, number, number])[], places: number): FlowNetwork => {
  const net = new FlowNetwork()
  for (let i = 0; i < places; i++) net.place()
  for (const [a, b, room] of pipes) net.pipe(a, b, room)
  return net
}
/** The room of the cheapest set of places around the source, by trying all. */
function cheapest(pipes: readonly (readonly [number, number, number])[], places: number): number {
  let best = Infinity
  for (let set = 0; set < 1 << places; set++) {
    if (!(set & 1) || set & (1 << (places - 1))) continue
    best = Math.min(
      best,
      pipes.reduce((sum, [a, b, room]) => (set & (1 << a) && !(set & (1 << b)) ? sum + room : sum), 0),
    )
  }
  return best
}

test('the cut is as narrow as the narrowest of all', () => {
  let state = 3
  const next = (n: number): number => (state = (state * 16807) % 2147483647) % n
  for (let k = 0; k < 200; k++) {
    const places = 2 + next(6)
    const pipes = Array.from({ length: next(16) }, () => [next(places), next(places), next(8)] as const)
    const reached = build(pipes, places).cut(0, places - 1)
    expect(reached[0]).toBe(true)
    expect(reached[places - 1]).toBe(false)
    expect(pipes.reduce((sum, [a, b, room]) => (reached[a] && !reached[b] ? sum + room : sum), 0)).toBe(cheapest(pipes, places))
  }
})

test('of equal cuts it is the one nearest to the source', () => {
  expect(
    build(
      [
        [0, 1, 5],
        [1, 2, 5],
        [2, 3, 5],
      ],
      4,
    ).cut(0, 3),
  ).toEqual([true, false, false, false])
})

test('long chains, and a way without a bound', () => {
  const n = 20000
  const net = build(
    Array.from({ length: n - 1 }, (_, i) => [i, i + 1, i === n / 2 ? 1 : Infinity] as const),
    n,
  )
  expect(net.cut(0, n - 1).filter(Boolean).length).toBe(n / 2 + 1)
  expect(() => build([[0, 1, Infinity]], 2).cut(0, 1)).toThrow('expected a way with a bound')
})
