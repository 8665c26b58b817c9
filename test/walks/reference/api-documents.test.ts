import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Application } from '../../../src/features/applications/schemas.js'
import type { Model } from '../../../src/features/models/schemas.js'
import type { Snippet } from '../../../src/features/snippets/schemas.js'
import { createApi } from '../../helper/api.js'
import { startModelServer } from '../../helper/model-server.js'
import { startStack } from '../../helper/stack.js'
import { vendorDocuments } from '../../helper/vendor-documents.js'
import { type Answer, createVisitor, decode } from '../../helper/visitor.js'

const stack = await startStack()
const server = await startModelServer()
const SERVED = 'org/served-model'
const received: { path: string; body: string }[] = []
/** By the first segment of the path: the ids that a server lists. A server that is not here has no list. */
const lists: Record<string, string[]> = {}
server.answers((response, { url = '', method }, body) => {
  const [, name = '', ...rest] = url.split('/')
  const path = `/${rest.join('/')}`
  const isList = method === 'GET' && path.endsWith('/models')
  if (!isList) received.push({ path, body })
  const status = isList && !lists[name] ? 404 : 200
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ object: 'list', data: (lists[name] ?? []).map((id) => ({ id })) }))
})
await stack.portal({ CATALOG_TTL: '1', CATALOG_ACCESS: 'public' })
t.teardown(async () => {
  await stack.close()
  server.close()
})
const api = createApi(stack)
const visitor = createVisitor(stack)
await visitor.signIn('ada')
const token = await api.token({ username: 'ada' })

type Vendor = keyof typeof vendorDocuments
interface Product {
  vendor: Vendor
  rules: [verb: string, pattern: string][]
  ids?: string[]
  more?: object
}

async function publish(name: string, { vendor, rules, ids, more = {} }: Product): Promise<Model> {
  if (ids) lists[name] = ids
  await server.product(stack, 'chat', name, { rules, proxy: { api_backend: `${server.url}/${name}` }, ...more })
  const { services } = await stack.state()
  const service_id = services.find(({ system_name }) => system_name === name)?.id
  await stack.put('/_demo/active_docs', { service_id, body: JSON.stringify(vendorDocuments[vendor]) })
  for (let look = 0; look < 240; look++) {
    const page = await visitor.raw(`/models/${name}/reference`)
    if (page.status === 200 && /From the uploaded spec|an operation of the uploaded spec/.test(page.text))
      return model(name)
    await sleep(250)
  }
  throw new Error(`${name} never has its document`)
}
const model = async (name: string) => (await api.get<Model>(`/models/${name}`)).body
const codes = async (name: string) => (await api.get<{ items: Snippet[] }>(`/models/${name}/snippets`)).body.items
const take = async (name: string) => {
  const page = await visitor.submit(await visitor.get(`/applications/new?model=${name}`), /^\/applications$/)
  return new URL(page.url).pathname.split('/').pop() ?? ''
}
const formOf = (page: Answer, operation: string) => {
  const form = page.text.split('<form').find((part) => part.includes(`name="operation" value="${operation}"`))
  if (!form) throw new Error(`${operation} cannot be tried on ${page.url}`)
  return `<form${form.slice(0, form.indexOf('</form>') + 7)}`
}
const attempt = (page: Answer, operation: string, values: Record<string, string> = {}) =>
  visitor.submit({ ...page, text: formOf(page, operation) }, /reference/, values)
const chat: Product['rules'] = [
  ['POST', '/v1/chat/completions'],
  ['GET', '/v1/models'],
]
/** Ids that the documents name and no server here serves. */
const foreign = /gpt-|dall-e|text-embedding-3|mistral-(small|embed|7)|Mistral-7B|codestral|"command"|rerank-v4|"o3"/

t.test('code of every client has the id that the model server lists, not the one in the document', async (t) => {
  const products: [vendor: Vendor, rules: Product['rules']][] = [
    ['openai', chat],
    ['mistral', chat],
    ['cohere', chat],
    ['tgi', chat],
    ['vllm', chat],
    [
      'openai',
      [
        ['POST', '/v1/embeddings'],
        ['GET', '/v1/models'],
      ],
    ],
    [
      'tei',
      [
        ['POST', '/v1/embeddings'],
        ['GET', '/v1/models'],
      ],
    ],
    [
      'openai',
      [
        ['GET', '/'],
        ['POST', '/'],
      ],
    ],
  ]
  for (const [index, [vendor, rules]] of products.entries()) {
    const name = `listed-${vendor}-${index}`
    const before = await publish(name, { vendor, rules, ids: [SERVED, 'org/other'] })
    t.match(before, { model_id: null, license: null, owner: null, links: [], description: '' }, name)
    for (const { client, code } of await codes(name)) {
      t.notMatch(code, foreign, `${name} ${client}`)
      t.notMatch(code, /["']null["']/, `${name} ${client}`)
    }
    const application = await take(name)
    t.match(await model(name), { model_id: SERVED, sources: { model_id: 'model_server' } }, name)
    const after = await codes(name)
    t.ok(after.length > 5)
    for (const { client, code } of after) t.notMatch(code, foreign, `${name} ${client}`)
    t.ok(after.filter(({ code }) => code.includes(SERVED)).length > after.length / 2, name)
    const { body } = await api.get<Application>(`/applications/${application}`, token)
    t.equal(body.model_id, SERVED)
    const pages = await Promise.all([`/models/${name}`, `/models/${name}/reference`].map((path) => visitor.get(path)))
    for (const { text } of pages) t.match(text, SERVED, name)
    t.notMatch(pages[0]?.text, foreign, name)
  }
})

t.test('of several ids that a server lists, the one in the example request is used', async (t) => {
  const ids = ['org/base', 'mistral-small-latest']
  await publish('several', { vendor: 'mistral', rules: chat, ids })
  await take('several')
  t.match(await model('several'), { model_id: 'mistral-small-latest', sources: { model_id: 'model_server' } })
})

t.test('the example id is used where the server has no list or no rule allows the request for it', async (t) => {
  const shown = { model_id: 'mistral-small-latest', sources: { model_id: 'active_docs' } }
  t.match(await publish('closed', { vendor: 'mistral', rules: [['POST', '/v1/chat/completions']] }), shown)
  t.match(await publish('listless', { vendor: 'mistral', rules: chat }), { model_id: null })
  await take('listless')
  t.match(await model('listless'), shown, 'the server returned 404')
})

t.test('the reference has only the operations that the mapping rules allow, and stays small', async (t) => {
  await publish('responses', { vendor: 'openai', rules: [['POST', '/v1/responses']], ids: [SERVED] })
  const page = (await visitor.get('/models/responses/reference')).text
  t.match(page, 'id="post-responses"')
  t.match(page, '275 operations of the spec that the gateway rejects')
  t.equal(page.match(/<article /g)?.length, 1)
  t.match(page, 'First 200 of 275')
  t.ok(page.length < 100_000, `${page.length} characters`)
  t.match(page, /<dt>API licence<\/dt>\s*<dd>\s*<a href="https:\/\/vendor\.example\/LICENSE"/)
  t.match(await model('responses'), { type: 'custom', license: null, owner: null })

  const other = (await visitor.get('/models/listed-openai-0/reference')).text
  t.match(
    other,
    '<a href="https://x.example" rel="nofollow noopener">generate</a>',
    'a description is rendered as Markdown',
  )
  t.notMatch(other, /\[(generate|guide|Learn more)\]\(|`chat`/)
  t.match(other, 'Creates a model response for the given chat conversation. Learn more')

  await publish('elsewhere', { vendor: 'cohere', rules: chat, ids: [SERVED] })
  const created = (await visitor.get('/models/elsewhere/reference')).text
  t.match(created, 'No mapping rule of the gateway matches an operation of the uploaded spec. This page is generated')
  t.match(created, 'id="post-v1-chat-completions"')
  t.match(created, '2 operations of the spec that the gateway rejects')
})

t.test('a change of the mapping rules changes the displayed operations', async (t) => {
  const { services } = await stack.state()
  const id = services.find(({ system_name }) => system_name === 'responses')?.id
  await stack.put(`/_demo/services/${id}`, { rules: [{ http_method: 'POST', pattern: '/v1/images/generations' }] })
  for (let look = 0; look < 100; look++) {
    if ((await visitor.get('/models/responses/reference')).text.includes('id="post-images-generations"')) break
    await sleep(100)
  }
  const page = (await visitor.get('/models/responses/reference')).text
  t.match(page, 'id="post-images-generations"')
  t.notMatch(page, 'id="post-responses"')
  t.match(await model('responses'), { type: 'image' })
})

t.test('Try it sends the default values of the schema without changes', async (t) => {
  received.length = 0
  const page = await visitor.get('/models/listed-tgi-3/reference')
  t.match((await attempt(page, 'post-v1-chat-completions')).text, '200 OK after')
  t.same(
    received.map(({ path, body }) => [path, JSON.parse(body)]),
    [['/v1/chat/completions', { model: SERVED, messages: [{ role: 'user', content: 'What is Deep Learning?' }] }]],
  )
})

t.test('placeholders in every notation are filled in, with the same address in code, page and request', async (t) => {
  const address = '/v2/models/iris/versions/1/infer'
  await publish('infer', { vendor: 'kserve', rules: [['POST', address]] })
  await take('infer')
  const page = await visitor.get('/models/infer/reference')
  t.match(page.text, '<code>/v2/models/{MODEL_NAME}/versions/{MODEL_VERSION}/infer</code>')
  received.length = 0
  t.match((await attempt(page, 'post-v2-models-model-name-versions-model-version-infer')).text, '200 OK after')
  t.equal(received[0]?.path, address, 'with the values that the rule requires')
  const curl = (await codes('infer')).find(({ client }) => client === 'curl')?.code
  t.match(curl, address)

  await publish('infer-any', { vendor: 'kserve', rules: [['POST', '/v2/models']] })
  await take('infer-any')
  const any = await visitor.get('/models/infer-any/reference')
  const values = { 'path.MODEL_NAME': 'iris', 'path.MODEL_VERSION': '1' }
  received.length = 0
  const sent = await attempt(any, 'post-v2-models-model-name-versions-model-version-infer', values)
  t.match(sent.text, '200 OK after')
  t.equal(received[0]?.path, address)
})

t.test('credential fields are set by the portal: they are neither listed nor sent from the form', async (t) => {
  const more = { location: 'headers', names: { user_key: 'X-API-Key' } }
  await publish('sentiment', { vendor: 'swagger', rules: [['POST', '/v1/analyse']], more })
  await take('sentiment')
  const page = await visitor.get('/models/sentiment/reference')
  t.notMatch(page.text, /<code>(user_key|app_id|x-vendor-key)<\/code>/)
  t.notMatch(decode(page.text), 'canary')
  received.length = 0
  const sent = await attempt(page, 'post-analyse')
  t.match(sent.text, '200 OK after')
  t.same(
    received.map(({ path, body }) => [path, JSON.parse(body)]),
    [['/v1/analyse?top=3', { text: 'very good' }]],
  )
})
