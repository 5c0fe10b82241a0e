import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where Debian puts `libzookeeper-java` and what it needs; another folder with the same names by `ZOOKEEPER_JARS`. */
const FOLDER = process.env.ZOOKEEPER_JARS ?? '/usr/share/java'

const NEEDED = [
  'zookeeper',
  'zookeeper-jute',
  'slf4j-api',
  'slf4j-nop',
  'snappy-java',
  'metrics-core',
  'netty-handler',
  'netty-transport'
]

/** What java needs to run a ZooKeeper; or what is missing for that, in words. */
export function findZooKeeper(): { readonly classPath: string } | { readonly missing: readonly string[] } {
  const missing = ['java', 'javac'].filter(program => spawnSync(program, ['-version']).status !== 0)
  const jars = NEEDED.map(name => join(FOLDER, `${name}.jar`))
  missing.push(...jars.filter(jar => !existsSync(jar)))
  return missing.length > 0 ? { missing } : { classPath: jars.join(':') }
}
