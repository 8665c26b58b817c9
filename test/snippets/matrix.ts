import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { Application } from '../../src/features/applications/schemas.js'
import { type Model, type ModelType, modelTypes } from '../../src/features/models/schemas.js'
import type { Snippet } from '../../src/features/snippets/schemas.js'
import { createApi } from '../helper/api.js'
import { type Stack, startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'

/** One product of the matrix: a credential mode and location, and a type of model. */
export interface Cell {
  /** `key-header chat`, the same in every run. */
  name: string
  way: string
  type: ModelType
  /** As the API returns it. */
  model: Model
  /** With its secrets, as `reveal=true` returns it. */
  application: Application
  /** The snippets of that application, as the API returns them with `reveal=true`. */
  snippets: Snippet[]
}

/** Every credential mode and location, with names that are not the defaults; two of them look like the header of others. */
export const ways: Record<string, object> = {
  'key-bearer': { backend_version: '1', location: 'authorization', names: names({ user_key: 'Authorization' }) },
  'key-header': { backend_version: '1', location: 'headers', names: names({ user_key: 'X-API-Key' }) },
  'key-authorization': { backend_version: '1', location: 'headers', names: names({ user_key: 'Authorization' }) },
  'key-query': { backend_version: '1', location: 'query', names: names({}) },
  'id-basic': { backend_version: '2', location: 'authorization', names: names({}) },
  'id-header': { backend_version: '2', location: 'headers', names: names({ app_key: 'x-app-key' }) },
  'id-query': { backend_version: '2', location: 'query', names: names({ app_id: 'appid' }) },
  'token-bearer': { backend_version: 'oidc', location: 'authorization', names: names({}) },
  'token-header': { backend_version: 'oidc', location: 'headers', names: names({}) },
  'token-query': { backend_version: 'oidc', location: 'query', names: names({}) },
}

const servers: Record<ModelType, { server: string; id: string; path: string }> = {
  chat: { server: 'granite', id: 'ibm-granite/granite-3.3-8b-instruct', path: '/v1/chat/completions' },
  completion: { server: 'qwen', id: 'Qwen/Qwen2.5-Coder-7B', path: '/v1/completions' },
  embedding: { server: 'nomic', id: 'nomic-ai/nomic-embed-text-v2-moe', path: '/v1/embeddings' },
  rerank: { server: 'bge', id: 'BAAI/bge-reranker-v2-m3', path: '/v1/rerank' },
  image: { server: 'sdxl', id: 'stabilityai/sdxl-turbo', path: '/v1/images/generations' },
  speech_to_text: { server: 'whisper', id: 'openai/whisper-large-v3', path: '/v1/audio/transcriptions' },
  text_to_speech: { server: 'kokoro', id: 'hexgrad/Kokoro-82M', path: '/v1/audio/speech' },
  custom: { server: 'custom', id: 'demo/custom-predict', path: '/predict' },
}

/** A product whose texts try to break out of the page and of every language. */
export const hostile = {
  product: 'granite-chat',
  name: `</code></script><script>alert('name')</script>"'\`$(alert)\u202e`,
  id: `</script><script>alert("id")</script><img src=x onerror=alert(1)>'"\`$(touch x)\\\n\u202eevil`,
}

/** The content of each answer, whichever part of it a client shows. */
export const answered: Record<ModelType, RegExp> = {
  chat: /I am ibm-granite\/granite-3\.3-8b-instruct/,
  completion: /city in California/,
  embedding: /2 vectors of 32|"embedding"/,
  rerank: /relevance_score/,
  image: /characters of base64|b64_json/,
  speech_to_text: /Hello from the recording/,
  text_to_speech: /speech\.wav is written/,
  custom: /0\.42/,
}

export interface Matrix {
  stack: Stack
  api: ReturnType<typeof createApi>
  token: string
  cells: Cell[]
  close(): Promise<void>
}

/** The demo with one product and one application for each cell; everything is read through the portal's API. */
export async function startMatrix(folder: string): Promise<Matrix> {
  const stack = await startStack(['threescale', 'identity'])
  const required = Object.keys(ways).flatMap((way) => modelTypes.map((type) => ({ way, type })))
  const names = await addProducts(stack, required)
  const { services } = await stack.state()
  const service = services.find(({ system_name }) => system_name === hostile.product)
  await stack.put(`/_demo/services/${service?.id}`, { name: hostile.name })
  await stack.part('gateway')
  const config = join(folder, 'portal.yaml')
  const products = Object.fromEntries(
    required.map(({ type }, index) => [names[index], { model_id: servers[type].id, type }]),
  )
  const limits = { rate_limits: { reveals: 100_000 } }
  writeFileSync(
    config,
    stringify({ ...limits, products: { ...products, [hostile.product]: { model_id: hostile.id } } }),
  )
  await stack.portal({ PORTAL_CONFIG: config, CATALOG_TTL: '2' })
  const api = createApi(stack)
  await createVisitor(stack).signIn('ada')
  const token = await api.token({ username: 'ada' })
  const cells: Cell[] = []
  for (const [index, { way, type }] of required.entries()) {
    const name = names[index] ?? ''
    const created = await expectOk(
      api.post<Application>('/applications', token, {
        model: name,
        plan: 'basic',
        name: `${way} ${type}`,
        fields: { purpose: 'Experiment' },
      }),
    )
    cells.push({ name: `${way} ${type}`, way, type, ...(await readCell(api, token, name, created.id)) })
  }
  await settled(cells)
  return { stack, api, token, cells, close: () => stack.close() }
}

export async function readCell(api: Matrix['api'], token: string, name: string, id: number) {
  const model = await expectOk(api.get<Model>(`/models/${name}`, token))
  const application = await expectOk(api.get<Application>(`/applications/${id}?reveal=true`, token))
  const path = `/models/${name}/snippets?application_id=${id}&reveal=true`
  const { items } = await expectOk(api.get<{ items: Snippet[] }>(path, token))
  return { model, application, snippets: items }
}

/** The gateway is not running yet, so no process waits for the previous ports of the products. */
async function addProducts(stack: Stack, required: { way: string; type: ModelType }[]): Promise<string[]> {
  const answer = await fetch(`${stack.threescale}/_demo/products?count=${required.length}`, { method: 'POST' })
  const { products } = (await answer.json()) as { products: { system_name: string }[] }
  const { services } = await stack.state()
  const first = await freePorts(required.length)
  for (const [index, { way, type }] of required.entries()) {
    const service = services.find(({ system_name }) => system_name === products[index]?.system_name)
    const { server, path } = servers[type]
    const rules = [
      ['POST', path],
      ['GET', type === 'custom' ? '/health' : '/v1/models'],
    ].map(([http_method, pattern], at) => ({ id: 900_000 + index * 2 + at, http_method, pattern, metric: 'hits' }))
    await stack.put(`/_demo/services/${service?.id}`, {
      ...ways[way],
      endpoint: `http://localhost:${first + index}`,
      api_backend: `http://127.0.0.1:${stack.port + 5}/${server}`,
      rules,
    })
  }
  return products.map(({ system_name }) => system_name)
}

/** New OpenID Connect clients are sent to the identity provider a moment after they are created. */
async function settled(cells: Cell[]): Promise<void> {
  const last = cells.findLast(({ application }) => application.credentials.mode === 'oidc')
  const { client_id, client_secret, token_url } = last?.application.credentials ?? {}
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await fetch(token_url ?? '', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    if (answer.ok) return
    await sleep(100)
  }
  throw new Error('the identity provider does not know the clients')
}

export async function expectOk<T>(requested: Promise<{ status: number; body: T; text: string }>): Promise<T> {
  const { status, body, text } = await requested
  if (status >= 300) throw new Error(`the portal answered ${status} ${text}`)
  return body
}

/** A range of ports below those that systems use for outgoing connections. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 10_000 + Math.floor(Math.random() * 90) * 100
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)))
    if (free.every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function names(input: object) {
  return { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key', ...input }
}
