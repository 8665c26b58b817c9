import { randomBytes } from 'node:crypto'
import { isProblem } from '../../../../errors.js'
import { exampleCall } from '../../../../model-calls/example-calls.js'
import { type ModelCalls, type PreparedRequest, tokenRequest } from '../../../../model-calls/gateway-requests.js'
import type { Model } from '../../../models/schemas.js'
import type { CatalogueModel } from '../../applications.js'
import type { Application } from '../../schemas.js'
import { findProbeRequest, type ProbeRequest, type ProbeRequestOptions } from './probe-requests.js'

export interface GatewayProbeDeps {
  calls: Pick<ModelCalls, 'prepare'>
  gateway: {
    call(
      request: PreparedRequest & { timeoutMs: number; freshConnection: boolean },
    ): Promise<{ status: number; text: string }>
  }
}

/** Responses to an unknown key: the gateway's default or the product's own choice; token endpoints use 400 or 401. */
const REJECTION = /^40[013] /
const NO_TOKEN = '401 no token'
const TIMEOUT_MS = 2500

/**
 * Sends a request that runs no model with the credentials of an application. Returns the response as comparable text that
 * begins with the status, or undefined after no response or a server error. Each request uses a new connection, which may
 * reach another gateway pod. Never rejects.
 */
export function createGatewayProbe({ calls, gateway }: GatewayProbeDeps) {
  return async function send({ method, path, body }: ProbeRequest, model: Model, application: Application) {
    try {
      const isOidc = application.credentials.mode === 'oidc'
      const request = isOidc
        ? tokenRequest(application)
        : await calls.prepare(model, application, { method, path, body })
      const { status, text } = await gateway.call({ ...request, timeoutMs: TIMEOUT_MS, freshConnection: true })
      if (status >= 500) return undefined
      // the message for a client without any secret can differ from the message for a wrong secret
      return isOidc && isRejection(`${status} `) ? NO_TOKEN : `${status} ${text}`
    } catch (error) {
      if (isProblem(error)) return undefined
      throw error
    }
  }
}

/** Whether the response to an unknown key is a rejection; other responses may be the same for every key. */
export function isRejection(response: string): boolean {
  return REJECTION.test(response)
}

/** The gateway of an OpenID Connect product validates tokens. Its client secret is checked at the token endpoint. */
export function probeOf(
  { model, rules }: Pick<CatalogueModel, 'model' | 'rules'>,
  application: Application,
  options: Pick<ProbeRequestOptions, 'isAnswered'> = {},
): ProbeRequest | undefined {
  const { mode, token_url } = application.credentials
  if (mode === 'oidc') return token_url ? { method: 'POST', path: new URL(token_url).pathname } : undefined
  const limits = model.plans.find(({ system_name }) => system_name === application.plan)?.limits ?? []
  const limited = new Set(limits.map(({ metric }) => metric))
  return findProbeRequest(rules, { ...options, callPath: callPathOf(model), limited })
}

/** The same application with a key that never existed. The response shows what a rejection looks like. */
export function withUnknownKey(application: Application): Application {
  const unknown = randomBytes(16).toString('hex')
  const secrets = { user_key: unknown, app_keys: [unknown], client_secret: unknown }
  return { ...application, credentials: { ...application.credentials, ...secrets } }
}

/** The path of calls to the model, unless its URL contains a placeholder. */
function callPathOf(model: Model): string | undefined {
  const { method, path, query, placeholders } = exampleCall(model)
  return method === 'POST' && query.length === 0 && placeholders.length === 0 ? path : undefined
}
