export * from '@mapgrad/vmap/dim'
