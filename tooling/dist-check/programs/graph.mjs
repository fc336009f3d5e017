// tensor + backend-cpu + graph
import { cpu } from '@mapgrad/backend-cpu'
import { eliminateCommonSubexpressions, graphFromJSON, makeFx } from '@mapgrad/graph'
import { setDefaultDevice, tensor } from '@mapgrad/tensor'
import * as ops from '@mapgrad/tensor/ops'
import assert from 'node:assert/strict'

setDefaultDevice(cpu)
const f = (x) => x.mul(2).add(x.mul(2)).sum()
const g = makeFx(f)(tensor([1, 2, 3]))
assert.equal(g(tensor([1, 1, 1])).item(), 12)
assert.equal(graphFromJSON(JSON.stringify(g))(tensor([1, 1, 1])).item(), 12)
const calls = (h) => h.graph.nodes.filter((n) => n.kind === 'call').length
assert.equal(calls(g) - calls(g.transform(eliminateCommonSubexpressions)), 1)
// the printed program, with its imports given
const body = g.code.match(/\{\n([\s\S]*)\n\}/)[1]
const { full } = await import('@mapgrad/tensor')
assert.equal(new Function('ops', 'full', 'arg0', body)(ops, full, tensor([1, 1, 1])).item(), 12)
console.log('ok')
