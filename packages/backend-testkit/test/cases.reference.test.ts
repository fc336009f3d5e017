import { reference } from '@mapgrad/backend-cpu'
import { everyOperator } from './committed.ts'

// two samples an operator; the command runs them all
everyOperator('reference', reference, { samples: 2 })
