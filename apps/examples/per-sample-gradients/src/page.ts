import type { Comparison } from './analysis.ts'

export interface Finding {
  readonly label: number
  readonly predicted: number
  readonly norm: number
  /** data URL */
  readonly picture: string
}

export interface Report {
  readonly source: string
  readonly trained: number
  readonly tested: number
  readonly steps: number
  readonly seconds: number
  readonly accuracy: number
  readonly comparison: Comparison
  readonly lossPlot: string
  readonly histogram: string
  readonly largest: readonly Finding[]
}

const escape = (s: string): string => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const ms = (x: number): string => (x < 10 ? x.toFixed(2) : x.toFixed(0))

/** The whole report as one HTML page without scripts. */
export function page(r: Report): string {
  const c = r.comparison
  const facts: [string, string][] = [
    ['Digits', `${r.trained.toLocaleString('en')} to train, ${r.tested.toLocaleString('en')} to test (${escape(r.source)})`],
    ['Training', `${r.steps} steps in ${r.seconds.toFixed(1)} s`],
    ['Test accuracy', `${(100 * r.accuracy).toFixed(2)} %`],
    [`${c.examples} gradients by <code>vmap(grad(loss))</code>`, `${ms(c.vmapped)} ms`],
    [`${c.examples} gradients by a loop of <code>grad(loss)</code>`, `${ms(c.loop)} ms, ${(c.loop / c.vmapped).toFixed(1)}× as long`],
    ['Largest difference between the two', c.difference.toExponential(1)],
  ]
  const figure = (f: Finding): string =>
    `<figure class="${f.label === f.predicted ? 'right' : 'wrong'}"><img src="${f.picture}" alt="a handwritten ${f.label}" width="112" height="112"><figcaption><b>${f.label}</b> ${f.label === f.predicted ? 'recognised' : `taken for <b>${f.predicted}</b>`}<br><small>‖gradient‖ ${f.norm.toFixed(1)}</small></figcaption></figure>`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Per-sample gradients – mapgrad</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #f6f7f9; margin: 0 auto; padding: 2rem 1rem; max-width: 72rem; }
  h1 { margin: 0 0 .25rem; font-size: 1.7rem; } h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
  p { margin: 0 0 1rem; max-width: 46rem; }
  section { background: #fff; border: 1px solid #e3e6ea; border-radius: .6rem; padding: 1.25rem; margin-top: 1.25rem; }
  .two { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1.25rem; } .two section { min-width: 0; }
  table { border-collapse: collapse; width: 100%; } td { padding: .3rem 0; border-top: 1px solid #eef0f2; vertical-align: top; } tr:first-child td { border: 0; } td + td { text-align: right; font-variant-numeric: tabular-nums; }
  svg { max-width: 100%; height: auto; }
  .digits { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem; }
  figure { margin: 0; text-align: center; font-size: .9rem; line-height: 1.35; } img { image-rendering: pixelated; border: 2px solid #cfd4da; border-radius: .3rem; background: #fff; } .wrong img { border-color: #c8372d; }
  small { color: #666; } code { font-size: .92em; }
</style>
<h1>Which digits pull hardest on the model?</h1>
<p>A perceptron with one hidden layer of 128 units learns handwritten digits. Then one call, <code>vmap(grad(loss), [null, 0, 0])</code>, gives the gradient of every single digit. A large gradient marks a digit the model is surprised by.</p>
<section><h2>The run</h2><table>${facts.map(([k, v]) => `<tr><td>${k}</td><td>${v}</td></tr>`).join('')}</table></section>
<div class="two">
<section><h2>Loss while training</h2>${r.lossPlot}</section>
<section><h2>Gradient norms of the test digits</h2>${r.histogram}</section>
</div>
<section><h2>The digits with the largest gradient</h2><div class="digits">${r.largest.map(figure).join('')}</div></section>
</html>
`
}
