// tensor alone computes nothing, and says what to do
import { tensor } from '@mapgrad/tensor'
import assert from 'node:assert/strict'

assert.throws(() => tensor([1, 2]).sum().item(), /setDefaultDevice/)
console.log('ok')
