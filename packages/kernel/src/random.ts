import { type Expr, add, constant, mul, mulhi, xor } from './expr.ts'

// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

const MULTIPLIERS = [0xd2511f53 | 0, 0xcd9e8d57 | 0] as const
const WEYL = [0x9e3779b9 | 0, 0xbb67ae85 | 0] as const
const ROUNDS = 10

const word = (x: number): Expr => constant(x, 'int32')

/** Four random 32-bit words, a function of the counter and the key alone (int32 expressions, taken as unsigned). */
export function philox(counter: readonly [Expr, Expr, Expr, Expr], key: readonly [Expr, Expr]): [Expr, Expr, Expr, Expr] {
  let [a, b, c, d] = counter
  for (let round = 0; round < ROUNDS; round++) {
    const k0 = add(key[0], word(Math.imul(round, WEYL[0])))
    const k1 = add(key[1], word(Math.imul(round, WEYL[1])))
    const [m0, m1] = [word(MULTIPLIERS[0]), word(MULTIPLIERS[1])]
    ;[a, b, c, d] = [xor(xor(mulhi(m1, c), b), k0), mul(m1, c), xor(xor(mulhi(m0, a), d), k1), mul(m0, a)]
  }
  return [a, b, c, d]
}
