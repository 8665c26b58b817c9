import { readJson } from '../../clients/bounded-json.js'
import { written } from '../../clients/secrets.js'
import { problem } from '../../errors.js'
import type { Model } from '../models/schemas.js'
import type { KeyReadiness } from './key-readiness.js'
import type { Application } from './schemas.js'

/** One answer of a gateway; bodies are cut by the client at its limit. */
export interface GatewayAnswer {
  status: number
  ms: number
  headers: Record<string, string>
  text: string
}

/** A call to a model's endpoint: `path` as the mapping rules have it. */
export interface Call {
  method: string
  path: string
  headers?: Record<string, string>
  /** sent as JSON */
  body?: unknown
  /** sent as it is */
  raw?: { type: string; text: string } | undefined
}

export interface Prepared {
  method: string
  url: URL
  headers: Record<string, string>
  body?: string
  /** whatever in it tells who sends it: never shown to anybody, whoever writes it into an answer */
  secrets: string[]
}

export interface ModelCallsDeps {
  gateway: { call(request: Prepared): Promise<GatewayAnswer> }
  keys: Pick<KeyReadiness, 'ready'>
}

export type ModelCalls = ReturnType<typeof createModelCalls>

/** Calls to a model with an application's own credential; only ever to the endpoint that the catalogue names. */
export function createModelCalls({ gateway, keys }: ModelCallsDeps) {
  return {
    prepare,
    /** Rejects with gateway_unavailable. `application` carries its secrets. */
    async call(model: Model, application: Application, call: Call): Promise<GatewayAnswer> {
      return gateway.call(await prepare(model, application, call))
    },
  }

  /** The request with its credential; for OpenID Connect a token is fetched first. Rejects with gateway_unavailable. */
  async function prepare(model: Model, application: Application, call: Call): Promise<Prepared> {
    await keys.ready(application.id)
    const credential = await carrier(application)
    const url = new URL(model.endpoint + call.path)
    for (const [name, value] of Object.entries(credential.query)) url.searchParams.set(name, value)
    const sent =
      call.raw ?? (call.body === undefined ? undefined : { type: 'application/json', text: JSON.stringify(call.body) })
    const type: Record<string, string> = sent ? { 'content-type': sent.type } : {}
    const headers = { ...type, ...call.headers, ...credential.headers }
    const { user_key, app_keys = [], client_secret } = application.credentials
    const secrets = written([user_key, ...app_keys, client_secret, credential.headers.Authorization?.split(' ')[1]])
    return { method: call.method, url, headers, secrets, ...(sent ? { body: sent.text } : {}) }
  }

  /** Where the credential goes, by mode and location (APIcast, configuration/service.lua). */
  async function carrier(application: Application): Promise<Credential> {
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
    if (!application.credentials.token_url) throw withoutToken()
    const answer = await gateway.call(tokenRequest(application))
    const parsed = jsonOf(answer.text) as { access_token?: unknown } | undefined
    if (answer.status !== 200 || typeof parsed?.access_token !== 'string') throw withoutToken()
    return parsed.access_token
  }
}

function withoutToken() {
  const detail =
    'No access token could be obtained for this application, so nothing was sent. The issuer may not have its client yet. Try again in a minute.'
  return problem('gateway_unavailable', { detail })
}

/** The request for a short-lived token (OpenID Connect products). */
export function tokenRequest({ credentials }: Application): Prepared {
  const { client_id = '', client_secret = '', token_url } = credentials
  if (!token_url) throw new Error('no token endpoint is known')
  const pair = [client_id, client_secret].map(encodeURIComponent).join(':')
  return {
    method: 'POST',
    url: new URL(token_url),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
    },
    body: 'grant_type=client_credentials',
    // the answer is read here, and shown to nobody
    secrets: [],
  }
}

interface Credential {
  headers: Record<string, string>
  query: Record<string, string>
}

/** The value of a JSON text; undefined where it is none, or one beyond what `readJson` reads. */
function jsonOf(text: string): unknown {
  const read = readJson(text)
  return 'value' in read ? read.value : undefined
}
