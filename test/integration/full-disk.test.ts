import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { until } from '../fixtures/integration-until.js'

const TMPFS_BYTES = 24 * 1024 * 1024

/** What is left of it when the disk is about to be full. */
const BYTES_LEFT = 128 * 1024

/** Null where a process may have a small file system of its own. */
async function obstacle(): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'ezk-'))
  const { status } = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', directory], { stdio: 'ignore' })
  await rm(directory, { recursive: true })
  return status === 0 ? null : 'a small file system needs Linux, and the right to mount it'
}

const skip = (await obstacle()) ?? false

for (const role of ['a follower', 'the leader']) {
  t.test(
    `when the disk of ${role} is full, it steps down and says so, loses nothing, and returns when there is room`,
    { skip },
    async t => {
      const cluster = await ProcessCluster.of(t, { options: { tickTime: 100 } })
      for (const id of cluster.ids) {
        const directory = cluster.dataDir(id)
        await mkdir(directory, { mode: 0o700 })
        cluster.launch(id, {}, { tmpfs: { directory, bytes: TMPFS_BYTES } })
      }
      await Promise.all(cluster.members.map(member => member.started))
      const leader = await cluster.settledLeader()
      const [follower] = cluster.followersOf(leader)
      const full = role === 'the leader' ? leader : (follower ?? leader)
      for (const member of cluster.members) await member.load({ outstanding: 8, bytes: 500 })
      await until('they write', () => cluster.ledger.acknowledged > 200)

      const ballast = join(cluster.dataDir(full.id), 'ballast')
      await full.fillDisk(ballast, BYTES_LEFT)
      await until('it says that its disk has failed', () => full.progress.some(({ kind }) => kind === 'storageFailed'))
      const status = await until('it has stepped down', async () => {
        const status = await full.status()
        return status !== null && !status.serving && status
      })
      t.match(status, { role: 'looking' })
      const acknowledged = cluster.ledger.acknowledged
      await until('the others go on', () => cluster.ledger.acknowledged > acknowledged + 300)
      t.not((await full.status())?.serving, true, 'and it does not take part while there is no room')

      await full.freeDisk(ballast)
      await until('it says that its disk can be used again', () => full.progress.some(({ kind }) => kind === 'storageRecovered'))
      await cluster.settledLeader()
      for (const member of cluster.members) await member.endLoad()
      await cluster.assertWhole(t)
    }
  )
}
