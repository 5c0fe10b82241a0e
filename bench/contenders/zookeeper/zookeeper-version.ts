import { spawnSync } from 'node:child_process'
import { findZooKeeper } from '../../../test/oracle/zookeeper-jars.js'

/** Which ZooKeeper is installed, and on which Java it would run; or what is missing for that. */
export function findZooKeeperVersion(): { readonly version: string } | { readonly missing: string } {
  const found = findZooKeeper()
  if ('missing' in found) return { missing: found.missing.join(', ') }
  const zooKeeper = spawnSync('java', ['-cp', found.classPath, 'org.apache.zookeeper.Version', '--short'], { encoding: 'utf8' })
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const name = /^(.+) Runtime Environment/m.exec(java.stderr)?.[1] ?? 'Java'
  const version = / version "([^"]+)"/.exec(java.stderr)?.[1] ?? 'of unknown version'
  return { version: `Apache ZooKeeper ${zooKeeper.stdout.trim()}, ${name} ${version}` }
}

/** The class path of the installed ZooKeeper. */
export function needZooKeeper(): string {
  const found = findZooKeeper()
  if ('missing' in found) throw new Error(`ZooKeeper cannot run without ${found.missing.join(', ')}`)
  return found.classPath
}
