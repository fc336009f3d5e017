// func alone, in a page or a worker: what it says at last is `ok`, or what went wrong
import { crossEntropy, gradAndValue, jacfwd, makeFx, manualSeed, matmul, randn, relu, tensor, tree, vmap } from '@mapgrad/func'

async function program() {
  manualSeed(0)
  let params = { w1: randn(2, 8), w2: randn(8, 2) }
  const scores = (p, x) => matmul(relu(matmul(x, p.w1)), p.w2)
  const loss = (p, x, y) => crossEntropy(scores(p, x), y)
  const xs = randn(16, 2)
  const ys = xs.select(1, 0).gt(0).to('int32')
  const step = gradAndValue((p) => vmap(loss, [null, 0, 0])(p, xs, ys).mean())
  const losses = []
  for (let i = 0; i < 8; i++) {
    const [grads, value] = step(params)
    params = tree.map((p, g) => p.sub(g.mul(0.5)), params, grads)
    losses.push(await value.itemAsync())
  }
  if (!(losses.at(-1) < losses[0] / 2)) return `the loss goes ${losses.join(', ')}`
  const jacobians = vmap(jacfwd(scores, 1), [null, 0])(params, xs)
  if (String(jacobians.shape) !== '16,2,2') return `Jacobians of shape ${jacobians.shape}`
  const g = makeFx((x) => x.sin().mul(2).sum())(tensor([0, 1]))
  const sine = (await g(tensor([0, 0.5])).data())[0]
  return Math.abs(sine - 2 * Math.sin(0.5)) < 1e-6 ? 'ok' : `2 sin 0.5 is ${sine}`
}

const answer = await program().catch((error) => String(error.stack ?? error))
const tell = (said) => {
  globalThis.answer = said
}
if (typeof document === 'undefined') postMessage(answer)
else if (location.hash === '#worker') {
  const worker = new Worker(new URL(location.href).searchParams.get('script'), { type: 'module' })
  worker.addEventListener('message', ({ data }) => tell(data))
} else tell(answer)
