import { bare } from './bare/bare.js'
import type { Contender } from './contender.js'
import { etcd } from './etcd/etcd.js'
import { nodeZooKeeper } from './node-zookeeper/node-zookeeper.js'
import { ours } from './ours/ours.js'
import { zooKeeper } from './zookeeper/zookeeper.js'

/** By the word that `--contenders` takes. */
const CONTENDERS: { readonly [word: string]: Contender } = {
  ours,
  bare,
  zookeeper: zooKeeper,
  'node-zookeeper': nodeZooKeeper,
  etcd
}

/** What a bench that compares has to do with. */
export interface Field {
  /** In the order in which they were asked for. */
  readonly found: readonly Contender[]
  /** Of everyone asked for: what runs, or what is missing on this machine. */
  readonly versions: { readonly [contender: string]: string }
}

/** Those of `words` (with commas between them; all without) that this machine can run. */
export function contendersFor(words: string | undefined): Field {
  const asked = (words?.split(',') ?? Object.keys(CONTENDERS)).map(word => {
    const contender = CONTENDERS[word]
    if (contender === undefined) throw new Error(`no contender '${word}'; there are ${Object.keys(CONTENDERS).join(', ')}`)
    return { contender, state: contender.found() }
  })
  return {
    found: asked.filter(({ state }) => 'version' in state).map(({ contender }) => contender),
    versions: Object.fromEntries(
      asked.map(({ contender, state }) => [
        contender.name,
        'version' in state ? state.version : `left out, missing: ${state.missing}`
      ])
    )
  }
}
