import { testMutants } from './mutant-files.js'

testMutants(2)
