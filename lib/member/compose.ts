import { type MemberId, type Runtime, randomHex, ZooKeeperError } from '../base/index.js'
import {
  openDatabaseStorage,
  openDirectoryStorage,
  openMemoryStorage,
  type Storage,
  type StorageOptions
} from '../storage/index.js'
import { createPeerLinks, createTransports, type Transports } from '../transport/index.js'
import { chooseId } from './choose-id.js'
import type { EnsembleMember } from './ensemble-member.js'
import { Member } from './member.js'
import { nodeRuntime } from './node-runtime.js'
import { type CheckedOptions, checkOptions, type MemberOptions, type Peers } from './options.js'
import { Replica } from './replica.js'
import { loadReplica } from './replica-loader.js'

/** What a member is put into. Everything it does to the outside goes through these, so that a simulator can be its whole world. */
export interface Surroundings {
  readonly runtime: Runtime
  /** Opens the member's transports. */
  transports(options: CheckedOptions, runtime: Runtime): Transports
  /** Opens the member's store. */
  storage(options: CheckedOptions, storageOptions: StorageOptions): Promise<Storage>
}

/** Of this process: its clock, sockets and disk. */
function ofThisProcess(): Surroundings {
  return {
    runtime: nodeRuntime(),
    transports: ({ secret, ensemble, id }, { scheduler, random }) =>
      createTransports({ secret, ensembleName: ensemble, scheduler, name: `${ensemble}.${id ?? randomHex(random, 4)}` }),
    storage: ({ dataDir, storage }, storageOptions) => {
      if (dataDir !== null) return openDirectoryStorage(dataDir, storageOptions)
      return storage === null ? openMemoryStorage(storageOptions) : openDatabaseStorage(storage, storageOptions)
    }
  }
}

/** `createEnsembleMember` in given surroundings. */
export async function createEnsembleMemberIn(
  peers: Peers,
  memberOptions: MemberOptions,
  surroundings: Surroundings = ofThisProcess()
): Promise<EnsembleMember> {
  const options = checkOptions(peers, memberOptions)
  options.signal?.throwIfAborted()
  const { runtime } = surroundings
  const transports = surroundings.transports(options, runtime)
  const id = options.id ?? (await chooseId(options.addresses, transports, options))
  const { ensemble: ensembleName, snapRetainCount } = options
  const storage = await surroundings.storage(options, { ensembleName, memberId: id, snapRetainCount, random: runtime.random })
  let member: Member
  try {
    refuseLostHistory(storage, options)
    member = await assemble(id, options, runtime, transports, storage)
  } catch (error) {
    await storage.close()
    throw error
  }
  await member.start()
  return member
}

async function assemble(
  id: MemberId,
  options: CheckedOptions,
  runtime: Runtime,
  transports: Transports,
  storage: Storage
): Promise<Member> {
  const { identity, run, ensembleId, currentEpoch, damage } = storage.state
  const replica = damage === null ? await loadReplica(storage, runtime) : new Replica()
  const links = createPeerLinks({
    id,
    peers: options.addresses,
    transports,
    ensembleName: options.ensemble,
    secret: options.secret,
    insecure: options.insecure,
    // An ensemble that was never established has no name yet: its founders may still agree on another.
    introduction: { incarnation: identity.incarnation, run, ensembleId: currentEpoch > 0 ? ensembleId : null },
    runtime,
    keepaliveMilliseconds: options.tickTime,
    silenceMilliseconds: options.syncLimit * options.tickTime
  })
  // With chance in it, so that no loss of storage whatever makes this process answer for what a former one has asked.
  const runName = `${identity.incarnation}.${run}.${randomHex(runtime.random, 8)}`
  return new Member({ id, run: runName, options, runtime, storage, links, replica })
}

/** Alone, there is nobody to repair it from: going on silently would be forgetting what was acknowledged. */
function refuseLostHistory(storage: Storage, options: CheckedOptions): void {
  const { damage } = storage.state
  if (damage === null || options.addresses.size > 1 || options.salvage) return
  const way = "onLostQuorum: 'salvage' goes on from what is left"
  throw new ZooKeeperError('LOG_CORRUPTED', { message: `${damage.description}; ${way}`, zxid: damage.zxidProven })
}
