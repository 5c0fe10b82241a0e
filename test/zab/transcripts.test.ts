import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runTranscript } from './transcript.js'

// After a change that is meant: ZAB_TRANSCRIPTS=write, then read the diff.
const REWRITE = process.env.ZAB_TRANSCRIPTS === 'write'

const directory = join(sourceRoot(), 'test/zab/transcripts')
const files = readdirSync(directory).filter(name => name.endsWith('.txt'))

t.ok(files.length > 10, 'the transcripts are found')
for (const name of files) {
  t.test(`the protocol does what ${name} says`, async t => {
    const path = join(directory, name)
    const expected = readFileSync(path, 'utf8')
    const actual = runTranscript(expected)
    if (REWRITE) writeFileSync(path, actual)
    else t.equal(actual, expected)
  })
}

/** Tests run compiled, from any output directory: the sources lie beside the package.json above it. */
function sourceRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json')) || !existsSync(join(directory, 'test/zab/transcripts'))) {
    const parent = dirname(directory)
    if (parent === directory) throw new Error('no package.json above the tests')
    directory = parent
  }
  return directory
}
