import { join } from 'node:path'
import t from 'tap'
import { createDocuments, type DocumentsDeps } from '../../src/assembly/documents/documents.js'
import { createCache } from '../../src/clients/cache.js'
import type { ApiDoc } from '../../src/clients/threescale/nouns.js'
import { specHash } from '../../src/clients/threescale/spec.js'
import type { Model } from '../../src/features/models/schemas.js'
import { createSpecs } from '../../src/features/models/specs.js'
import { placedIn } from '../../src/features/reference/placed.js'
import { referenceOf } from '../../src/features/reference/uploaded.js'
import { projectRoot } from '../../src/root.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainHere } from '../helper/event-loop.js'
import { hostileDocuments } from '../helper/hostile-documents.js'

const oddThread = join(projectRoot, 'dist', 'test', 'helper', 'odd-thread.js')
const logged: { details: object; message: string }[] = []
const log = { warn: (details: object, message: string) => void logged.push({ details, message }), info: () => {} }
const documents = (t: { teardown(end: () => Promise<void>): unknown }, more: Partial<DocumentsDeps> = {}) => {
  const made = createDocuments({ log, ...more })
  t.teardown(made.close)
  return made
}
const chat = (path: string) => ({ openapi: '3.0.0', paths: { [path]: { post: { summary: 'Chat' } } } })

t.test('JSON and YAML say the same, small and large', async (t) => {
  const { facts, reference } = documents(t)
  const long = { ...chat('/v1/chat/completions'), x: 'x'.repeat(100_000) }
  const texts = [
    JSON.stringify(chat('/v1/chat/completions')),
    JSON.stringify(long),
    'openapi: 3.0.0\npaths:\n  /v1/chat/completions:\n    post:\n      summary: Chat\n',
    JSON.stringify('openapi: 3.0.0\npaths: {/v1/chat/completions: {post: {summary: Chat}}}'),
  ]
  for (const text of texts) {
    t.match(await facts(text), {
      facts: { operations: [{ base: '', path: '/v1/chat/completions' }] },
      claims: { isOpenApi: true, calls: [{ verb: 'POST', path: '/v1/chat/completions' }] },
    })
    t.match(await reference(text), {
      reference: { operations: [{ summary: 'Chat', still: { summary: 'Chat', fields: [] } }], descriptionHtml: '' },
    })
  }
})

t.test('a document is read once, whatever came of it', async (t) => {
  const { reference, facts, knownReference } = documents(t)
  const good = JSON.stringify(chat('/good'))
  t.equal(knownReference(specHash(good)), undefined)
  const [first, second] = await Promise.all([reference(good), reference(good)])
  t.equal(first, second, 'also by two at once')
  t.equal(knownReference(specHash(good)), first)
  t.equal(await reference(good), first)
  for (const text of ['', 'not a document', '[]', 'null', '7', `"${'x'.repeat(4_000_000)}"`]) {
    t.same(await reference(text), { failure: 'unreadable' }, text.slice(0, 20))
    t.same(await facts(text), { failure: 'unreadable' }, text.slice(0, 20))
  }
  t.same(knownReference(specHash('[]')), { failure: 'unreadable' })
  t.same(await reference('{"openapi":"3.0.0"}'), {}, 'names no operation')
  t.same(knownReference(specHash('{"openapi":"3.0.0"}')), {})
})

t.test('one that exceeds a limit is reported once, and read again after ten minutes at the earliest', async (t) => {
  let now = 1_000_000
  logged.length = 0
  const { reference, facts } = documents(t, { limitMs: 1, now: () => now })
  const text = hostileDocuments['forty thousand keys']?.() ?? ''
  t.same(await facts(text), { failure: 'too_complex' })
  t.match(logged, [{ details: { document: specHash(text), part: 'facts', characters: text.length, reason: 'time' } }])
  t.same(await facts(text), { failure: 'too_complex' })
  t.equal(logged.length, 1)
  t.same(await reference(text), { failure: 'too_complex' })
  t.equal(logged.length, 2)
  now += 10 * 60_000
  t.same(await facts(text), { failure: 'too_complex' })
  t.equal(logged.length, 3)
  t.notMatch(JSON.stringify(logged), 'k39999', 'the text is not logged')
})

t.test('memory is bounded too, and a page does not wait for longer than a page may take', async (t) => {
  logged.length = 0
  const odd = documents(t, { script: oddThread, limitMs: 60_000 })
  t.same(await odd.facts('memory'), { failure: 'too_complex' })
  t.match(logged, [{ details: { reason: 'memory' } }])
  t.same(await odd.reference('endless'), { failure: 'busy' })
  t.equal(odd.knownReference(specHash('endless')), undefined, 'asked again, it may be there')
  await odd.close()
  t.same(await odd.facts('late'), { failure: 'busy' })
})

t.test('the model id is put into an example without writing more than it', async (t) => {
  const model = { endpoint: 'https://m', base_url: 'https://m', model_id: 'org/m', credentials: { names: {} } }
  const placed = async (example: string) => {
    const spec = { paths: { '/x': { post: { requestBody: { content: { 'application/json': { example } } } } } } }
    const reference = referenceOf(spec)
    if (!reference) throw new Error('no operation')
    return (await strainHere(() => placedIn(model as unknown as Model, [], reference))).value[0]?.sendable[0]?.example
  }
  t.equal(await placed('{"model":"m","x":[1]}'), '{\n  "model": "org/m",\n  "x": [\n    1\n  ]\n}')
  const deep = `{"model":"m","x":${'['.repeat(9000)}${']'.repeat(9000)}}`
  t.equal(await placed(deep), deep, 'nested too deep')
  const wide = `{"model":"m","x":[${'1,'.repeat(9000)}1]}`
  t.equal(await placed(wide), wide, 'longer with its indentation')
})

t.test('hostile documents block nobody, here and in the thread', async (t) => {
  const { reference, facts } = documents(t)
  for (const [name, text] of Object.entries(hostileDocuments)) {
    const body = text()
    t.ok(body.length <= 4_000_000, name)
    const { value, blockedMs, grownMb } = await strainHere(async () => [await facts(body), await reference(body)])
    t.ok(JSON.stringify(value).length < 3_000_000, name)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: blocked for ${blockedMs} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `${name}: ${grownMb} MB more`)
  }
})

t.test('the catalogue waits for all documents together, and good ones are there first', async (t) => {
  const slow: (() => void)[] = []
  const order: string[] = []
  const cache = createCache({ prefix: 'test', log })
  const specs = createSpecs({
    threescale: { readApiDoc: async () => ({ body: '' }) as ApiDoc },
    cache,
    waitMs: 20,
    async readFacts(text) {
      order.push(text)
      if (text.startsWith('slow')) await new Promise<void>((resolve) => slow.push(resolve))
      return text === 'slow bad' ? undefined : { declared: { model_id: text }, operations: [] }
    },
  })
  const doc = (id: number, body: string) => ({ id, productId: id, body, published: true }) as ApiDoc
  const docs = [doc(1, 'slow good'), doc(2, 'slow bad'), doc(3, '{"json":"long"}'), doc(4, '{}'), doc(5, 'yaml')]
  const told = async (list = docs) =>
    [...(await specs.take(list))].map(([id, { told }]) => [id, told.declared.model_id])
  const early = [
    [1, undefined],
    [2, undefined],
    [3, '{"json":"long"}'],
    [4, '{}'],
    [5, 'yaml'],
  ]
  t.same(await told(), early, 'those that are read in time')
  t.same(order, ['{}', '{"json":"long"}', 'yaml', 'slow bad', 'slow good'])
  t.same(await told(), early, 'one round at a time')
  t.equal(order.length, 5, 'nothing waits twice')
  for (const go of slow.splice(0)) go()
  t.same(await told([...docs, doc(6, 'new')]), [[1, 'slow good'], ...early.slice(1), [6, 'new']])
  t.same(await told([doc(1, 'slow other')]), [[1, 'slow good']], 'what it said before it was changed')
  for (const go of slow.splice(0)) go()
  t.same(await told([]), [])
})
