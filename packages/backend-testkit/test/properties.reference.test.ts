import { reference } from '@mapgrad/backend-cpu'
import { properties, suite } from '@mapgrad/backend-testkit'
import { describe, test } from 'vitest'

suite({ describe, test }, reference, properties(reference))
