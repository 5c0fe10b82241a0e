import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import {
  isReservedPath,
  nameOf,
  parentOf,
  pathBytes,
  pathProblem,
  prefixProblem,
  sequentialSuffix
} from '../../lib/tree/index.js'

t.test('valid paths have no problem', async t => {
  for (const path of [
    '/',
    '/a',
    '/a/b',
    '/zookeeper',
    '/.a',
    '/a.',
    '/..a',
    '/...',
    '/a b',
    '/ä/日本',
    '/\u00a0',
    '/\uf900',
    '/\uffef',
    '/~'
  ]) {
    t.equal(pathProblem(path), null, path)
  }
})

t.test('what is no path at all is refused', async t => {
  for (const path of [undefined, null, 1, {}, ['/a'], '', 'a', 'a/b', './a']) t.type(pathProblem(path), 'string')
})

t.test('empty, trailing and relative names are refused', async t => {
  for (const path of ['//', '/a/', '//a', '/a//b', '/.', '/..', '/a/.', '/a/..', '/./a', '/../a', '/a/../b', '/a/']) {
    t.type(pathProblem(path), 'string', path)
  }
})

t.test('every forbidden range is refused from its first to its last character, and its neighbours are not', async t => {
  const ranges = [
    [0x0000, 0x001f],
    [0x007f, 0x009f],
    [0xd800, 0xf8ff],
    [0xfff0, 0xffff]
  ] as const
  const isForbidden = (code: number): boolean => ranges.some(([first, last]) => code >= first && code <= last)
  for (let code = 0; code <= 0xffff; code++) {
    const path = `/a${String.fromCharCode(code)}b`
    if ((pathProblem(path) !== null) !== isForbidden(code)) t.fail(`U+${code.toString(16)}`)
  }
  t.type(pathProblem('/a😀'), 'string', 'nothing beyond the basic plane')
})

t.test('the problem names the character and its index', async t => {
  t.match(pathProblem('/ab\u0007c'), /U\+0007 at index 3/)
  t.match(pathProblem('/ab\ud800c'), /U\+D800 at index 3/)
  t.match(pathProblem('/ab//c'), /index 4/)
  t.match(pathProblem('/ab/../c'), /'\.\.' at index 4/)
  t.match(pathProblem('/ab/'), /index 3/)
  t.match(pathProblem('abc'), /'a', U\+0061 at index 0/)
})

t.test('a path takes at most its bound of bytes in UTF-8', async t => {
  const longest = `/${'a'.repeat(LIMITS.pathBytesMax - 1)}`
  t.equal(pathProblem(longest), null)
  t.type(pathProblem(`${longest}a`), 'string')
  const wide = `/${'é'.repeat((LIMITS.pathBytesMax - 2) / 2)}a`
  t.equal(Buffer.byteLength(wide), LIMITS.pathBytesMax)
  t.equal(pathProblem(wide), null)
  t.type(pathProblem(`${wide}a`), 'string')
  for (const path of ['/', '/a', '/é', '/日本', longest]) t.equal(pathBytes(path), Buffer.byteLength(path))
})

t.test('a path has at most so many names', async t => {
  const deepest = '/a'.repeat(LIMITS.pathDepthMax)
  t.equal(pathProblem(deepest), null)
  t.match(pathProblem(`${deepest}/a`), String(LIMITS.pathDepthMax + 1))
  t.equal(prefixProblem(`${deepest}-`), null)
  t.type(prefixProblem(`${deepest}/`), 'string')
})

t.test('the path of a sequential create may end with a slash and must leave room for the suffix', async t => {
  for (const path of ['/', '/a', '/a/', '/.', '/a/..']) t.equal(prefixProblem(path), null, path)
  for (const path of ['', 'a', '//', '/a//', '/../a', '/\u0000', null]) t.type(prefixProblem(path), 'string')
  t.equal(prefixProblem(`/${'a'.repeat(LIMITS.pathBytesMax - 11)}`), null)
  t.type(prefixProblem(`/${'a'.repeat(LIMITS.pathBytesMax - 10)}`), 'string')
})

t.test('a suffix has ten digits', async t => {
  t.equal(sequentialSuffix(0), '0000000000')
  t.equal(sequentialSuffix(2147483646), '2147483646')
})

t.test('/zookeeper and all below it are reserved, and nothing that only begins alike', async t => {
  for (const path of ['/zookeeper', '/zookeeper/', '/zookeeper/quota']) t.ok(isReservedPath(path))
  for (const path of ['/', '/zookeeper2', '/zookeepe', '/a/zookeeper']) t.notOk(isReservedPath(path))
})

t.test('parent and name of a path', async t => {
  t.equal(parentOf('/a'), '/')
  t.equal(parentOf('/a/b'), '/a')
  t.equal(nameOf('/a/b'), 'b')
  t.equal(nameOf('/'), '')
  t.throws(() => parentOf('/'), { code: 'INVARIANT_VIOLATED' })
})
