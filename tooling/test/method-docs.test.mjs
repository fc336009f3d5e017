import { expect, test } from 'vitest'
import { documented, factsOf, parametersOf } from '../method-docs.mjs'

const ops = `/** Options of sum. */
export interface SumOptions extends ReduceOptions {
    readonly dtype?: string;
}
interface ReduceOptions {
    readonly dim?: number;
    readonly keepdim?: boolean;
}
export type SumArgs = Args<[dim?: number, keepdim?: boolean], SumOptions>;
/** The sum over axes. */
export declare function sum(x: Tensor, ...args: SumArgs): Tensor;
/**
 * All windows of an axis.
 * @throws TensorRangeError where one does not fit
 */
export declare function unfold(x: Tensor, ...args: Args<[dim: number, size: number], UnfoldOptions>): Tensor;
/** e to the x. */
export declare const exp: Unary;
`
const methods = `export declare abstract class Methods {
    sum(this: Tensor, ...args: reduce.SumArgs): Tensor;
    unfold(this: Tensor, ...args: Rest<typeof strided.unfold>): Tensor;
    exp_(this: Tensor, ...end: End): Tensor;
    /** Has its own. */
    exp(this: Tensor, ...end: End): Tensor;
    unknown(this: Tensor): Tensor;
}
`
const facts = factsOf([ops, methods])

test('parameters behind a type, those by name alone in braces', () => {
  expect(parametersOf('SumArgs', facts)).toBe('dim?, keepdim?, { dtype? }')
  expect(parametersOf('Args<[dim: number, size: number], Nothing>', facts)).toBe('dim, size')
  expect(parametersOf('Rest<typeof strided.unfold>', facts)).toBe('dim, size')
  expect(parametersOf('[x: Tensor] | []', facts)).toBeUndefined()
})

test('methods say what their functions say, in place and with a comment of their own too', () => {
  expect(documented(methods, facts).split('\n')).toEqual([
    'export declare abstract class Methods {',
    '    /** The sum over axes. Parameters: `dim?, keepdim?, { dtype? }`. */ sum(this: Tensor, ...args: reduce.SumArgs): Tensor;',
    '    /** All windows of an axis. Parameters: `dim, size`. Throws TensorRangeError where one does not fit */ unfold(this: Tensor, ...args: Rest<typeof strided.unfold>): Tensor;',
    '    /** In place: e to the x. */ exp_(this: Tensor, ...end: End): Tensor;',
    '    /** Has its own. */',
    '    exp(this: Tensor, ...end: End): Tensor;',
    '    unknown(this: Tensor): Tensor;',
    '}',
    '',
  ])
})

test('functions name the parameters that their types hide, before what they throw; no line moves', () => {
  const after = documented(ops, facts)
  expect(after).toContain('/** The sum over axes. Parameters: `dim?, keepdim?, { dtype? }`. */\nexport declare function sum(')
  expect(after).toContain(' * All windows of an axis. Parameters: `dim, size`.\n * @throws TensorRangeError where one does not fit\n */')
  expect(after.split('\n')).toHaveLength(ops.split('\n').length)
})
