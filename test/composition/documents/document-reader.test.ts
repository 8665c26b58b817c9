import { join } from 'node:path'
import t from 'tap'
import { specHash } from '../../../src/clients/threescale/specs/spec.js'
import type { ApiDoc } from '../../../src/clients/threescale/types.js'
import { createDocuments, type DocumentsDeps } from '../../../src/composition/documents/document-reader.js'
import type { Model } from '../../../src/features/models/schemas.js'
import { createSpecs } from '../../../src/features/models/specs/specs.js'
import { resolveOperations } from '../../../src/features/reference/gateway-operations.js'
import { readOpenApi } from '../../../src/features/reference/openapi/read-openapi.js'
import { createCache } from '../../../src/infra/cache.js'
import { projectRoot } from '../../../src/project-root.js'
import { strainHere } from '../../helper/event-loop.js'
import { hostileDocuments } from '../../helper/hostile-documents.js'

const oddThread = join(projectRoot, 'dist', 'test', 'helper', 'odd-thread.js')
const logged: { details: object; message: string }[] = []
const log = { warn: (details: object, message: string) => void logged.push({ details, message }), info: () => {} }
const documents = (t: { teardown(end: () => Promise<void>): unknown }, more: Partial<DocumentsDeps> = {}) => {
  const created = createDocuments({ log, ...more })
  t.teardown(created.close)
  return created
}
const chat = (path: string) => ({ openapi: '3.0.0', paths: { [path]: { post: { summary: 'Chat' } } } })

t.test('JSON and YAML documents give the same result, small and large', async (t) => {
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
      claims: { isOpenApi: true, calls: [{ method: 'POST', path: '/v1/chat/completions' }] },
    })
    t.match(await reference(text), {
      reference: { operations: [{ summary: 'Chat', html: { summary: 'Chat', fields: [] } }], descriptionHtml: '' },
    })
  }
})

t.test('a document is parsed once, whatever the result', async (t) => {
  const { reference, facts, cachedReference } = documents(t)
  const good = JSON.stringify(chat('/good'))
  t.equal(cachedReference(specHash(good)), undefined)
  const [first, second] = await Promise.all([reference(good), reference(good)])
  t.equal(first, second, 'also for two simultaneous requests')
  t.equal(cachedReference(specHash(good)), first)
  t.equal(await reference(good), first)
  for (const text of ['', 'not a document', '[]', 'null', '7', `"${'x'.repeat(4_000_000)}"`]) {
    t.same(await reference(text), { failure: 'unreadable' }, text.slice(0, 20))
    t.same(await facts(text), { failure: 'unreadable' }, text.slice(0, 20))
  }
  t.same(cachedReference(specHash('[]')), { failure: 'unreadable' })
  t.same(await reference('{"openapi":"3.0.0"}'), {}, 'names no operation')
  t.same(cachedReference(specHash('{"openapi":"3.0.0"}')), {})
})

t.test(
  'a document that exceeds a limit is reported once, and is parsed again after ten minutes at the earliest',
  async (t) => {
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
  },
)

t.test('memory is bounded, and a page does not wait longer than its limit', async (t) => {
  logged.length = 0
  const unusual = documents(t, { script: oddThread, limitMs: 60_000 })
  t.same(await unusual.facts('memory'), { failure: 'too_complex' })
  t.match(logged, [{ details: { reason: 'memory' } }])
  t.same(await unusual.reference('silent'), { failure: 'busy' })
  t.equal(unusual.cachedReference(specHash('silent')), undefined, 'a later request may find it cached')
  await unusual.close()
  t.same(await unusual.facts('late'), { failure: 'busy' })
})

t.test('the model id is inserted into an example without changing anything else', async (t) => {
  const model = { endpoint: 'https://m', base_url: 'https://m', model_id: 'org/m', credentials: { names: {} } }
  const placed = async (example: string) => {
    const spec = { paths: { '/x': { post: { requestBody: { content: { 'application/json': { example } } } } } } }
    const reference = readOpenApi(spec)
    if (!reference) throw new Error('no operation')
    return (await strainHere(() => resolveOperations(model as unknown as Model, [], reference))).value[0]
      ?.sendableBodies[0]?.example
  }
  t.equal(await placed('{"model":"m","x":[1]}'), '{\n  "model": "org/m",\n  "x": [\n    1\n  ]\n}')
  const deep = `{"model":"m","x":${'['.repeat(9000)}${']'.repeat(9000)}}`
  t.equal(await placed(deep), deep, 'nested too deep')
  const wide = `{"model":"m","x":[${'1,'.repeat(9000)}1]}`
  t.equal(await placed(wide), wide, 'longer with its indentation')
})

t.test('the catalogue waits for all documents together, and valid documents are available first', async (t) => {
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
  const reported = async (list = docs) =>
    [...(await specs.read(list))].map(([id, { facts }]) => [id, facts.declared.model_id])
  const early = [
    [1, undefined],
    [2, undefined],
    [3, '{"json":"long"}'],
    [4, '{}'],
    [5, 'yaml'],
  ]
  t.same(await reported(), early, 'the documents that are parsed in time')
  t.same(order, ['{}', '{"json":"long"}', 'yaml', 'slow bad', 'slow good'])
  t.same(await reported(), early, 'one round at a time')
  t.equal(order.length, 5, 'no document is queued twice')
  for (const go of slow.splice(0)) go()
  t.same(await reported([...docs, doc(6, 'new')]), [[1, 'slow good'], ...early.slice(1), [6, 'new']])
  t.same(await reported([doc(1, 'slow other')]), [[1, 'slow good']], 'the result from before the change')
  for (const go of slow.splice(0)) go()
  t.same(await reported([]), [])
})
