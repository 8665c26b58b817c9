import { randomBytes } from 'node:crypto'
import { isProblem } from '../../errors.js'
import { callOf } from '../../model-calls/example-calls.js'
import type { Model } from '../models/schemas.js'
import type { FoundModel } from './applications.js'
import { type ModelCalls, type Prepared, tokenRequest } from './model-calls.js'
import { type Probe, type ProbeOptions, probeFor } from './probes.js'
import type { Application } from './schemas.js'

export interface GatewayQuestionsDeps {
  calls: Pick<ModelCalls, 'prepare'>
  gateway: {
    call(request: Prepared & { timeoutMs: number; freshConnection: boolean }): Promise<{ status: number; text: string }>
  }
}

/** What an unknown key is answered: the gateway's default or the product's own choice; token endpoints say 400 or 401. */
const REFUSAL = /^40[013] /
const NO_TOKEN = '401 no token'
const CALL_MS = 2500

/**
 * Asks the gateway with the credentials of an application, by a request that runs no model. The answer as text that can be
 * compared, status first; undefined: none, or a server error. Each request uses a connection of its own, which may reach
 * another gateway pod. Never rejects.
 */
export function createAsk({ calls, gateway }: GatewayQuestionsDeps) {
  return async function ask({ method, path, body }: Probe, model: Model, application: Application) {
    try {
      const oidc = application.credentials.mode === 'oidc'
      const request = oidc ? tokenRequest(application) : await calls.prepare(model, application, { method, path, body })
      const { status, text } = await gateway.call({ ...request, timeoutMs: CALL_MS, freshConnection: true })
      if (status >= 500) return undefined
      // a client without any secret may be refused in other words than one with a wrong secret
      return oidc && isRefusal(`${status} `) ? NO_TOKEN : `${status} ${text}`
    } catch (error) {
      if (isProblem(error)) return undefined
      throw error
    }
  }
}

/** Whether an unknown key's answer is a refusal; anything else may be said to every key. */
export function isRefusal(answer: string): boolean {
  return REFUSAL.test(answer)
}

/** The gateway of an OpenID Connect product checks tokens; the secret itself is checked where tokens are issued. */
export function probeOf(
  { model, rules }: Pick<FoundModel, 'model' | 'rules'>,
  application: Application,
  options: Pick<ProbeOptions, 'isAnswered'> = {},
): Probe | undefined {
  const { mode, token_url } = application.credentials
  if (mode === 'oidc') return token_url ? { method: 'POST', path: new URL(token_url).pathname } : undefined
  const limits = model.plans.find(({ system_name }) => system_name === application.plan)?.limits ?? []
  const limited = new Set(limits.map(({ metric }) => metric))
  return probeFor(rules, { ...options, callPath: callPathOf(model), limited })
}

/** The same application with a key that never existed, whose answer shows what a refusal looks like. */
export function withUnknownKey(application: Application): Application {
  const unknown = randomBytes(16).toString('hex')
  const secrets = { user_key: unknown, app_keys: [unknown], client_secret: unknown }
  return { ...application, credentials: { ...application.credentials, ...secrets } }
}

/** Where requests to the model go, if nothing in the address is a placeholder. */
function callPathOf(model: Model): string | undefined {
  const { method, path, query, placeholders } = callOf(model)
  return method === 'POST' && query.length === 0 && placeholders.length === 0 ? path : undefined
}
