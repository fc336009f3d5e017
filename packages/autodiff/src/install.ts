import { registry } from '@mapgrad/tensor/plugin'
import { eager } from './eager.ts'

// gradients of tensors outside of transforms
registry().autograd ??= eager
