import { cpu, reference } from '@mapgrad/backend-cpu'
import { properties, suite } from '@mapgrad/backend-testkit'
import { describe, test } from 'vitest'

suite({ describe, test }, cpu, properties(cpu, { reference }))
