import type { Written } from './demo-messages.js'

/** What was acknowledged to anybody, written down outside of the ensemble, to be held against what its members have in the end. */
export class Ledger {
  /** By path: the write of the highest version that was acknowledged. */
  readonly #writes = new Map<string, Written>()
  readonly #faults: string[] = []
  #count = 0

  /** Writes acknowledged so far. */
  get count(): number {
    return this.#count
  }

  acknowledged(write: Written): void {
    this.#count++
    const fault = versionFault(write)
    if (fault !== null) this.#faults.push(`acknowledged wrongly: ${fault}`)
    const known = this.#writes.get(write.path)
    if (known === undefined || known.version < write.version) this.#writes.set(write.path, write)
  }

  /** A write that the ensemble has refused. In the demo there is no reason to. */
  refused(reason: string): void {
    this.#faults.push(`a write was refused: ${reason}`)
  }

  /** What is wrong with what a member holds, in words. */
  compare(dump: readonly Written[]): readonly string[] {
    const found = new Map(dump.map(znode => [znode.path, znode]))
    const faults = [...this.#faults]
    for (const { path, version } of this.#writes.values()) {
      const znode = found.get(path)
      if (znode === undefined) faults.push(`${path} was acknowledged and is not there`)
      else if (znode.version < version) faults.push(`${path}: version ${version} was acknowledged, ${znode.version} is there`)
    }
    for (const znode of dump) {
      const fault = versionFault(znode)
      if (fault !== null) faults.push(fault)
    }
    return faults
  }
}

/** A znode `value n` is created and never set: version 0. A counter's data is how often it has been set: its version. */
function versionFault({ path, data, version }: Written): string | null {
  const isCreated = data.startsWith('value ')
  if (isCreated && data !== `value ${path.split('/').at(-1)}`) return `${path} holds '${data}'`
  const expected = isCreated ? 0 : Number(data)
  return version === expected ? null : `${path} has version ${version} instead of ${expected}`
}
