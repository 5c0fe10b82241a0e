import type { Heard, Outcome } from './outcome.js'
import type { Step } from './step.js'

/** One thing that the two do not agree about. */
export interface Difference {
  readonly step: Step
  /** What the sequence has done before. */
  readonly before: readonly Step[]
  /** Where in the outcome, such as `given.stat.cversion`. */
  readonly field: string
  /** Undefined: it has nothing there. */
  readonly zookeeper: unknown
  readonly ours: unknown
  /** The whole outcomes, as compared. */
  readonly outcomes: { readonly zookeeper: Plain; readonly ours: Plain }
}

/** An outcome in which everything that depends on which of the two it is has been replaced. */
export interface Plain {
  readonly code: number
  readonly given: unknown
  /** By session and watcher. */
  readonly events: { readonly [watcher: string]: readonly string[] }
}

/**
 * Brings the outcomes of one side into a form that the other's can be compared with. A zxid becomes the name of the step that it was the zxid
 * of; a time becomes the name of the zxid that it belongs to, as long as that has one time only.
 */
export class Normaliser {
  readonly #ends: { readonly zxid: number; readonly name: string }[] = []
  readonly #times = new Map<string, number>()

  /** `name` is that of the step; `here` the path that its sequence lives below. */
  plain({ code, zxid, given, events }: Outcome, name: string, here: string): Plain {
    const last = this.#ends.at(-1)?.zxid ?? 0
    if (zxid > last) this.#ends.push({ zxid, name })
    return { code, given: this.#replaced(given, here), events: eventsOf(events, here) }
  }

  #nameOf(zxid: unknown): string {
    if (typeof zxid !== 'number') return 'no number'
    if (zxid === 0) return '0'
    let [low, high] = [0, this.#ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ends[middle]?.zxid ?? 0) >= zxid) high = middle
      else low = middle + 1
    }
    return this.#ends[low]?.name ?? 'later'
  }

  #timeOf(time: unknown, zxid: unknown): string {
    if (typeof time !== 'number') return 'no number'
    if (time === 0) return '0'
    const key = `${zxid}`
    const known = this.#times.get(key)
    if (known === undefined) this.#times.set(key, time)
    return known === undefined || known === time
      ? `of ${this.#nameOf(zxid)}`
      : `not the one that it had, of ${this.#nameOf(zxid)}`
  }

  #replaced(value: unknown, here: string): unknown {
    if (typeof value === 'string') return value.replaceAll(here, '~')
    if (Array.isArray(value)) return value.map(each => this.#replaced(each, here))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, each]): [string, unknown] => {
      if (key === 'children' || key === 'paths' || key === 'acl' || key === 'auth')
        return [key, sorted(this.#replaced(each, here))]
      return [key, this.#replaced(each, here)]
    })
    const plain = Object.fromEntries(entries)
    const stat = value as { readonly [field: string]: unknown }
    if (!('czxid' in stat)) return plain
    return {
      ...plain,
      czxid: this.#nameOf(stat.czxid),
      mzxid: this.#nameOf(stat.mzxid),
      pzxid: this.#nameOf(stat.pzxid),
      ctime: this.#timeOf(stat.ctime, stat.czxid),
      mtime: this.#timeOf(stat.mtime, stat.mzxid)
    }
  }
}

/** Everything that the two do not agree about. */
export function differencesOf(step: Step, before: readonly Step[], zookeeper: Plain, ours: Plain): readonly Difference[] {
  const differences: Difference[] = []
  const tell = (field: string, theirs: unknown, own: unknown): void => {
    differences.push({ step, before, field: field.slice(1), zookeeper: theirs, ours: own, outcomes: { zookeeper, ours } })
  }
  const compare = (field: string, theirs: unknown, own: unknown): void => {
    if (isWhole(field)) {
      if (JSON.stringify(theirs) !== JSON.stringify(own)) tell(field, theirs, own)
    } else if (isRecord(theirs) && isRecord(own) && Array.isArray(theirs) === Array.isArray(own)) {
      for (const key of new Set([...Object.keys(theirs), ...Object.keys(own)])) compare(`${field}.${key}`, theirs[key], own[key])
    } else if (theirs !== own) tell(field, theirs, own)
  }
  compare('', zookeeper, ours)
  return differences
}

/** What says more as one than item by item. */
function isWhole(field: string): boolean {
  return /^\.events\.|\.(children|paths|acl|auth)$/.test(field)
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null
}

function eventsOf(events: readonly Heard[], here: string): { readonly [watcher: string]: readonly string[] } {
  const byWatcher: { [watcher: string]: string[] } = {}
  for (const { session, watcher, type, path } of events) {
    const key = `session ${session} watcher ${watcher}`
    byWatcher[key] = [...(byWatcher[key] ?? []), `${type} ${path.replace(here, '~')}`]
  }
  return byWatcher
}

function sorted(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return [...value].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
