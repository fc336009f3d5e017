// two incompatible copies of tensor in one program: the one of func, and a newer one that the program has itself
import { tensor } from '@mapgrad/tensor'
import { vmap } from '@mapgrad/func'

vmap((x) => x)(tensor([1, 2]))
