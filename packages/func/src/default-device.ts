import { enableAutograd } from '@mapgrad/autodiff'
import { cpu } from '@mapgrad/backend-cpu'
import { setDefaultDevice } from '@mapgrad/tensor'
import { provideMapping } from '@mapgrad/tensor/plugin'
import { materialize, vmapFlat } from '@mapgrad/vmap/plugin'

setDefaultDevice(cpu)
enableAutograd()
provideMapping((f, xs, dims, size) => vmapFlat((all, trace) => f(all).map((y) => materialize(trace, y, 0)), xs, dims, size, 'different'))
