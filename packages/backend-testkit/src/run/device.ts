import { type Backend, registry, resolveDevice } from '@mapgrad/tensor/plugin'

/** Runs `f` with `backend` as the default device, for operators that make tensors of their own. */
export function onDevice<R>(backend: Backend, f: () => R): R {
  const r = registry()
  const before = r.defaultDevice
  r.defaultDevice = resolveDevice(backend, 'testkit')
  try {
    return f()
  } finally {
    r.defaultDevice = before
  }
}
