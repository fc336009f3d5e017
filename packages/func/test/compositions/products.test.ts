import { compositionsOf } from './check.ts'
import { products } from './functions.ts'

compositionsOf(products, { all: [0, 2], some: [1, 2], differences: 2 })
