import {
  type Graph,
  type Tensor,
  add,
  aotFunction,
  autograd,
  defaultPartition,
  distributions,
  getRngState,
  grad,
  key,
  makeFx,
  mul,
  rand,
  randn,
  relu,
  sin,
  sum,
  tensor,
  tree,
} from '@mapgrad/func'

// What functions and methods are given to see what they say about something behind it. What is not named here is given one
// of `guesses`, the first that it takes, so that new functions need an entry only if they take none of those.

/** Arguments, made anew for each call. */
export type Arguments = () => readonly unknown[]
export type Calls = Readonly<Record<string, Arguments>>

const each = (names: string, args: Arguments): Calls => Object.fromEntries(names.split(/\s+/).map((name) => [name, args]))

const unit = (...size: number[]): Tensor => rand(size).mul(0.8).add(0.1)
const ints = (...data: number[]): Tensor => tensor(data, { dtype: 'int32' })
const index = (...data: number[]): Tensor => tensor(data, { dtype: 'int64' })
const mask = (): Tensor => tensor([true, false, true])
const square = (x: Tensor): Tensor => sum(mul(x, x))
const graph = (): Graph => makeFx((x: Tensor) => sin(x).mul(2))(randn(3)).graph
const joint = (): unknown => {
  let out: unknown
  const partitionFn = (graphs: Parameters<typeof defaultPartition>[0]): ReturnType<typeof defaultPartition> => {
    out = graphs
    return defaultPartition(graphs)
  }
  grad(aotFunction(square, { fwCompiler: (g) => g, partitionFn }))(randn(3))
  return out
}
function afterLevels(...args: readonly unknown[]): readonly unknown[] {
  try {
    for (;;) autograd.forwardAd.exitDualLevel()
  } catch {
    // none is open
  }
  return args
}
function inLevel(...args: readonly unknown[]): readonly unknown[] {
  afterLevels()
  autograd.forwardAd.enterDualLevel()
  return args
}
const leaf = (): Tensor => randn([3], { requiresGrad: true })

export const guesses: readonly Arguments[] = [
  () => [unit(3)],
  () => [unit(3), unit(3)],
  () => [unit(3), unit(3), unit(3)],
  () => [unit(3, 3)],
  () => [unit(3, 3), unit(3, 3)],
  () => [unit(3, 3), unit(3, 3), unit(3, 3)],
  () => [ints(1, 2)],
  () => [ints(1, 2), ints(1, 2)],
  () => [[unit(3), unit(3)]],
  () => [unit(3, 3), 1],
  () => [unit(3, 3), 0, 1],
  () => [square],
  () => [],
]

const products: Calls = {
  ...each('bmm', () => [randn(2, 3, 4), randn(2, 4, 2)]),
  ...each('mv', () => [randn(3, 4), randn(4)]),
  ...each('tensordot', () => [randn(3, 4), randn(4, 2), 1]),
  ...each('where', () => [mask(), randn(3), randn(3)]),
  ...each('mvlgamma', () => [unit(3).add(2), 2]),
  ...each('polygamma', () => [1, unit(3)]),
  ...each('prelu', () => [randn(2, 3), tensor([0.25])]),
  ...each('kthvalue topk', () => [randn(3, 4), 2]),
  ...each('crossEntropy nllLoss', () => [randn(3, 4), index(0, 1, 2)]),
  ...each('isNonzero', () => [tensor(1)]),
  ...each('addmv', () => [randn(3), randn(3, 4), randn(4)]),
  ...each('addbmm', () => [randn(3, 2), randn(5, 3, 4), randn(5, 4, 2)]),
  ...each('baddbmm', () => [randn(5, 3, 2), randn(5, 3, 4), randn(5, 4, 2)]),
  ...each('bilinear', () => [randn(3, 4), randn(3, 5), randn(2, 4, 5)]),
  ...each('einsum', () => ['ij,jk->ik', randn(3, 4), randn(4, 2)]),
}

const shapes: Calls = {
  ...each('asStrided', () => [randn(3, 4), [2, 2], [1, 2]]),
  ...each('broadcastTensors', () => [randn(3, 1), randn(4)]),
  ...each('broadcastTo expand', () => [randn(3, 1), [3, 4]]),
  ...each('chunk tensorSplit split hsplit vsplit', () => [randn(4, 4), 2]),
  ...each('dsplit', () => [randn(2, 2, 4), 2]),
  ...each('splitWithSizes', () => [randn(4), [1, 3]]),
  ...each('roll', () => [randn(3, 4), 1]),
  ...each('diagonalScatter', () => [randn(3, 4), randn(3)]),
  ...each('narrow', () => [randn(3, 4), 1, 1, 2]),
  ...each('select', () => [randn(3, 4), 1, 1]),
  ...each('permute', () => [randn(3, 4), [1, 0]]),
  ...each('repeat tile', () => [randn(3), 2]),
  ...each('reshape view', () => [randn(3, 4), [12]]),
  ...each('unflatten', () => [randn(3, 4), 1, [2, 2]]),
  ...each('unfold', () => [randn(3, 4), 1, 2, 1]),
  ...each('pad', () => [randn(3), [1, 1]]),
  ...each('constantPadNd', () => [randn(3), [1, 1], 0]),
  ...each('rearrange', () => [randn(3, 4), 'a b -> b a']),
}

const indexing: Calls = {
  ...each('at', () => [randn(3, 4), 0]),
  ...each('setAt', () => [randn(3, 4), [0], 1]),
  ...each('slice', () => [0, 2]),
  ...each('nonzeroStatic', () => [mask(), { size: 2 }]),
  ...each('embedding', () => [index(0, 2), randn(3, 4)]),
  ...each('gather', () => [randn(3), 0, index(0, 2)]),
  ...each('takeAlongDim', () => [randn(3), index(0, 2)]),
  ...each('take', () => [randn(3), index(0, 2)]),
  ...each('scatter scatterAdd', () => [randn(3), 0, index(0, 2), randn(2)]),
  ...each('scatterReduce', () => [randn(3), 0, index(0, 2), randn(2), 'sum']),
  ...each('indexAdd indexCopy', () => [randn(3), 0, index(0, 2), randn(2)]),
  ...each('indexReduce', () => [randn(3), 0, index(0, 2), randn(2), 'amax']),
  ...each('indexFill', () => [randn(3), 0, index(0, 2), 1]),
  ...each('indexSelect', () => [randn(3), 0, index(0, 2)]),
  ...each('indexPut', () => [randn(3), [index(0, 2)], randn(2)]),
  ...each('maskedFill', () => [randn(3), mask(), 1]),
  ...each('maskedSelect', () => [randn(3), mask()]),
  ...each('oneHot', () => [index(0, 2)]),
  ...each('put', () => [randn(3), index(0, 2), randn(2)]),
  ...each('repeatInterleave', () => [randn(3), 2]),
  ...each('selectScatter', () => [randn(3, 4), randn(4), 0, 1]),
  ...each('sliceScatter', () => [randn(3), randn(2), 0, 0, 2]),
}

const creation: Calls = {
  ...each('zeros ones empty rand randn', () => [2, 3]),
  ...each('full', () => [[2, 3], 1]),
  ...each('eye randperm arange', () => [3]),
  ...each('linspace', () => [0, 1, 5]),
  ...each('logspace', () => [0, 1, 5]),
  ...each('trilIndices triuIndices', () => [3, 3]),
  ...each('asTensor tensor', () => [[1, 2]]),
  ...each('scalarTensor', () => [1]),
  ...each('fullLike', () => [randn(3), 1]),
  ...each('randintLike', () => [randn(3), 0, 5]),
  ...each('randint', () => [0, 5, [2]]),
  ...each('newEmpty newOnes newZeros', () => [randn(3), [2]]),
  ...each('newFull', () => [randn(3), [2], 1]),
  ...each('newTensor', () => [randn(3), [2]]),
}

const random: Calls = {
  ...each('normal', () => [0, 1, [2]]),
  ...each('uniform', () => [0, 1, [2]]),
  ...each('rrelu rrelu_', () => [unit(3), 0.1, 0.3, true]),
  ...each('multinomial', () => [unit(3), 2]),
  ...each('binomial', () => [tensor([5, 5, 5]).float(), unit(3)]),
  ...each('manualSeed', () => [1]),
  ...each('seed initialSeed getRngState', () => []),
  ...each('setRngState', () => [getRngState()]),
  ...each('key', () => [1]),
  ...each('foldIn', () => [key(1), 2]),
}

const transforms: Calls = {
  ...each('grad gradAndValue jacrev jacfwd hessian vmap checkpoint noGrad enableGrad functionalize makeFx', () => [square]),
  ...each('vjp linearize', () => [square, [randn(3)]]),
  ...each('jvp', () => [square, [randn(3)], [randn(3)]]),
  ...each('autograd.functional.vjp', () => [square, randn(3)]),
  ...each('autograd.functional.jvp', () => [square, randn(3), randn(3)]),
  ...each('hvp vhp autograd.functional.hvp autograd.functional.vhp', () => [square, randn(3), randn(3)]),
  ...each('jacobian autograd.functional.jacobian autograd.functional.hessian', () => [square, randn(3)]),
  ...each('autograd.grad', () => {
    const x = leaf()
    return [square(x), x]
  }),
  ...each('autograd.forwardAd.enterDualLevel', () => afterLevels()),
  ...each('autograd.forwardAd.dualLevel', () => afterLevels(() => 1)),
  ...each('autograd.forwardAd.exitDualLevel', () => inLevel()),
  ...each('autograd.forwardAd.makeDual', () => inLevel(randn(3), randn(3))),
  ...each('autograd.forwardAd.unpackDual', () => inLevel(randn(3))),
  ...each('autograd.backward', () => [square(leaf())]),
  ...each('autograd.onceDifferentiable', () => [(_: unknown, g: Tensor) => g]),
  ...each('detectAnomaly autograd.detectAnomaly tidy', () => [() => 1]),
  ...each('setDetectAnomaly autograd.setDetectAnomaly', () => [false]),
  ...each('isAnomalyEnabled autograd.isAnomalyEnabled isGradEnabled enableAutograd', () => []),
  ...each('customVjp', () => [square, { forward: (x: Tensor) => [square(x), x], backward: (x: Tensor, g: Tensor) => [mul(x, g)] }]),
  ...each('customJvp', () => [square, () => []]),
  ...each('customVmap', () => [square, () => []]),
  ...each('aotFunction', () => [square, { fwCompiler: (g: Graph) => g }]),
  ...each('eliminateCommonSubexpressions eliminateDeadCode foldConstants simplifyAlgebra', () => [graph()]),
  ...each('defaultPartition minCutPartition minCutRematerializationPartition', () => [joint()]),
  ...each('graphFromJSON', () => [makeFx((x: Tensor) => sin(x))(randn(3)).toJSON()]),
  ...each('cond', () => [true, (x: Tensor) => x.sin(), (x: Tensor) => x.cos(), [randn(3)]]),
  ...each('whileLoop', () => [(x: Tensor) => x.lt(3), (x: Tensor) => [x.add(1)], [tensor(0)]]),
  ...each('forLoop', () => [0, 3, (_: unknown, x: Tensor) => add(x, 1), tensor(0)]),
  ...each('scan', () => [(c: Tensor, x: Tensor) => [add(c, x), c], tensor(0), randn(3)]),
  ...each('map', () => [relu, randn(3)]),
  ...each('associativeScan', () => [add, randn(3), 0]),
}

const others: Calls = {
  ...each('distributions.klDivergence', () => [new distributions.Normal(0, 1), new distributions.Normal(1, 1)]),
  ...each('distributions.registerKl', () => [
    class extends distributions.Normal {},
    class extends distributions.Normal {},
    () => tensor(0),
  ]),
  ...each('memory getPrintOptions', () => []),
  ...each('setPrintOptions', () => [{ precision: 4 }]),
  ...each('setDefaultDevice', () => ['cpu']),
  ...each('tree.map', () => [String, [1]]),
  ...each('tree.unflatten', () => [[1], tree.flatten([0])[1]]),
  ...each('tree.register', () => [class {}, { flatten: () => ({ children: [] }), unflatten: () => 0 }]),
}

export const functions: Calls = {
  ...products,
  ...shapes,
  ...indexing,
  ...creation,
  ...random,
  ...transforms,
  ...others,
}

/** Methods whose arguments are not those of the function of that name without its first, from the tensor on. */
export const methods: Calls = {
  ...each('where', () => [randn(3), mask(), randn(3)]),
  ...each('polygamma polygamma_', () => [unit(3), 1]),
  ...each('normal_ uniform_ logNormal_ cauchy_ exponential_ random_', () => [randn(3)]),
  ...each('geometric_', () => [randn(3), 0.5]),
  ...each('item itemAsync', () => [tensor(1)]),
  ...each('requiresGrad_', () => [randn(3)]),
  ...each('retainGrad', () => [square(leaf())]),
  ...each('registerHook', () => [leaf(), () => null]),
  ...each('backward', () => [square(leaf())]),
  ...each('fill_', () => [randn(3), 1]),
  ...each('addr_', () => [randn(3, 4), randn(3), randn(4)]),
  ...each('fillDiagonal_', () => [randn(3, 3), 1]),
  ...each('set', () => [randn(3, 3), 0, 1]),
  ...each('to', () => [randn(3), 'float64']),
  ...each('squeeze_', () => [randn(3, 1)]),
  ...each('t_', () => [randn(3, 2)]),
}
