import assert from 'node:assert/strict'
import { counterOf, type Epoch, epochOf, type MemberId, makeZxid, type Zxid } from '../../lib/base/index.js'
import {
  batchOf,
  type DurableChange,
  type LogSummary,
  type Waiting,
  type ZabEffect,
  type ZabEvent,
  type ZabMessage
} from '../../lib/zab/index.js'
import { ZabCluster, type ZabNode } from '../fixtures/zab-cluster.js'

/**
 * Runs a transcript: blocks of commands, each followed by `----` and what came of it. Returns the same text with what really came of it.
 *
 * A line `2 <- 1 followerInfo ...` is an event at a peer, the indented lines under it are its effects, in order. `show` says how much of
 * it appears: `roles`, `protocol` (without notifications and pings), `all`, or `none`. Zxids read `epoch:counter`.
 */
export function runTranscript(text: string): string {
  const transcript = new Transcript()
  const blocks = text.trimEnd().split(/\n\n+(?!$)/)
  return `${blocks.map(block => transcript.block(block)).join('\n\n')}\n`
}

type Show = 'none' | 'roles' | 'protocol' | 'all'

const CHATTER: readonly string[] = ['notification', 'ping', 'pong']

class Transcript {
  #cluster = new ZabCluster(1, 1)
  #show: Show = 'protocol'
  #lines: string[] = []
  readonly #ensembles: string[] = []

  block(block: string): string {
    const lines = block.split('\n')
    const rule = lines.indexOf('----')
    const head = rule < 0 ? lines : lines.slice(0, rule)
    const commands = head.filter(line => !line.startsWith('#'))
    if (commands.length === 0) return block
    this.#lines = []
    for (const command of commands) this.#run(command)
    return [...head, '----', ...(this.#lines.length > 0 ? this.#lines : ['ok'])].join('\n')
  }

  #run(line: string): void {
    const words = line.trim().split(/\s+/)
    const [command = ''] = words
    const named = new Map(words.filter(word => word.includes('=')).map(word => word.split('=') as [string, string]))
    const plain = words.slice(1).filter(word => !word.includes('='))
    const ids = () => (plain[0] === 'all' ? this.#cluster.ids : plain.filter(word => /^\d+$/.test(word)).map(Number))
    const id = (index: number) => Number(plain[index])
    const many = (name: string) => (named.get(name) ?? '').split(',').filter(Boolean).map(Number)
    const cluster = this.#cluster
    switch (command) {
      case 'cluster':
        this.#cluster = new ZabCluster(id(0), 1, {
          order: 'fixed',
          salvage: many('salvage'),
          observe: (node, event, effects) => this.#observe(node, event, effects)
        })
        return
      case 'show':
        this.#show = plain[0] as Show
        return
      case 'start':
        for (const member of ids()) cluster.start(member)
        return
      case 'crash':
        for (const member of ids()) cluster.crash(member, Number(named.get('landed') ?? 0))
        return
      case 'wipe':
        for (const member of ids()) cluster.wipe(member)
        return
      case 'damage':
        return cluster.damage(id(0), Number(named.get('keeping') ?? 0))
      case 'cut':
        return cluster.cut(id(0), id(1), many('late'))
      case 'heal':
        return plain[0] === 'all' ? cluster.healAll() : cluster.heal(id(0), id(1))
      case 'notice':
        return cluster.notice(id(0), id(1))
      case 'hold':
        return cluster.hold(id(0), id(1), plain[2] ?? '*')
      case 'release':
        return cluster.release(id(0), id(1))
      case 'stall':
        for (const member of ids()) cluster.node(member).stalled = true
        return
      case 'unstall':
        for (const member of ids()) cluster.node(member).stalled = false
        return
      case 'settle':
        return cluster.settle()
      case 'write':
        return cluster.completeWrite(cluster.node(id(0)))
      case 'hand':
        return cluster.deliverMessage(cluster.node(id(0)).id, cluster.node(id(1)).id)
      case 'tick':
        for (let tick = 0; tick < Number(named.get('times') ?? 1); tick++) {
          cluster.tick(plain.length === 0 ? cluster.ids : ids())
          cluster.settle()
        }
        return
      case 'serve':
        return cluster.untilServing(plain.length === 0 ? cluster.ids : ids())
      case 'propose':
        return cluster.proposeAt(id(0), Number(plain[1] ?? 1))
      case 'abdicate':
        return cluster.step(cluster.node(id(0)), { kind: 'abdicate', reason: plain.slice(1).join(' ') })
      case 'forget':
        return cluster.checks.forget()
      case 'confirm':
        return cluster.confirm()
      case 'purge':
        for (const member of ids()) cluster.purge(member)
        return
      case 'cutlog':
        return cluster.node(id(0)).disk.apply({ kind: 'truncate', zxid: parse(plain[1] ?? '') as Zxid })
      case 'accepted':
        cluster.node(id(0)).disk.acceptedEpoch = id(1) as Epoch
        return
      case 'inject': {
        const message = { kind: plain[2], ...Object.fromEntries([...named].map(([key, value]) => [key, parse(value)])) }
        return cluster.step(cluster.node(id(1)), {
          kind: 'received',
          from: id(0) as MemberId,
          message: message as unknown as ZabMessage
        })
      }
      case 'roles':
        for (const node of cluster.nodes.values()) this.#lines.push(this.#role(node))
        return
      case 'disks':
        for (const node of cluster.nodes.values()) this.#lines.push(this.#disk(node))
        return
      default:
        assert.fail(`no command ${command}`)
    }
  }

  #observe(node: ZabNode, event: ZabEvent, effects: readonly ZabEffect[]): void {
    if (this.#show === 'none') return
    const shown = effects.map(effect => this.#effect(effect)).filter(line => line !== null)
    if (this.#show === 'roles') {
      this.#lines.push(...shown.map(line => `${node.id} ${line}`))
      return
    }
    if (shown.length === 0 && !this.#isWorthTelling(event)) return
    this.#lines.push(`${node.id} ${this.#event(event)}`, ...shown.map(line => `  ${line}`))
  }

  #isWorthTelling(event: ZabEvent): boolean {
    if (this.#show === 'all') return true
    return event.kind === 'received' && !CHATTER.includes(event.message.kind)
  }

  #event(event: ZabEvent): string {
    switch (event.kind) {
      case 'received':
        return `<- ${event.from} ${this.#message(event.message)}`
      case 'written':
        return `written #${event.write}`
      case 'linkUp':
      case 'linkDown':
        return `${event.kind} ${event.peer}`
      case 'propose':
        return `propose ${format(event.batch)}`
      case 'purged':
        return `purged ${format(event.zxidBase, 'zxid')}`
      case 'streamed':
        return `streamed to ${event.to} through ${format(event.through, 'zxid')}`
      case 'confirm':
        return `confirm #${event.confirmation}`
      case 'abdicate':
        return `abdicate: ${event.reason}`
      default:
        return event.kind
    }
  }

  #effect(effect: ZabEffect): string | null {
    switch (effect.kind) {
      case 'role':
        return `is ${effect.role}${effect.leader === null ? '' : ` ${effect.leader}`} (${effect.reason})`
      case 'serving':
        return `serves under ${effect.leader} in epoch ${effect.epoch} from ${format(effect.zxidHistory, 'zxid')}`
    }
    if (this.#show === 'roles') return null
    const chatty = this.#show === 'all'
    switch (effect.kind) {
      case 'send':
        if (!chatty && CHATTER.includes(effect.message.kind)) return null
        return `-> ${effect.to} ${this.#message(effect.message)}`
      case 'write': {
        const then = effect.thenSend.map(({ to, message }) => `, then -> ${to} ${this.#message(message)}`)
        return `write #${effect.write} ${this.#change(effect.change)}${then.join('')}`
      }
      case 'pong':
      case 'learnerAlive':
        return chatty ? `${effect.kind}` : null
      case 'deliver':
        return `deliver through ${format(effect.through, 'zxid')}`
      case 'replaced':
        return `replaced from ${format(effect.zxidBase, 'zxid')}`
      case 'stream':
        return `stream to ${effect.to}: ${effect.from.kind}${effect.from.kind === 'log' ? ` behind ${format(effect.from.after, 'zxid')}` : ''}`
      case 'cancelStream':
        return `cancel the stream to ${effect.to}`
      case 'confirmed':
        return `confirmed #${effect.confirmation} at ${format(effect.zxid, 'zxid')}`
      case 'ensemble':
        return `ensemble ${this.#ensemble(effect.ensembleId)}`
      case 'disconnect':
        return `disconnect ${effect.peer}: ${effect.reason}`
      case 'fatal':
        return `fatal ${effect.code}: ${effect.reason}`
    }
  }

  #message(message: ZabMessage): string {
    if (message.kind === 'notification') {
      const { vote, state, round, acceptedEpoch, standing, epoch } = message
      const named = vote === null ? 'nobody' : `${vote.leader} at ${vote.epoch}/${format(vote.zxid, 'zxid')}`
      return `notification ${state} ${standing} round=${round} votes ${named} accepted=${acceptedEpoch} epoch=${epoch}`
    }
    const { kind, ...fields } = message
    return [kind, ...this.#fields(fields)].join(' ')
  }

  #change(change: DurableChange): string {
    const { kind, ...fields } = change
    return [kind, ...this.#fields(fields)].join(' ')
  }

  #fields(fields: object): string[] {
    return Object.entries(fields)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => `${key}=${key === 'ensembleId' ? this.#ensemble(value) : format(value, key)}`)
  }

  /** Ensemble ids are random; the first to appear is E1. */
  #ensemble(ensembleId: string): string {
    if (!this.#ensembles.includes(ensembleId)) this.#ensembles.push(ensembleId)
    return `E${this.#ensembles.indexOf(ensembleId) + 1}`
  }

  #role(node: ZabNode): string {
    const { id, peer } = node
    if (peer === null) return `${id} is down`
    if (peer.role === 'looking') return `${id} looking, waits for ${waitingFor(peer.waiting)}`
    const serving = peer.serving ? 'serving' : 'not serving'
    const uncounted = peer.learners.filter(learner => !learner.counted).map(learner => learner.id)
    return `${id} ${peer.role} ${peer.leader} in epoch ${peer.epoch}, ${serving}${uncounted.length > 0 ? `, does not count ${uncounted}` : ''}`
  }

  #disk({ id, disk, peer }: ZabNode): string {
    const { acceptedEpoch, currentEpoch, ensembleId, vote, damaged, history } = disk
    const batches = history.batches.map(batch => format(batch)).join(' ')
    const snapshot = history.snapshot === null ? '' : `snapshot ${format(history.snapshot.zxid, 'zxid')} `
    const ensemble = ensembleId === null ? '-' : this.#ensemble(ensembleId)
    const flags = `${damaged ? ' damaged' : ''}${disk.staged === null ? '' : ' staging'}`
    const standing = peer === null ? `vote ${vote}` : peer.standing
    return `${id} accepted=${acceptedEpoch} current=${currentEpoch} ${ensemble} ${standing}${flags} log: ${snapshot}${batches || '-'}`
  }
}

function waitingFor(waiting: Waiting | null): string {
  if (waiting === null) return 'nothing'
  const { kind, missing, withoutHistory } = waiting
  return `${kind}${missing.length > 0 ? `, missing ${missing}` : ''}${withoutHistory.length > 0 ? `, without history ${withoutHistory}` : ''}`
}

/** Zxids as `epoch:counter`, batches as `epoch:first..last`, logs as their base and their epochs' ends. */
function format(value: unknown, key = ''): string {
  if (typeof value === 'number' && key.startsWith('zxid')) return `${epochOf(value as Zxid)}:${counterOf(value as Zxid)}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value !== 'object' || value === null) return String(value)
  if ('epochEnds' in value) {
    const { zxidBase, epochEnds } = value as LogSummary
    return `${format(zxidBase, 'zxid')}[${epochEnds.map(end => `${end.epoch}:${end.counter}`).join(' ')}]`
  }
  if ('zxidFirst' in value && 'count' in value) {
    const { zxidFirst, count } = value as { zxidFirst: Zxid; count: number }
    return count === 1 ? format(zxidFirst, 'zxid') : `${format(zxidFirst, 'zxid')}..${counterOf(zxidFirst) + count - 1}`
  }
  if ('chunkCount' in value) {
    const { zxid, chunkCount } = value as { zxid: Zxid; chunkCount: number }
    return `${format(zxid, 'zxid')}/${chunkCount} chunks`
  }
  return JSON.stringify(value)
}

/** `5`, `true`, `2:3` (a zxid), `2:3+4` (a batch of four), `2:3+4!` (the same with a frame that lies). */
function parse(value: string): unknown {
  const batch = /^(\d+):(\d+)\+(\d+)(!?)$/.exec(value)
  if (batch !== null) {
    const made = batchOf(
      makeZxid(Number(batch[1]) as Epoch, Number(batch[2])),
      Array.from({ length: Number(batch[3]) }, () => new TextEncoder().encode('injected'))
    )
    if (batch[4] === '!') made.bytes[0] = 255
    return made
  }
  const zxid = /^(\d+):(\d+)$/.exec(value)
  if (zxid !== null) return makeZxid(Number(zxid[1]) as Epoch, Number(zxid[2]))
  if (value === 'true' || value === 'false') return value === 'true'
  if (value === 'null') return null
  return /^\d+$/.test(value) ? Number(value) : value
}
