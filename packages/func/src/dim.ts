import './default-device.ts'

export * from '@mapgrad/vmap/dim'
