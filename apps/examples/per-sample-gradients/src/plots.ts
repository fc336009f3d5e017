import { PNG } from 'pngjs'
import { View, parse } from 'vega'
import { type TopLevelSpec, compile } from 'vega-lite'

const style = {
  width: 520,
  height: 240,
  background: 'white',
  padding: 8,
  config: {
    font: 'system-ui, sans-serif',
    axis: { grid: true, gridColor: '#e8eaed', labelColor: '#444', titleColor: '#222', titleFontWeight: 'normal' as const },
    view: { stroke: null },
  },
}

const svg = (spec: TopLevelSpec): Promise<string> => new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()

/** The loss of every step, with its running mean, as SVG. */
export function lossPlot(losses: readonly number[]): Promise<string> {
  let mean = losses[0] ?? 0
  const values = losses.map((loss, i) => ({ step: i + 1, loss, mean: (mean += (loss - mean) * 0.05) }))
  return svg({
    ...style,
    data: { values },
    encoding: { x: { field: 'step', type: 'quantitative', title: 'step', scale: { nice: false } } },
    layer: [
      {
        mark: { type: 'line', color: '#9ab8e8', strokeWidth: 1 },
        encoding: { y: { field: 'loss', type: 'quantitative', title: 'cross entropy (log scale)', scale: { type: 'log', nice: false } } },
      },
      {
        mark: { type: 'line', color: '#1a56b0', strokeWidth: 2 },
        encoding: { y: { field: 'mean', type: 'quantitative', scale: { type: 'log', nice: false } } },
      },
    ],
  })
}

/** How many digits have a gradient of which norm, as SVG. */
export function normHistogram(norms: readonly number[]): Promise<string> {
  return svg({
    ...style,
    data: { values: norms.map((norm) => ({ norm })) },
    mark: { type: 'bar', color: '#1a56b0' },
    encoding: {
      x: { field: 'norm', type: 'quantitative', bin: { maxbins: 40 }, title: 'Euclidean norm of the gradient of one digit' },
      // most gradients are tiny: a symmetric log keeps the rare large ones in sight
      y: { aggregate: 'count', type: 'quantitative', title: 'digits (log scale)', scale: { type: 'symlog' } },
    },
  })
}

/** A grey picture of `size` pixels in [0, 1], ink dark, as a data URL. */
export function picture(pixels: Float32Array): string {
  const side = Math.sqrt(pixels.length)
  const png = new PNG({ width: side, height: side, colorType: 0 })
  pixels.forEach((p, i) => {
    const grey = Math.round(255 * (1 - p))
    png.data.set([grey, grey, grey, 255], i * 4)
  })
  return `data:image/png;base64,${PNG.sync.write(png, { colorType: 0 }).toString('base64')}`
}
