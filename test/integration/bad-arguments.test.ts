import t from 'tap'
import { createEnsembleMember } from '../../lib/index.js'
import { freePorts } from '../fixtures/integration-ports.js'

const MEBIBYTE = 1024 * 1024

const INVALID_PATHS: readonly string[] = [
  '',
  'a',
  'a/b',
  '//',
  '/a/',
  '/a//b',
  '/.',
  '/..',
  '/a/./b',
  '/a/../b',
  '/a\u0000b',
  '/a\u0001b',
  '/a\u007fb',
  '/a\ud800b',
  '/a\ufff0b',
  `/${'x'.repeat(1_024)}`
]

t.test('a znode takes 1 MiB of data and not a byte more', async t => {
  const member = await createEnsembleMember(['memory:one'])
  t.teardown(() => member.close())
  const largest = Buffer.alloc(MEBIBYTE, 'x')
  await member.create('/largest', largest)
  t.ok((await member.getData('/largest')).data?.equals(largest))
  const zxid = member.local.zxid
  const tooLarge = Buffer.alloc(MEBIBYTE + 1, 'x')
  await t.rejects(member.create('/larger', tooLarge), { code: 'BAD_ARGUMENTS', outcome: 'not-applied' })
  await t.rejects(member.setData('/largest', tooLarge), { code: 'BAD_ARGUMENTS', outcome: 'not-applied' })
  await t.rejects(member.multi([{ type: 'create', path: '/larger', data: tooLarge }]), { code: 'BAD_ARGUMENTS' })
  await t.rejects(member.create('/larger', 'ü'.repeat(MEBIBYTE / 2 + 1)), { code: 'BAD_ARGUMENTS' }, 'text counts in bytes')
  t.equal(member.local.zxid, zxid, 'nothing of it has reached the log')
  t.ok((await member.getData('/largest')).data?.equals(largest))
})

t.test('an invalid path is refused by every call before anything is sent', async t => {
  const member = await createEnsembleMember(['memory:one'])
  t.teardown(() => member.close())
  const zxid = member.local.zxid
  for (const path of INVALID_PATHS) {
    const refusal = { code: 'BAD_ARGUMENTS', outcome: 'not-applied' }
    const words = JSON.stringify(path.slice(0, 10))
    await t.rejects(member.create(path), refusal, `create ${words}`)
    await t.rejects(member.delete(path), refusal, `delete ${words}`)
    await t.rejects(member.exists(path), refusal, `exists ${words}`)
    await t.rejects(member.getData(path), refusal, `getData ${words}`)
    await t.rejects(member.setData(path, null), refusal, `setData ${words}`)
    await t.rejects(member.getChildren(path), refusal, `getChildren ${words}`)
    await t.rejects(member.multi([{ type: 'check', path }]), refusal, `multi ${words}`)
    t.throws(() => member.watch(path), refusal, `watch ${words}`)
    t.throws(() => member.local.getData(path), refusal, `local ${words}`)
  }
  t.equal(member.local.zxid, zxid, 'nothing of it has reached the log')
})

t.test('an address that cannot be listened on is refused, and leaves nothing behind', async t => {
  const [port] = await freePorts(1)
  const address = `tcp://127.0.0.1:${port}`
  const dataDir = t.testdir()
  const holder = await createEnsembleMember([address])
  await t.rejects(createEnsembleMember([address], { id: 1, dataDir }), { code: 'ADDRESS_UNAVAILABLE' }, 'taken')
  await t.rejects(createEnsembleMember([address], { dataDir }), { code: 'ADDRESS_UNAVAILABLE' }, 'taken, and the only one')
  await holder.close()
  const foreign = ['tcp://192.0.2.1:2888']
  await t.rejects(createEnsembleMember(foreign, { id: 1, dataDir, insecure: true }), { code: 'ADDRESS_UNAVAILABLE' }, 'not ours')
  await t.rejects(createEnsembleMember(foreign, { id: 1, dataDir }), { code: 'BAD_ARGUMENTS' }, 'beyond loopback, without a word')
  const socket = ['ipc:///does/not/exist.sock']
  await t.rejects(createEnsembleMember(socket, { id: 1, dataDir }), { code: 'ADDRESS_UNAVAILABLE' }, 'no such directory')
  const member = await createEnsembleMember([address], { dataDir })
  await member.close()
})
