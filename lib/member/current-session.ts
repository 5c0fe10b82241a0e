import { Transaction } from './transaction.js'
import type { ZooKeeper } from './zookeeper.js'

/** What is passed on, as it is, to the session of the moment. */
type Passed = Omit<
  ZooKeeper,
  'sessionId' | 'sessionTimeout' | 'sessionPassword' | 'state' | 'transaction' | 'chroot' | 'onState' | 'close'
>

type Given<Name extends keyof Passed> = Parameters<Passed[Name]>
type Told<Name extends keyof Passed> = ReturnType<Passed[Name]>

/** The calls of a member: those of whatever session it has at the moment. */
export abstract class CurrentSession implements Passed {
  /** The session of the moment. Throws what a caller is to be told when there is none. */
  protected abstract get current(): ZooKeeper

  create(...given: Given<'create'>): Told<'create'> {
    return this.#pass(session => session.create(...given))
  }

  createIfAbsent(...given: Given<'createIfAbsent'>): Told<'createIfAbsent'> {
    return this.#pass(session => session.createIfAbsent(...given))
  }

  delete(...given: Given<'delete'>): Told<'delete'> {
    return this.#pass(session => session.delete(...given))
  }

  exists(...given: Given<'exists'>): Told<'exists'> {
    return this.#pass(session => session.exists(...given))
  }

  getData(...given: Given<'getData'>): Told<'getData'> {
    return this.#pass(session => session.getData(...given))
  }

  setData(...given: Given<'setData'>): Told<'setData'> {
    return this.#pass(session => session.setData(...given))
  }

  touch(...given: Given<'touch'>): Told<'touch'> {
    return this.#pass(session => session.touch(...given))
  }

  getChildren(...given: Given<'getChildren'>): Told<'getChildren'> {
    return this.#pass(session => session.getChildren(...given))
  }

  getAllChildrenNumber(...given: Given<'getAllChildrenNumber'>): Told<'getAllChildrenNumber'> {
    return this.#pass(session => session.getAllChildrenNumber(...given))
  }

  getACL(...given: Given<'getACL'>): Told<'getACL'> {
    return this.#pass(session => session.getACL(...given))
  }

  setACL(...given: Given<'setACL'>): Told<'setACL'> {
    return this.#pass(session => session.setACL(...given))
  }

  addAuth(...given: Given<'addAuth'>): Told<'addAuth'> {
    return this.#pass(session => session.addAuth(...given))
  }

  whoAmI(): Told<'whoAmI'> {
    return this.#pass(session => session.whoAmI())
  }

  multi(...given: Given<'multi'>): Told<'multi'> {
    return this.#pass(session => session.multi(...given))
  }

  /** Sent by whatever session there is when it is committed. */
  transaction(): Transaction {
    return new Transaction((ops, options) => this.multi(ops, options))
  }

  multiRead(...given: Given<'multiRead'>): Told<'multiRead'> {
    return this.#pass(session => session.multiRead(...given))
  }

  setQuota(...given: Given<'setQuota'>): Told<'setQuota'> {
    return this.#pass(session => session.setQuota(...given))
  }

  getQuota(...given: Given<'getQuota'>): Told<'getQuota'> {
    return this.#pass(session => session.getQuota(...given))
  }

  sync(...given: Given<'sync'>): Told<'sync'> {
    return this.#pass(session => session.sync(...given))
  }

  watch(...given: Given<'watch'>): Told<'watch'> {
    return this.current.watch(...given)
  }

  removeWatches(...given: Given<'removeWatches'>): Told<'removeWatches'> {
    return this.#pass(session => session.removeWatches(...given))
  }

  checkWatches(...given: Given<'checkWatches'>): Told<'checkWatches'> {
    return this.#pass(session => session.checkWatches(...given))
  }

  getEphemerals(...given: Given<'getEphemerals'>): Told<'getEphemerals'> {
    return this.#pass(session => session.getEphemerals(...given))
  }

  #pass<T>(act: (session: ZooKeeper) => Promise<T>): Promise<T> {
    try {
      return act(this.current)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
