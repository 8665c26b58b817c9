import { problem } from '../errors.js'
import type { KeyReadiness } from '../features/applications/keys/gateway-sync/key-readiness.js'
import type { Application } from '../features/applications/schemas.js'
import type { Model } from '../features/models/schemas.js'
import { readJson } from '../infra/bounded-json.js'
import { secretForms } from '../infra/redaction.js'
import { noAccessToken } from './messages.js'

/** A response of a gateway; the client truncates bodies at its limit. */
export interface GatewayResponse {
  status: number
  ms: number
  headers: Record<string, string>
  text: string
}

/** A call to a model's endpoint. `path` is relative to it, as in the mapping rules. */
export interface ModelCall {
  method: string
  path: string
  headers?: Record<string, string>
  /** sent as JSON */
  body?: unknown
  /** sent unchanged */
  raw?: { type: string; text: string } | undefined
}

export interface PreparedRequest {
  method: string
  url: URL
  headers: Record<string, string>
  body?: string
  /** credentials in the request; a response that contains them is never shown */
  secrets: string[]
}

export interface ModelCallsDeps {
  gateway: { call(request: PreparedRequest): Promise<GatewayResponse> }
  readiness: Pick<KeyReadiness, 'waitUntilReady'>
}

export type ModelCalls = ReturnType<typeof createModelCalls>

/** Calls models with the credentials of an application, and only the endpoint that the catalogue contains. */
export function createModelCalls({ gateway, readiness }: ModelCallsDeps) {
  return {
    prepare,
    /** Rejects with gateway_unavailable. `application` contains its secrets. */
    async call(model: Model, application: Application, call: ModelCall): Promise<GatewayResponse> {
      return gateway.call(await prepare(model, application, call))
    },
  }

  /** Adds the credentials. For OpenID Connect, an access token is obtained first. Rejects with gateway_unavailable. */
  async function prepare(model: Model, application: Application, call: ModelCall): Promise<PreparedRequest> {
    await readiness.waitUntilReady(application.id)
    const credential = await credentialOf(application)
    const url = new URL(model.endpoint + call.path)
    for (const [name, value] of Object.entries(credential.query)) url.searchParams.set(name, value)
    const content =
      call.raw ?? (call.body === undefined ? undefined : { type: 'application/json', text: JSON.stringify(call.body) })
    const type: Record<string, string> = content ? { 'content-type': content.type } : {}
    const headers = { ...type, ...call.headers, ...credential.headers }
    const { user_key, app_keys = [], client_secret } = application.credentials
    const secrets = secretForms([user_key, ...app_keys, client_secret, credential.headers.Authorization?.split(' ')[1]])
    return { method: call.method, url, headers, secrets, ...(content ? { body: content.text } : {}) }
  }

  /** The credential in its location, by mode (APIcast, configuration/service.lua). */
  async function credentialOf(application: Application): Promise<Credential> {
    const { mode, location, names, user_key, app_id, app_keys } = application.credentials
    if (mode === 'oidc') return { headers: { Authorization: `Bearer ${await accessToken(application)}` }, query: {} }
    const key = app_keys?.at(-1) ?? ''
    const parameters: Record<string, string> =
      mode === 'user_key'
        ? { [names.user_key]: user_key ?? '' }
        : { [names.app_id]: app_id ?? '', [names.app_key]: key }
    if (location === 'query') return { headers: {}, query: parameters }
    if (location === 'headers') return { headers: parameters, query: {} }
    const value =
      mode === 'user_key' ? `Bearer ${user_key}` : `Basic ${Buffer.from(`${app_id}:${key}`).toString('base64')}`
    return { headers: { Authorization: value }, query: {} }
  }

  async function accessToken(application: Application): Promise<string> {
    if (!application.credentials.token_url) throw problem('gateway_unavailable', { detail: noAccessToken })
    const response = await gateway.call(tokenRequest(application))
    const body = parseJson(response.text) as { access_token?: unknown } | undefined
    if (response.status !== 200 || typeof body?.access_token !== 'string')
      throw problem('gateway_unavailable', { detail: noAccessToken })
    return body.access_token
  }
}

/** The request for a short-lived access token of an OpenID Connect product. */
export function tokenRequest({ credentials }: Application): PreparedRequest {
  const { client_id = '', client_secret = '', token_url } = credentials
  if (!token_url) throw new Error('the token endpoint is unknown')
  const pair = [client_id, client_secret].map(encodeURIComponent).join(':')
  return {
    method: 'POST',
    url: new URL(token_url),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
    },
    body: 'grant_type=client_credentials',
    // the response is never shown
    secrets: [],
  }
}

interface Credential {
  headers: Record<string, string>
  query: Record<string, string>
}

/** Undefined if the text is not JSON, or exceeds the limits of `readJson`. */
function parseJson(text: string): unknown {
  const json = readJson(text)
  return 'value' in json ? json.value : undefined
}
