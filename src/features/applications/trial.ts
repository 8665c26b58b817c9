import { isProblem } from '../../errors.js'
import type { Model } from '../models/schemas.js'
import type { Application } from './schemas.js'

/** One answer of a gateway; bodies are cut by the client at its limit. */
export interface GatewayAnswer {
  status: number
  ms: number
  headers: Record<string, string>
  text: string
}

export interface TrialDeps {
  gateway: {
    call(request: { method: string; url: URL; headers: Record<string, string>; body?: string }): Promise<GatewayAnswer>
  }
  /** keeps what `GET /v1/models` told for a product */
  learnModelId(systemName: string, id: string, contextLength: number | undefined): Promise<void>
}

export interface TestResult {
  ok: boolean
  status: number | undefined
  ms: number
  words: string
  answer: string
}

export type Trial = ReturnType<typeof createTrial>

/** One real call through the gateway with an application's own credential, only to the endpoint the catalogue names. */
export function createTrial({ gateway, learnModelId }: TrialDeps) {
  return {
    /** Asks the model server for its id, best effort: whatever goes wrong leaves the model without one. */
    async learn(model: Model, application: Application): Promise<void> {
      try {
        await askModelId(model, await carrier(model, application))
      } catch {
        // the page then shows code that asks /v1/models itself
      }
    },

    /** Never rejects: what went wrong is told in words. `application` carries its secrets. */
    async run(model: Model, application: Application): Promise<TestResult> {
      if (application.state !== 'live') return refusedBeforehand(application.state)
      try {
        const credential = await carrier(model, application)
        const modelId = model.model_id ?? (await askModelId(model, credential))
        const call = sample(model, modelId)
        if (!call)
          return nothing('This product maps no path that can be tried without knowing its service. Use the code below.')
        const answer = await gateway.call(withCredential(call, model, credential))
        return explain(answer)
      } catch (error) {
        if (isProblem(error, 'gateway_unavailable')) return nothing(error.message)
        if (isProblem(error)) return nothing(`The call could not be made: ${error.message}`)
        return nothing(
          'The endpoint did not answer in time. Its gateway or model server may be down; try again in a minute.',
        )
      }
    },
  }

  async function askModelId(model: Model, credential: Credential): Promise<string | undefined> {
    const list = model.paths.find((path) => path.method === 'GET' && /\/models\$?$/.test(path.path))
    if (!list) return undefined
    const answer = await gateway.call(
      withCredential({ method: 'GET', path: list.path.replace(/\$$/, '') }, model, credential),
    )
    if (answer.status !== 200) return undefined
    const first = readFirstModel(answer.text)
    if (first) await learnModelId(model.system_name, first.id, first.contextLength)
    return first?.id
  }

  /** Where the credential goes, by mode and location (APIcast, configuration/service.lua). */
  async function carrier(_model: Model, application: Application): Promise<Credential> {
    const { mode, location, names, user_key, app_id, app_keys } = application.credentials
    if (mode === 'oidc') return { headers: { Authorization: `Bearer ${await token(application)}` }, query: {} }
    const key = app_keys?.at(-1) ?? ''
    const pairs: Record<string, string> =
      mode === 'user_key'
        ? { [names.user_key]: user_key ?? '' }
        : { [names.app_id]: app_id ?? '', [names.app_key]: key }
    if (location === 'query') return { headers: {}, query: pairs }
    if (location === 'headers') return { headers: pairs, query: {} }
    const value =
      mode === 'user_key' ? `Bearer ${user_key}` : `Basic ${Buffer.from(`${app_id}:${key}`).toString('base64')}`
    return { headers: { Authorization: value }, query: {} }
  }

  async function token(application: Application): Promise<string> {
    const { client_id = '', client_secret = '', token_url } = application.credentials
    if (!token_url) throw new Error('no token endpoint is known')
    const answer = await gateway.call({
      method: 'POST',
      url: new URL(token_url),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')}`,
      },
      body: 'grant_type=client_credentials',
    })
    const parsed = json(answer.text) as { access_token?: unknown } | undefined
    if (answer.status !== 200 || typeof parsed?.access_token !== 'string') throw new Error('no token')
    return parsed.access_token
  }
}

interface Credential {
  headers: Record<string, string>
  query: Record<string, string>
}

interface Call {
  method: string
  path: string
  body?: unknown
}

function withCredential(call: Call, model: Model, credential: Credential) {
  const url = new URL(model.endpoint + call.path)
  for (const [name, value] of Object.entries(credential.query)) url.searchParams.set(name, value)
  const headers = { ...credential.headers, ...(call.body === undefined ? {} : { 'content-type': 'application/json' }) }
  return { method: call.method, url, headers, ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }) }
}

interface Sample {
  path: RegExp
  body: Record<string, unknown>
}

/** The smallest useful call of each type; speech in needs a recording, so its model list is asked instead. */
function sample(model: Model, modelId: string | undefined): Call | undefined {
  const bodies: Record<string, Sample | undefined> = {
    chat: {
      path: /chat\/completions\$?$/,
      body: { messages: [{ role: 'user', content: 'Say hello in five words.' }], max_tokens: 32 },
    },
    completion: { path: /(?<!chat)\/completions\$?$/, body: { prompt: 'San Francisco is a', max_tokens: 16 } },
    embedding: { path: /\/embeddings\$?$/, body: { input: ['Hello'], encoding_format: 'float' } },
    rerank: { path: /\/rerank\$?$/, body: { query: 'capital of France', documents: ['Paris', 'Berlin'] } },
    image: { path: /\/images\/generations\$?$/, body: { prompt: 'a small red square', response_format: 'b64_json' } },
    text_to_speech: { path: /\/audio\/speech\$?$/, body: { input: 'Hello', voice: 'alloy' } },
  }
  const wanted = bodies[model.type]
  const mapped = wanted && model.paths.find((path) => path.method === 'POST' && wanted.path.test(path.path))
  if (wanted && mapped) {
    return {
      method: 'POST',
      path: clean(mapped.path),
      body: { ...(modelId ? { model: modelId } : {}), ...wanted.body },
    }
  }
  const readable = model.paths.find((path) => path.method === 'GET' && !path.path.includes('{') && path.path !== '/')
  if (readable) return { method: 'GET', path: clean(readable.path) }
  const post = model.paths.find((path) => path.method === 'POST' && !path.path.includes('{'))
  return post && model.type === 'custom' ? { method: 'POST', path: clean(post.path), body: {} } : undefined
}

function clean(path: string): string {
  return path.replace(/\$$/, '').split('?')[0] ?? '/'
}

function explain(answer: GatewayAnswer): TestResult {
  const { status, ms } = answer
  const ok = status >= 200 && status < 300
  return { ok, status, ms, words: wordsFor(status, answer), answer: ok ? readable(answer) : answer.text.slice(0, 600) }
}

function wordsFor(status: number, answer: GatewayAnswer): string {
  if (status >= 200 && status < 300) return 'The model answered.'
  const body = answer.text
  if (status === 401 || status === 403) {
    if (/missing/i.test(body))
      return 'The gateway saw no credential. The product settings changed a moment ago; try again in a minute.'
    return 'The gateway refused the credential. A key made just now can take some seconds to be known; if it stays, the application may be suspended or the plan may leave this model out.'
  }
  if (status === 404 && /no mapping rule/i.test(body))
    return 'The gateway does not let this path through. Its operator must add a mapping rule.'
  if (status === 404)
    return 'The model server does not know this path or this model id. Its operator should check the model id.'
  if (status === 429) {
    const wait = Number(answer.headers['retry-after'])
    return wait > 0
      ? `The limit of the plan is used up. Try again in ${wait} seconds.`
      : 'The limit of the plan is used up.'
  }
  if (status >= 500)
    return 'The model server behind the gateway does not work at the moment. Try again in a minute; if it stays, tell its operator.'
  return 'The model server did not accept the call.'
}

function readable(answer: GatewayAnswer): string {
  const type = answer.headers['content-type'] ?? ''
  if (!/json|text/.test(type)) return `${type || 'Binary'} answer`
  const parsed = json(answer.text) as { choices?: { message?: { content?: unknown }; text?: unknown }[] } | undefined
  const said = parsed?.choices?.[0]?.message?.content ?? parsed?.choices?.[0]?.text
  return (typeof said === 'string' ? said : answer.text).slice(0, 600)
}

function readFirstModel(text: string): { id: string; contextLength: number | undefined } | undefined {
  const parsed = json(text) as { data?: { id?: unknown; max_model_len?: unknown }[] } | undefined
  const first = Array.isArray(parsed?.data) ? parsed.data[0] : undefined
  if (typeof first?.id !== 'string' || first.id === '' || first.id.length > 255) return undefined
  const length = first.max_model_len
  return { id: first.id, contextLength: Number.isInteger(length) ? (length as number) : undefined }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusedBeforehand(state: Application['state']): TestResult {
  return nothing(
    state === 'pending'
      ? 'The application waits for approval, so the gateway refuses its key until then.'
      : 'The application is not live, so the gateway refuses its key. Its operator can resume it.',
  )
}

function nothing(words: string): TestResult {
  return { ok: false, status: undefined, ms: 0, words, answer: '' }
}
