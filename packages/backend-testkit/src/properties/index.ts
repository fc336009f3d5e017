import { type Backend, checkOptions } from '@mapgrad/tensor/plugin'
import { opSamples } from '../samples/index.ts'
import { type OpSample } from '../samples/spec.ts'
import { vjpOfVmap, vmapIsLoop, vmapOfFew, vmapOfJvp, vmapOfVjp, vmapOfVmap } from './batching.ts'
import { type Context, PropertyError, contextOf, nameOf, variables } from './context.ts'
import { jvpIsDifference, secondOrder, transposeIsAdjoint } from './derivatives.ts'
import { dtypesAgree, layoutsAgree, sizesAgree, specialsAgree } from './values-agree.ts'

/** What is checked of every op, by name. */
export const propertyTable: Readonly<
  Record<string, { readonly check: (c: Context) => Promise<void>; readonly derivative?: boolean; readonly batched?: boolean }>
> = {
  'layouts agree': { check: layoutsAgree },
  'sizes agree': { check: sizesAgree },
  'special values agree': { check: specialsAgree },
  'dtypes agree': { check: dtypesAgree },
  'jvp is a difference quotient': { check: jvpIsDifference, derivative: true },
  'vjp is the adjoint of jvp': { check: transposeIsAdjoint, derivative: true },
  'second order': { check: secondOrder, derivative: true },
  'vmap is a loop': { check: vmapIsLoop, batched: true },
  'vmap of one and of none': { check: vmapOfFew, batched: true },
  'vmap of vmap is a loop': { check: vmapOfVmap, batched: true },
  'vmap of vjp is a loop': { check: vmapOfVjp, derivative: true, batched: true },
  'vmap of jvp is a loop': { check: vmapOfJvp, derivative: true, batched: true },
  'vjp of vmap': { check: vjpOfVmap, derivative: true, batched: true },
}

/** Options of `properties`. */
export interface PropertiesOptions {
  /** only these ops */
  readonly ops?: readonly string[]
  /** only these properties, by name */
  readonly properties?: readonly string[]
  /** a backend whose results are trusted: dtypes, special values and sizes are compared with it */
  readonly reference?: Backend
  /** ops to check instead of the built-in ones, such as your own */
  readonly samples?: readonly OpSample[]
}

/** One property of one sample of one op. */
export interface Property {
  /** `exp: jvp is a difference quotient` */
  readonly name: string
  readonly op: string
  /** rejects if the property does not hold on the backend */
  run(): Promise<void>
}

/**
 * Properties that hold for every op, whatever its values: derivatives against central differences, forward against
 * reverse mode, `vmap` against loops, layouts, sizes, dtypes and special values.
 */
export function* properties(backend: Backend, options: PropertiesOptions = {}): Generator<Property, void, undefined> {
  checkOptions('properties', options as Record<string, unknown>, ['ops', 'properties', 'reference', 'samples'], 'backend-testkit')
  const { ops, reference, samples = opSamples() } = options
  const chosen = Object.entries(propertyTable).filter(([name]) => !options.properties || options.properties.includes(name))
  for (const sample of samples) {
    if (ops && !ops.includes(sample.op)) continue
    for (const [property, { check, derivative, batched }] of chosen) {
      if (derivative && (sample.differentiable === false || variables(contextOf(sample, backend, reference)).length === 0)) continue
      if (batched && sample.unbatched !== undefined) continue
      const name = `${nameOf(sample)}: ${property}`
      yield { name, op: sample.op, run: () => named(name, () => check(contextOf(sample, backend, reference))) }
    }
  }
}

async function named(name: string, f: () => Promise<void>): Promise<void> {
  try {
    await f()
  } catch (cause) {
    if (cause instanceof PropertyError) throw new PropertyError(`${name}: ${cause.message}`)
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
