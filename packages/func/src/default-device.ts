import { enableAutograd } from '@mapgrad/autodiff'
import { cpu } from '@mapgrad/backend-cpu'
import { setDefaultDevice } from '@mapgrad/tensor'

setDefaultDevice(cpu)
enableAutograd()
