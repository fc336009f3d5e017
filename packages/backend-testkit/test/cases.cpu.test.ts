import { cpu } from '@mapgrad/backend-cpu'
import { everyOperator } from './committed.ts'

everyOperator('cpu', cpu)
