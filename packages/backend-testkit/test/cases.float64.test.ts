import { cpu } from '@mapgrad/backend-cpu'
import { everyOperator } from './committed.ts'

// float64 operands at the accuracy of float64: what float32 would hide
everyOperator('cpu in float64', cpu, { dtypes: ['float64'], samples: 4 })
