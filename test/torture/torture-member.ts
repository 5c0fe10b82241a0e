import type { EnsembleMember, MemberOptions, Peers } from '../../lib/index.js'
import { createEnsembleMemberIn, nodeRuntime } from '../../lib/member/index.js'
import { Recorder } from '../../lib/sim/clients/recorder.js'
import { Workload } from '../../lib/sim/clients/workload.js'
import { openDirectoryStorage } from '../../lib/storage/index.js'
import { TcpTransport } from '../../lib/transport/index.js'
import { failureOf } from '../fixtures/integration-load.js'
import type { Command, Notice, Reply, Request } from '../fixtures/integration-messages.js'
import { until } from '../fixtures/integration-until.js'
import { HistoryFile } from './history-file.js'
import { RoutedTransport } from './routed-transport.js'
import { machineClock, NUMBERS_PER_PROCESS, TORTURE_WORKLOAD, type TortureOrder } from './torture-order.js'

// A process of a tortured ensemble: a member on real sockets and a real disk, and clients whose every step is written down. It carries out
// what its parent asks as a process of the integration tests does.

/** For what is under way when the load ends: longer than a call may take. */
const END_MILLISECONDS = 60_000

const order = JSON.parse(process.argv[2] ?? '') as TortureOrder
const file = new HistoryFile(order.historyFile)
const recorder = new Recorder({
  clock: machineClock,
  firstNumber: order.process * NUMBERS_PER_PROCESS,
  onEvent: event => file.add(event),
  onUnexpected: (error, event) => tell({ kind: 'refused', what: JSON.stringify(event), failure: failureOf(error) })
})
let member: EnsembleMember | null = null
const load = new Workload(recorder, {
  seed: order.seed,
  ...TORTURE_WORKLOAD
})

process.on('message', ({ number, command }: Request) => {
  carryOut(command).then(
    result => reply({ kind: 'done', number, result }, command.kind === 'close'),
    (error: unknown) => reply({ kind: 'failed', number, failure: failureOf(error) }, command.kind === 'start')
  )
})
process.on('disconnect', dieWithParent)

async function carryOut(command: Command): Promise<unknown> {
  switch (command.kind) {
    case 'start':
      return start(command.peers, command.options)
    case 'status':
      return member?.status() ?? null
    case 'endLoad':
      load.stop()
      await until('the clients have had their answers', () => load.idle, END_MILLISECONDS)
      return null
    case 'close':
      await member?.close()
      return null
    default:
      throw new Error(`a tortured member does not know ${command.kind}`)
  }
}

/** The clients begin as soon as the member serves. */
async function start(peers: Peers, options: MemberOptions): Promise<void> {
  const runtime = nodeRuntime()
  member = await createEnsembleMemberIn(peers, options, {
    runtime,
    transports: ({ secret, ensemble }, { scheduler }) => ({
      tcp: new RoutedTransport(new TcpTransport({ scheduler, secret, ensembleName: ensemble }), new Map(order.routes))
    }),
    storage: ({ dataDir }, storageOptions) => openDirectoryStorage(dataDir ?? '', storageOptions)
  })
  member.on('error', error => tell({ kind: 'fatal', failure: failureOf(error) }))
  load.start(member, { process: order.process, scheduler: runtime.scheduler })
}

/** After the last reply the parent is let go of: what keeps the process alive from then on is what the member has left behind. */
function reply(message: Reply, isLast: boolean): void {
  if (!process.connected) return
  process.send?.(message, () => {
    if (!isLast) return
    process.off('disconnect', dieWithParent)
    process.disconnect()
  })
}

function tell(notice: Notice): void {
  if (process.connected) process.send?.(notice)
}

function dieWithParent(): void {
  process.kill(process.pid, 'SIGKILL')
}
