import { type End, checkEnd } from './args.ts'
import type { Backend } from './backend.ts'
import { meantDType } from './dtype-names.ts'
import { TensorTypeError, describe } from './errors.ts'
import { registry } from './registry.ts'

/** A backend, or the name of one that was set as default or used before. */
export type Device = string | Backend

/** Makes `device` the one that creation functions use where none is given. */
export function setDefaultDevice(device: Device, ...end: End): void {
  checkEnd('setDefaultDevice', end)
  registry().defaultDevice = resolveDevice(device, 'setDefaultDevice')
}

/** The backend for a device argument; the default one for none. */
export function resolveDevice(device: Device | null | undefined, op: string): Backend {
  const r = registry()
  if (device === null || device === undefined) {
    if (r.defaultDevice) return r.defaultDevice
    throw new TensorTypeError(
      `expected a device, got none and no default is set. Call setDefaultDevice(cpu) with a backend, such as \`import { cpu } from '@mapgrad/backend-cpu'\`, or import from @mapgrad/func, which does`,
      { op, code: 'NO_DEVICE' },
    )
  }
  if (typeof device === 'string') {
    const known = r.devices.get(device)
    if (known) return known
    throw new TensorTypeError(
      `expected a device among ${[...r.devices.keys()].map((d) => `'${d}'`).join(', ') || '(none yet)'}, got '${device}'${meantDType(device) || '. Pass the backend itself once, as { device: backend }'}`,
      {
        op,
        code: 'UNKNOWN_DEVICE',
      },
    )
  }
  if (typeof device !== 'object' || typeof device.alloc !== 'function' || typeof device.name !== 'string')
    throw new TensorTypeError(`expected a backend or a device name, got ${describe(device)}`, { op, code: 'UNKNOWN_DEVICE' })
  if (r.devices.get(device.name) !== device) r.devices.set(device.name, device)
  return device
}

/** Checks a backend's form and gives it back; for backend authors, whose compiler then lists what is missing. */
export const defineBackend = /* @__NO_SIDE_EFFECTS__ */ <B extends Backend>(backend: B): B => backend
