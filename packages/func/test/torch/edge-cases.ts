// The table of edge cases; edge-cases.test.ts runs it.
import {
  type Tensor,
  checkpoint,
  grad,
  gradAndValue,
  hessian,
  isTensor,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  mul,
  noGrad,
  onesLike,
  square,
  stopGradient,
  sum,
  tensor,
  tree,
  vjp,
  vmap,
  zeros,
} from '@mapgrad/func'
import { f64 } from '../rules.ts'

export type F = (x: Tensor) => Tensor
type Any = (x: never) => unknown
const total =
  (f: F): F =>
  (x) => {
    const y: unknown = f(x)
    return (isTensor(y) ? sum(y) : y) as Tensor
  }
const onesOf = (x: unknown): never => tree.map((leaf: unknown) => (isTensor(leaf) ? onesLike(leaf) : leaf), x) as never

/** Each transform along ones, of the sum of the results where it wants a scalar. */
export const transforms = {
  grad: (f: F, x: Tensor): unknown => grad(total(f))(x),
  gradAndValue: (f: F, x: Tensor): unknown => gradAndValue(total(f))(x)[0],
  vjp: (f: F, x: Tensor): unknown => {
    const [y, pull] = vjp(f, [x])
    return pull(onesOf(y))[0]
  },
  jvp: (f: F, x: Tensor): unknown => jvp(f, [x], [onesOf(x)])[1],
  linearize: (f: F, x: Tensor): unknown => linearize(f, [x])[1](onesOf(x)),
  jacrev: (f: F, x: Tensor): unknown => jacrev(f)(x),
  jacfwd: (f: F, x: Tensor): unknown => jacfwd(f)(x),
  hessian: (f: F, x: Tensor): unknown => hessian(total(f))(x),
  vmap: (f: F, x: Tensor): unknown => vmap(f)(x),
}
export type Name = keyof typeof transforms
export const names = Object.keys(transforms) as Name[]

/** What a transform gives: numbers, or what its error says. */
type Outcome = number | null | readonly unknown[] | { readonly says: string }
const says = (text: string): Outcome => ({ says: text })
interface Row {
  readonly name: string
  readonly f: Any
  readonly x: () => unknown
  /** by transform; `others` for those not named */
  readonly gives: { readonly [K in Name]?: Outcome } & { readonly others?: Outcome }
  /** what the argument holds afterwards, where the transform succeeded */
  readonly leaves?: unknown
}

export const x3 = (): Tensor => f64([0.5, -2, 3])
const o3 = [0, 0, 0]
const o33 = [o3, o3, o3]
const i33 = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]
const PRIMAL = 'only Tensors of floating point dtype can require gradients'
const FORWARD = 'Expected primal to be floating point or complex, but got: int32'
const THING = 'Thing passed to transform API must be Tensor, got number'
const OUTPUTS = 'All outputs of f must be floating-point or complex Tensors, got Tensor with dtype int32'
const LEAF = 'a leaf Variable that requires grad is being used in an in-place operation.'
export const CAPTURED =
  'During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation (add_) that would mutate a captured Tensor. This is not supported; please rewrite the function being transformed to explicitly accept the mutated Tensor(s) as inputs.'
const NOTHING = 'Expected f to be a function that has non-empty output'
const ONLY = 'expected f(*primals) to return only tensors, got unsupported type number'
const scalarOnly = (got: string): Outcome => says(`grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got ${got}`)
const reverse = (text: string): Outcome => says(`vjp(f, *primals): ${text}`)
const forward = (text: string): Outcome => says(`jvp(f, primals, tangents): ${text}`)

export const rows: readonly Row[] = [
  {
    name: 'an output that does not depend on the input',
    f: () => f64([7, 8]),
    x: x3,
    gives: {
      grad: o3,
      gradAndValue: o3,
      vjp: o3,
      jvp: [0, 0],
      linearize: [0, 0],
      jacrev: [o3, o3],
      jacfwd: [o3, o3],
      hessian: o33,
      vmap: [
        [7, 8],
        [7, 8],
        [7, 8],
      ],
    },
  },
  {
    name: 'an output that depends on the input by what is cut off',
    f: (x: Tensor) => mul(stopGradient(x), 2),
    x: x3,
    gives: { jacrev: o33, jacfwd: o33, hessian: o33, vmap: [1, -4, 6], others: o3 },
  },
  {
    name: 'one path cut off, another not',
    f: (x: Tensor) => mul(x.detach(), x),
    x: () => f64([0.5, 2]),
    gives: {
      jacrev: [
        [0.5, 0],
        [0, 2],
      ],
      jacfwd: [
        [0.5, 0],
        [0, 2],
      ],
      hessian: [
        [0, 0],
        [0, 0],
      ],
      vmap: [0.25, 4],
      others: [0.5, 2],
    },
  },
  {
    name: 'an integer input',
    f: (x: Tensor) => mul(x, 2).to('float64'),
    x: () => tensor([1, 2, 3], { dtype: 'int32' }),
    gives: {
      grad: says(PRIMAL),
      gradAndValue: says(PRIMAL),
      vjp: says(PRIMAL),
      jvp: says(FORWARD),
      linearize: says(FORWARD),
      jacrev: says(PRIMAL),
      jacfwd: says(FORWARD),
      hessian: says(FORWARD),
      vmap: [2, 4, 6],
    },
  },
  {
    name: 'an integer output',
    f: (x: Tensor) => x.round().to('int32'),
    x: x3,
    gives: {
      grad: o3,
      gradAndValue: o3,
      vjp: says(OUTPUTS),
      jvp: o3,
      linearize: o3,
      jacrev: says(OUTPUTS),
      jacfwd: o33,
      hessian: says(OUTPUTS),
      vmap: [0, -2, 3],
    },
  },
  {
    name: 'a number where a tensor is differentiated',
    f: () => f64(1),
    x: () => 2.5,
    gives: {
      jvp: forward('Expected primals to only contain Tensors, got number'),
      vmap: says('We cannot vmap over non-Tensor arguments, please use null as the respective inDim'),
      others: says(THING),
    },
  },
  {
    name: 'a number in a tree that is differentiated',
    f: ([x]: [Tensor]) => sum(x),
    x: () => [x3(), 2.5],
    gives: {
      jvp: forward('Expected primals to only contain Tensors, got number'),
      vmap: says('We cannot vmap over non-Tensor arguments, please use null as the respective inDim'),
      others: says(THING),
    },
  },
  {
    name: 'an empty output: []',
    f: () => [],
    x: x3,
    gives: {
      grad: scalarOnly('[]'),
      gradAndValue: scalarOnly('[]'),
      vjp: reverse(NOTHING),
      jvp: forward(NOTHING),
      linearize: says(NOTHING),
      jacrev: reverse(NOTHING),
      jacfwd: forward(NOTHING),
      hessian: reverse(NOTHING),
      vmap: [],
    },
  },
  {
    name: 'no output: null',
    f: () => null,
    x: x3,
    gives: {
      grad: scalarOnly('null'),
      gradAndValue: scalarOnly('null'),
      vjp: reverse(NOTHING),
      jvp: forward(NOTHING),
      linearize: says(NOTHING),
      jacrev: reverse(NOTHING),
      jacfwd: forward(NOTHING),
      hessian: reverse(NOTHING),
      vmap: says('`f` must only return Tensors, got type null'),
    },
  },
  {
    name: 'a number for an output',
    f: () => 1,
    x: x3,
    gives: {
      grad: scalarOnly('number'),
      gradAndValue: scalarOnly('number'),
      vjp: reverse(ONLY),
      jvp: forward(ONLY),
      linearize: says(ONLY),
      jacrev: reverse(ONLY),
      jacfwd: forward(ONLY),
      hessian: reverse(ONLY),
      vmap: says('must only return Tensors, got type number'),
    },
  },
  {
    name: 'an asynchronous function',
    f: async (x: Tensor) => square(x),
    x: x3,
    gives: { others: says('expected a synchronous function, got one that returned a Promise') },
  },
  {
    name: 'an input without elements',
    f: (x: Tensor) => square(x),
    x: () => zeros(0, 3, { dtype: 'float64' }),
    gives: { grad: [], gradAndValue: [], vjp: [], jvp: [], linearize: [], jacrev: [], jacfwd: [], hessian: [], vmap: [] },
  },
  {
    name: 'an output without elements',
    f: (x: Tensor) => x.narrow(0, 1, 0),
    x: x3,
    gives: {
      grad: o3,
      gradAndValue: o3,
      vjp: o3,
      jvp: [],
      linearize: [],
      jacrev: [],
      jacfwd: [],
      hessian: o33,
      vmap: says('narrow'),
    },
  },
  {
    name: 'noGrad inside: x − noGrad(x²) moves with 1, in forward mode too',
    f: (x: Tensor) => x.sub(noGrad((y: Tensor) => mul(y, y))(x)),
    x: x3,
    gives: { jacrev: i33, jacfwd: i33, hessian: o33, vmap: [0.25, -6, -6], others: [1, 1, 1] },
  },
  {
    name: 'a checkpoint',
    f: checkpoint((x: Tensor) => mul(x, x)),
    x: () => f64([1, 2]),
    gives: {
      jacrev: [
        [2, 0],
        [0, 4],
      ],
      jacfwd: [
        [2, 0],
        [0, 4],
      ],
      hessian: [
        [2, 0],
        [0, 2],
      ],
      vmap: [1, 4],
      others: [2, 4],
    },
  },
  {
    name: 'the input written in place',
    f: (x: Tensor) => x.mul_(3),
    x: x3,
    gives: {
      grad: says(LEAF),
      gradAndValue: says(LEAF),
      vjp: says(LEAF),
      jvp: [3, 3, 3],
      linearize: [3, 3, 3],
      jacrev: says(LEAF),
      jacfwd: [
        [3, 0, 0],
        [0, 3, 0],
        [0, 0, 3],
      ],
      hessian: says(LEAF),
      vmap: [1.5, -6, 9],
    },
    leaves: [1.5, -6, 9],
  },
  {
    name: 'a copy of the input written in place',
    f: (x: Tensor) => x.clone().mul_(x),
    x: () => f64([1, 2]),
    gives: {
      jacrev: [
        [2, 0],
        [0, 4],
      ],
      jacfwd: [
        [2, 0],
        [0, 4],
      ],
      hessian: [
        [2, 0],
        [0, 2],
      ],
      vmap: [1, 4],
      others: [2, 4],
    },
    leaves: [1, 2],
  },
]
