import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Name and version of a package of the bench, or null when it is not installed. */
export function packageVersion(name: string): string | null {
  const require = createRequire(import.meta.url)
  try {
    const { version }: { readonly version: string } = JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8'))
    return `${name} ${version}`
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}
