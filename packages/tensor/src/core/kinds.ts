import { dtypes } from '@mapgrad/kernel'
import { meantDType } from './dtype-names.ts'
import { TensorTypeError, describe } from './errors.ts'
import { isTensor } from './handle.ts'

interface Kind {
  readonly what: string
  readonly holds: (x: unknown) => boolean
  readonly code: string
}

/* @__NO_SIDE_EFFECTS__ */
const kind = (names: string, what: string, holds: (x: unknown) => boolean, code: string): [string, Kind][] =>
  names.split(' ').map((name) => [name, { what, holds, code }])

/** What parameters are that mean the same wherever they occur, by name. */
const KINDS: Readonly<Record<string, Kind>> = /* @__PURE__ */ Object.fromEntries([
  .../* @__PURE__ */ kind(
    'accumulate allowUnused asTuple copy createGraph descending equalNan expand hasAux includeSelf isGradsBatched keepdim largest logTarget ' +
      'materializeGrads nonBlocking outInt32 recurse replacement requiresGrad retainGraph right scaleGradByFreq sizeAverage sorted sparse ' +
      'sparseGrad stable strict training unbiased validateArgs vectorize wrap',
    'a boolean',
    (x) => typeof x === 'boolean',
    'BOOLEAN',
  ),
  .../* @__PURE__ */ kind(
    'base correction decimals delta labelSmoothing lambd lower maxElements offset outputSize upper',
    'a number',
    (x) => typeof x === 'number',
    'NUMBER',
  ),
  .../* @__PURE__ */ kind('posWeight sorter', 'a Tensor', isTensor, 'OPERAND_TYPE'),
  .../* @__PURE__ */ kind(
    'dtype',
    `a dtype among ${/* @__PURE__ */ Object.keys(dtypes).join(', ')}`,
    (x) => typeof x === 'string' && Object.hasOwn(dtypes, x),
    'DTYPE_NAME',
  ),
])

/** Refuses values of another kind than their parameters' names say; `null` and `undefined` stand for none. */
export function checkKinds(op: string, given: Readonly<Record<string, unknown>>, from: string): void {
  for (const name in given) {
    const x = given[name]
    const kind = KINDS[name]
    if (kind === undefined || x === undefined || x === null || kind.holds(x)) continue
    throw new TensorTypeError(
      `expected ${name === 'dtype' ? '' : `${name} to be `}${kind.what}, got ${describe(x)}${name === 'dtype' ? meantDType(x) : ''}`,
      {
        op,
        code: kind.code,
        package: from,
      },
    )
  }
}
