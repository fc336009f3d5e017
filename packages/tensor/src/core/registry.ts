import { REGISTRY, TensorTypeError } from './errors.ts'
import type { Backend } from './backend.ts'
import type { Trace } from './trace.ts'
import type { Scope } from './memory.ts'
import type { Watch } from './anomaly.ts'
import type { Autograd } from './autograd.ts'
import type { Mapping } from './mapping.ts'

/** Version of what copies of this package share through `globalThis`. A change of the shared state's meaning raises it. */
export const PROTOCOL = 1
/** The version of this package. */
export const VERSION = '0.1.0'

/** The state that all packages of one program share, whichever copy of `tensor` they imported. */
export interface Registry {
  readonly protocol: number
  readonly version: string
  readonly url: string
  /** the innermost transform that ops without tensor inputs see; a trace hides itself while its rule runs */
  current: Trace | null
  /** the innermost open transform */
  top: Trace | null
  /** records what is computed outside of transforms from tensors that require gradients; `null` as long as there are none */
  tape: Trace | null
  /** what gives tensors their gradients outside of transforms; `null` where that package is not loaded */
  autograd: Autograd | null
  /** applies functions to many examples at once; `null` where that package is not loaded */
  mapping: Mapping | null
  /** sees what each op computed from which arrays; `null` but for debugging */
  watch: Watch | null
  /** owns what interpreters compute, so that it is freed when the outermost transform returns */
  scope: Scope | null
  /** above zero while an interpreter works outside a rule */
  internal: number
  /** the transform that the user's own code now runs in, and how many interpreters are at work around that */
  home: Trace | null
  inside: number
  /** how many transforms and scopes have begun: the clock by which older handles are told from newer ones */
  epoch: number
  defaultDevice: Backend | null
  /** devices by the name users give them */
  readonly devices: Map<string, Backend>
  /** state of the default random generator; a seed of null is drawn from the host at first use */
  readonly random: { seed: number | bigint | null; offset: number }
  /** rules registered for ops one does not own: transform → op → rule */
  readonly rules: Map<string, WeakMap<object, unknown>>
  /** kernels registered for a backend: backend → op → kernel */
  readonly kernels: WeakMap<object, WeakMap<object, unknown>>
  /** counts handles and trees that other packages register */
  readonly extensions: Map<symbol, unknown>
}

let found: Registry | undefined

/** The shared state; made by the first copy of this package that asks, refused to an incompatible second one. */
export function registry(): Registry {
  return (found ??= claim())
}

function claim(): Registry {
  const host = globalThis as { [key: symbol]: Registry | undefined }
  // bundles that are no modules have no address
  const url = (import.meta.url as string | undefined) ?? 'a script'
  const there = host[REGISTRY]
  if (!there) {
    const fresh: Registry = {
      protocol: PROTOCOL,
      version: VERSION,
      url,
      current: null,
      top: null,
      tape: null,
      autograd: null,
      mapping: null,
      watch: null,
      scope: null,
      internal: 0,
      home: null,
      inside: 0,
      epoch: 0,
      defaultDevice: null,
      devices: new Map(),
      random: { seed: null, offset: 0 },
      rules: new Map(),
      kernels: new WeakMap(),
      extensions: new Map(),
    }
    Object.defineProperty(host, REGISTRY, { value: fresh })
    return fresh
  }
  if (there.protocol !== PROTOCOL)
    throw new TensorTypeError(
      `two incompatible copies of @mapgrad/tensor are loaded: ${there.version} (protocol ${there.protocol}) from ${there.url} and ${VERSION} (protocol ${PROTOCOL}) from ${url}; run \`npm ls @mapgrad/tensor\` and make all packages depend on one version`,
      { code: 'DUPLICATE_REGISTRY' },
    )
  return there
}
