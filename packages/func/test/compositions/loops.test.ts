import { compositionsOf } from './check.ts'
import { loops } from './special.ts'

compositionsOf(loops, { all: [0, 1], some: [0], differences: -1 })
