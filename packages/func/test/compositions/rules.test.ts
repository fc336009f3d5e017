import { compositionsOf } from './check.ts'
import { rules } from './special.ts'

compositionsOf(rules, { all: [0, 1], some: [0], differences: -1 })
