import { compositionsOf } from './check.ts'
import { layers } from './functions.ts'

compositionsOf(layers, { all: [0, 1], some: [0], differences: 2 })
