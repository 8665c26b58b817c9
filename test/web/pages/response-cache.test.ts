import t from 'tap'
import { createResponseBody } from '../../../src/web/pages/compression/response-body.js'
import { pageContext } from '../../../src/web/pages/render.js'
import { createResponseCache, responseKey } from '../../../src/web/pages/response-cache.js'
import { operator } from './callers.js'

const context = pageContext(
  { url: '/models?q=chat', caller: operator },
  { kind: 'info', title: 'Information', text: 'Saved.' },
)

/** Paths of the members that a key does not depend on. */
function membersMissingIn(keyOf: (context: object) => string, complete: object): string[] {
  const before = keyOf(complete)
  return leavesOf(complete)
    .filter((path) => keyOf(changed(complete, path)) === before)
    .map((path) => path.join('.'))
}

function leavesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]))
}

function changed(value: object, [name = '', ...rest]: string[]): object {
  const copy = structuredClone(value) as Record<string, unknown>
  copy[name] = rest.length === 0 ? `not ${copy[name]}` : changed(copy[name] as object, rest)
  return copy
}

t.test('the key changes with every member of the page context', async (t) => {
  t.ok(leavesOf(context).length > 4)
  t.same(
    membersMissingIn((context) => responseKey(1, { template: 'main models/index', context }), context),
    [],
  )
})

t.test('a key of selected members is reported with each missing member', async (t) => {
  const selective = (context: object) => {
    const { url } = context as { url: string }
    return JSON.stringify([url])
  }
  const missing = membersMissingIn(selective, context)
  t.ok(missing.includes('signedIn'))
  t.ok(missing.includes('notice.text'))
  t.notOk(missing.includes('url'))
})

t.test('a response is rendered once for a source, a template and a context', async (t) => {
  const cache = createResponseCache(100_000)
  const [first, second] = [{}, {}]
  let rendered = 0
  const get = (source: object, template: string, context: object) =>
    cache.get({ source, template, context }, () => createResponseBody(`${++rendered}`))
  const text = async (...args: Parameters<typeof get>) => String(await (await get(...args)).bytes(undefined))
  t.equal(await text(first, 'a', { user: 'x' }), '1')
  t.equal(await text(first, 'a', { user: 'x' }), '1', 'the same')
  t.equal(await text(first, 'a', { user: 'y' }), '2', 'another context')
  t.equal(await text(first, 'b', { user: 'x' }), '3', 'another template')
  t.equal(await text(second, 'a', { user: 'x' }), '4', 'another source with the same content')
})

t.test('the least recently used response is removed when the cache is full', async (t) => {
  const cache = createResponseCache(3000)
  const source = {}
  const body = 'x'.repeat(900)
  const get = async (template: string) => {
    let isNew = false
    await cache.get({ source, template, context: {} }, () => {
      isNew = true
      return createResponseBody(body)
    })
    return isNew
  }
  t.same([await get('a'), await get('b'), await get('c'), await get('a')], [true, true, true, true])
  t.equal(await get('a'), false)
})

t.test('bodies with the same bytes share their compressed form', async (t) => {
  const cache = createResponseCache(10_000)
  const first = cache.deduplicate(createResponseBody('one'))
  t.equal(cache.deduplicate(createResponseBody('one')), first)
  t.not(cache.deduplicate(createResponseBody('two')), first)
})
