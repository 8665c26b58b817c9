import t from 'tap'
import type { ApiDoc, MappingRule } from '../../../../../src/clients/threescale/types.js'
import { checkDocuments } from '../../../../../src/features/doctor/checks/product/documents.js'
import {
  type DocumentReader,
  readInProcess,
  summarizeDocument,
} from '../../../../../src/features/doctor/document-summary.js'
import type { Finding } from '../../../../../src/features/doctor/findings/findings.js'
import type { ProductContext } from '../../../../../src/features/doctor/product-context.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../../../helper/event-loop.js'

const find = (code: string, what = '') => ({ code, what }) as unknown as Finding
const doc = (body: string) => ({ id: 1, productId: 7, name: 'Spec', systemName: 'm', published: true, body }) as ApiDoc
const lookAt = (body: string, rules: MappingRule[] = []) =>
  ({
    tenant: { docs: [doc(body)], products: [{ id: 7, systemName: 'm' }] },
    product: { id: 7, systemName: 'm' },
    config: { endpoint: 'https://m.example.com', rules },
  }) as unknown as ProductContext
const found = (body: string, readDocument: DocumentReader = readInProcess, rules: MappingRule[] = []) =>
  checkDocuments(lookAt(body, rules), find as never, readDocument)

t.test('a document that exceeds the limits or cannot be parsed is reported by name', async (t) => {
  t.same(await found('', async () => 'too_complex'), [{ code: 'docs_too_complex', what: '“Spec”.' }])
  const unreadable = [{ code: 'docs_unreadable', what: '“Spec” is not an OpenAPI document.' }]
  t.same(await found('no document'), unreadable)
  t.same(await found('{"paths":{}}'), unreadable)
  t.same(await found('{"openapi":"3.0.0"}'), [])
})

t.test('the claims of a document are bounded, and compared without blocking the event loop', async (t) => {
  const paths = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`/v1/p${n}`, { post: {}, get: {} }]))
  const servers = Array.from({ length: 100 }, (_, n) => ({ url: `https://elsewhere-${n}.example.com` }))
  const spec = { openapi: '3.0.0', paths: { ...paths, [`/${'x'.repeat(1000)}`]: { post: {} } }, servers }
  const claims = summarizeDocument(spec)
  t.equal(claims.calls.length, 1000)
  t.equal(claims.servers.length, 20)
  t.match(summarizeDocument({ paths: { '/models/:name/infer': { post: {} } } }).calls, [
    { path: '/models/{name}/infer' },
  ])
  t.same(summarizeDocument({ swagger: '2.0', host: 'x.example.com', basePath: '/v1', paths: null }), {
    isOpenApi: true,
    base: '/v1',
    calls: [],
    servers: ['https://x.example.com'],
  })
  const rules = Array.from({ length: 100 }, (_, n) => ({ method: 'PUT', pattern: `/v1/p${n}$` }) as MappingRule)
  const { value, blockedMs } = await strainHere(() => found(JSON.stringify(spec), readInProcess, rules))
  t.match(value, [
    { code: 'docs_unmapped_path', what: /POST \/v1\/p0, GET \/v1\/p0.*more\.$/ },
    { code: 'docs_server_mismatch', what: /elsewhere-0/ },
  ])
  t.ok(blockedMs < LONGEST_BLOCK_MS, `blocked for ${blockedMs} ms`)
})

t.test('operations of a document are checked at the path that the reference shows', async (t) => {
  const rules = ['/v1/chat/completions$', '/llama/v1/embeddings$'].map(
    (pattern) => ({ method: 'POST', pattern }) as MappingRule,
  )
  const codes = async (path: string) => {
    const text = JSON.stringify({ openapi: '3.0.0', paths: { [path]: { post: {} } } })
    return (await found(text, readInProcess, rules)).map(({ code }) => code)
  }
  t.same(await codes('/v1/chat/completions'), [])
  t.same(await codes('/chat/completions'), [], 'below the base path of the model')
  t.same(await codes('/v1/completions'), ['docs_unmapped_path'])
  t.same(await codes('/embeddings'), ['docs_unmapped_path'], 'belongs to another product below a path')
})
