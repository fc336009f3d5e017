import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { argsort, manualSeed, rand, randint } from '@mapgrad/func'
import { SingleBar } from 'cli-progress'
import { accuracy, compare, gradientNorms, inputsOf } from './analysis.ts'
import { CsvError } from './csv.ts'
import { type Split, mnist, pick, shifted, split, userDigits } from './data.ts'
import { type Params, adam, init, trainStep } from './model.ts'
import { page } from './page.ts'
import { lossPlot, normHistogram, picture } from './plots.ts'

const HELP = `Trains a digit classifier and finds the digits with the largest gradient.

  npm run demo -- [options]

  --csv FILE      your own digits: one "label, pixels…" row a picture (default: MNIST digits)
  --out FILE      the page to write (default: per-sample-gradients.html)
  --epochs N      passes over the training digits (default: 10)
  --seed N        seed of the random numbers (default: 0)
  --help          this text
`

interface Settings {
  readonly csv: string | undefined
  readonly out: string
  readonly epochs: number
  readonly seed: number
}

/** A fault of the call, told without a stack. */
class UsageError extends Error {}

function readSettings(): Settings | null {
  const string = { type: 'string' } as const
  const { values } = parse()
  if (values.help) return null
  const whole = (name: string, text: string | undefined, fallback: number, least: number): number => {
    const n = text === undefined ? fallback : Number(text)
    if (!Number.isSafeInteger(n) || n < least) throw new UsageError(`--${name}: expected an integer from ${least} on, got ${text}`)
    return n
  }
  const csv = values.csv === undefined ? undefined : resolve(values.csv)
  if (csv !== undefined && !existsSync(csv)) throw new UsageError(`--csv: there is no file ${csv}`)
  return {
    csv,
    out: resolve(values.out ?? 'per-sample-gradients.html'),
    epochs: whole('epochs', values.epochs, 10, 1),
    seed: whole('seed', values.seed, 0, 0),
  }

  function parse() {
    try {
      return parseArgs({ options: { csv: string, out: string, epochs: string, seed: string, help: { type: 'boolean' } } })
    } catch (e) {
      throw new UsageError((e as Error).message)
    }
  }
}

const BATCH = 128
const HIDDEN = 128

function load({ csv }: Settings): Split {
  const all = csv === undefined ? mnist() : userDigits(csv)
  return { ...split(all, argsort(rand(all.labels.length)).tolist() as number[], 0.15), source: csv ?? 'MNIST' }
}

/** Minimises the loss with Adam over shuffled batches of slightly moved pictures; shows a bar and the loss on the way. */
function train({ train: digits }: Split, epochs: number): { params: Params; losses: number[] } {
  let state = adam(init(digits.size, HIDDEN, digits.classes))
  const losses: number[] = []
  const perEpoch = Math.ceil(digits.labels.length / BATCH)
  const bar = new SingleBar({
    format: 'training {bar} {percentage} % · epoch {epoch}/{epochs} · loss {loss}',
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 2000,
    barsize: 28,
  })
  bar.start(epochs * perEpoch, 0, { epoch: 1, epochs, loss: '–' })
  let shown = NaN
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = argsort(rand(digits.labels.length)).tolist() as number[]
    for (let at = 0; at < order.length; at += BATCH) {
      const some = pick(digits, order.slice(at, at + BATCH))
      const moves = randint(-1, 2, [some.labels.length, 2]).tolist() as [number, number][]
      const [x, y] = inputsOf(shifted(some, moves))
      // the rate falls to zero along a half cosine (Loshchilov & Hutter 2017)
      const rate = 2.5e-3 * (1 + Math.cos((Math.PI * losses.length) / (epochs * perEpoch)))
      const [next, loss] = trainStep(state, x, y, rate)
      state = next
      losses.push(loss)
      shown = Number.isNaN(shown) ? loss : shown + (loss - shown) * 0.1
      bar.increment(1, { epoch, loss: shown.toFixed(4) })
    }
  }
  bar.stop()
  return { params: state.params, losses }
}

async function main(): Promise<void> {
  const settings = readSettings()
  if (!settings) return console.log(HELP)
  manualSeed(settings.seed)
  const data = load(settings)
  console.log(`${data.train.labels.length} digits to train with, ${data.test.labels.length} to test with, from ${data.source}`)

  const start = performance.now()
  const { params, losses } = train(data, settings.epochs)
  const seconds = (performance.now() - start) / 1000
  const right = accuracy(params, data.test)
  console.log(`test accuracy ${(100 * right).toFixed(2)} % after ${losses.length} steps in ${seconds.toFixed(1)} s`)

  const batch = pick(
    data.test,
    Array.from({ length: Math.min(BATCH, data.test.labels.length) }, (_, i) => i),
  )
  const comparison = compare(params, batch)
  const { examples, vmapped, loop, difference } = comparison
  console.log(
    `gradients of ${examples} digits: vmap(grad(loss)) ${vmapped.toFixed(1)} ms, a loop of grad(loss) ${loop.toFixed(1)} ms (${(loop / vmapped).toFixed(1)}×); largest difference ${difference.toExponential(1)}`,
  )
  if (!(difference < 1e-4)) throw new Error(`vmap(grad(loss)) and the loop differ by ${difference}`)

  const { norms, predicted } = gradientNorms(params, data.test)
  const largest = norms
    .map((norm, i) => ({ norm, i }))
    .toSorted((a, b) => b.norm - a.norm)
    .slice(0, 18)
    .map(({ norm, i }) => ({ norm, label: data.test.labels[i]!, predicted: predicted[i]!, picture: picture(pick(data.test, [i]).pixels) }))
  const html = page({
    source: data.source,
    trained: data.train.labels.length,
    tested: data.test.labels.length,
    steps: losses.length,
    seconds,
    accuracy: right,
    comparison,
    lossPlot: await lossPlot(losses),
    histogram: await normHistogram(norms),
    largest,
  })
  // first beside it, then in its place: an old page is never left half overwritten
  mkdirSync(dirname(settings.out), { recursive: true })
  writeFileSync(`${settings.out}.part`, html)
  renameSync(`${settings.out}.part`, settings.out)
  console.log(`wrote ${settings.out}`)
}

try {
  await main()
} catch (e) {
  if (!(e instanceof UsageError || e instanceof CsvError)) throw e
  console.error(e.message)
  process.exitCode = 1
}
