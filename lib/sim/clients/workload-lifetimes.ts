import { type Random, randomInt } from '../../base/index.js'
import type { ClientTools } from './client-tools.js'
import { integerWithin } from './workload-options.js'

const CONTAINERS = 3
const CHILDREN = 2
const MORTALS = 5
/** Ephemerals of one session that are created together: more than one txn of its end deletes where that bound is tiny. */
const TOGETHER = 8

/** Containers that fill and empty, znodes whose time to live passes, and ephemerals by the dozen: what goes without being deleted. */
export class LifetimeWork {
  readonly #tools: ClientTools

  constructor(tools: ClientTools) {
    this.#tools = tools
  }

  container(random: Random): void {
    const { session } = this.#tools
    const container = `/con/c${randomInt(random, CONTAINERS)}`
    const child = `${container}/k${randomInt(random, CHILDREN)}`
    const dice = random.float()
    const options = this.#tools.callOptions(random)
    const value = this.#tools.value(random)
    if (dice < 0.3) this.#create('container', container, value, { ...options, container: true })
    else if (dice < 0.38)
      this.#create('container sequential', '/con/s-', value, { ...options, container: true, sequential: true })
    else if (dice < 0.62) this.#create('container child', child, value, { ...options, ephemeral: random.float() < 0.4 })
    else if (dice < 0.68) this.#create('container in container', child, value, { ...options, container: true })
    else if (dice < 0.9) this.#tools.track('container child delete', session.delete(child, options))
    else this.#tools.track('container getChildren', session.getChildren(container, this.#tools.readOptions(random)))
  }

  ttl(random: Random): void {
    const { session } = this.#tools
    const path = this.#mortal(random)
    const ttl = integerWithin(random, this.#tools.options.ttlMilliseconds)
    const dice = random.float()
    const options = this.#tools.callOptions(random)
    const value = this.#tools.value(random)
    if (dice < 0.4) this.#create('ttl', path, value, { ...options, ttl })
    else if (dice < 0.5) this.#create('ttl sequential', '/ttl/n-', value, { ...options, ttl, sequential: true })
    else if (dice < 0.6) this.#create('ttl child', `${path}/k`, value, { ...options, ...(random.float() < 0.5 ? { ttl } : {}) })
    else if (dice < 0.68) this.#tools.track('ttl child delete', session.delete(`${path}/k`, options))
    else if (dice < 0.85) this.#tools.track('ttl setData', session.setData(path, value, options))
    else if (dice < 0.95) this.#tools.track('ttl getData', session.getData(path, this.#tools.readOptions(random)))
    else this.#tools.track('ttl getChildren', session.getChildren('/ttl', this.#tools.readOptions(random)))
  }

  touch(random: Random): void {
    const dice = random.float()
    const path = dice < 0.75 ? this.#mortal(random) : dice < 0.9 ? `/con/c${randomInt(random, CONTAINERS)}` : `/guarded/g0`
    this.#tools.track('touch', this.#tools.session.touch(path, this.#tools.callOptions(random)))
  }

  manyEphemerals(random: Random): void {
    for (let count = 3 + randomInt(random, TOGETHER - 2); count > 0 && this.#tools.room > 0; count--) {
      const flags = { ephemeral: true, sequential: true }
      this.#tools.track('many ephemerals', this.#tools.session.create('/own/n-', this.#tools.value(random), flags))
    }
  }

  #mortal(random: Random): string {
    return `/ttl/t${randomInt(random, MORTALS)}`
  }

  /** What everything of the kind stands below is created when it is missed. */
  #create(kind: string, path: string, value: string, options: Parameters<ClientTools['session']['create']>[2]): void {
    const { session } = this.#tools
    const [, root] = path.split('/')
    this.#tools.track(kind, session.create(path, value, options), undefined, code => {
      if (code === 'NO_NODE' && this.#tools.room > 0) this.#tools.track('create missing', session.createIfAbsent(`/${root}`))
    })
  }
}
