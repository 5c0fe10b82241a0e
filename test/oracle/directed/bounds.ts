import type { Sequence } from '../step.js'
import { create, createOp, exists, multi, remove, setData } from '../steps.js'

const big = (length: number): string => 'x'.repeat(length)
const MAX_BUFFER = 1_048_575

/** How much is too much. Each ends what it began with: where ZooKeeper gives up the connection, its client connects anew. */
export const BOUNDS: readonly Sequence[] = [
  {
    name: 'a znode of a megabyte, but for what goes around it',
    steps: [create('~/a', { data: big(MAX_BUFFER - 200) }), setData('~/a', big(MAX_BUFFER - 100)), exists('~/a'), remove('~/a')]
  },
  { name: 'a create of more than a megabyte', steps: [create('~/a', { data: big(MAX_BUFFER + 1) }), exists('~/a')] },
  { name: 'a setData of more than a megabyte', steps: [create('~/a'), setData('~/a', big(MAX_BUFFER + 2)), exists('~/a')] },
  { name: 'a long path', steps: [create(`~/${big(900)}`), create(`~/${big(2_000)}`), exists('~')] },
  { name: 'a deep path', steps: Array.from({ length: 135 }, (_, depth) => create(`~${'/d'.repeat(depth + 1)}`)) },
  { name: 'a long multi', steps: [multi(...Array.from({ length: 1_001 }, (_, index) => createOp(`~/n${index}`))), exists('~')] }
]
