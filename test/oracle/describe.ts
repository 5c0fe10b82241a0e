import type { Step, WriteOp } from './step.js'

const TEXT_MAX = 60

/** A step in one short line, with the path that its sequence lives below as it is. */
export function describe(step: Step): string {
  return `session ${step.session} ${actionOf(step)}`
}

function actionOf({ session, kind, ...rest }: Step): string {
  if (kind === 'multi' && 'ops' in rest) return `multi ${rest.ops.map(op => opOf(op as WriteOp)).join(' + ')}`
  if (kind === 'awaitGone' && 'first' in rest && rest.first !== null) return `${describe(rest.first)}, awaitGone ${rest.path}`
  return opOf({ kind, ...rest })
}

function opOf({ kind, ...rest }: { readonly kind: string }): string {
  const said = Object.entries(rest).flatMap(([name, value]) => {
    if (name === 'path' || name === 'prefix') return [shown(value)]
    if (isUsual(name, value)) return []
    return [`${name}=${shown(value)}`]
  })
  return [kind, ...said].join(' ')
}

function isUsual(name: string, value: unknown): boolean {
  if (name === 'acl') return shown(value) === '[{"perms":31,"scheme":"world","id":"anyone"}]'
  if (name === 'watcher') return value === null
  if (name === 'mode') return value === 0
  if (name === 'data') return value === ''
  return (name === 'version' || name === 'ttl') && value === -1
}

/** A value in as many characters as one wants to read. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, each) => (typeof each === 'string' && each.length > TEXT_MAX ? cut(each) : each))
  if (typeof value === 'string' && /^[~/][\w/~-]*$/.test(value)) return cut(value)
  return text ?? 'nothing'
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… (${text.length})` : text
}
