import { randomBytes } from 'node:crypto'
import { isProblem } from '../../errors.js'
import { callOf } from '../../model-calls/example-calls.js'
import type { Model } from '../models/schemas.js'
import type { FoundModel } from './applications.js'
import { type ModelCalls, type Prepared, tokenRequest } from './model-calls.js'
import { type Probe, probeFor } from './probes.js'
import type { Application, Receipt } from './schemas.js'

export interface RevocationCheckDeps {
  calls: Pick<ModelCalls, 'prepare'>
  gateway: {
    call(request: Prepared & { timeoutMs: number; freshConnection: boolean }): Promise<{ status: number; text: string }>
  }
  wait(ms: number): Promise<unknown>
}

export type Verdict = Pick<Receipt, 'refused' | 'reason' | 'request'> & {
  /** true: not even an unknown key was answered, and no request was sent with the removed one */
  unreached?: boolean
}

/** Requests with a removed key, in total: an accepted one counts in the user's usage. */
export const MOST_REQUESTS = 3

/** What an unknown key is answered: the gateway's default or the product's own choice; token endpoints say 400 or 401. */
const REFUSAL = /^40[013] /
const NO_TOKEN = '401 no token'
const ENOUGH = 2
const CALL_MS = 2500
/** The gateway answers a cached key first and asks the back-end afterwards (APIcast, cache_handler.lua). */
const AFTER_ACCEPTED_MS = 1000
const AFTER_REFUSED_MS = 200

export type RevocationCheck = ReturnType<typeof createRevocationCheck>

/**
 * Asks the gateway, or for OpenID Connect the token endpoint, whether it still accepts a removed key, by one request that runs
 * no model. A key that never existed goes first and shows what a refusal looks like; it counts in no usage.
 */
export function createRevocationCheck({ calls, gateway, wait }: RevocationCheckDeps) {
  return {
    /**
     * `application` carries the removed key; `sent` is how often it was sent before, and `spend` is called before each further
     * time. Two refusals in a row are enough. Each request uses a connection of its own, which may reach another gateway pod.
     */
    async run(
      found: Pick<FoundModel, 'model' | 'rules'>,
      application: Application,
      sent: number,
      spend: () => Promise<void>,
    ): Promise<Verdict> {
      const probe = probeOf(found, application)
      if (!probe) return { refused: null, reason: 'no_safe_request', request: null }
      const request = { method: probe.method, path: probe.path }
      if (sent >= MOST_REQUESTS) return { refused: null, reason: 'interrupted', request }
      const refusal = await ask(probe, found.model, withUnknownKey(application))
      if (refusal === undefined) return { refused: null, reason: 'no_response', request, unreached: true }
      if (!REFUSAL.test(refusal)) return { refused: null, reason: 'inconclusive', request }
      let answer: string | undefined
      for (let refused = 0, left = MOST_REQUESTS - sent; left > 0 && refused < ENOUGH; left--) {
        await spend()
        answer = await ask(probe, found.model, application)
        refused = answer === refusal ? refused + 1 : 0
        if (left > 1 && refused < ENOUGH) await wait(answer === refusal ? AFTER_REFUSED_MS : AFTER_ACCEPTED_MS)
      }
      return answer === undefined
        ? { refused: null, reason: 'no_response', request }
        : { refused: answer === refusal, reason: null, request }
    },
  }

  /** The answer as text that can be compared; undefined: none, or a server error. */
  async function ask({ method, path, body }: Probe, model: Model, application: Application) {
    try {
      const oidc = application.credentials.mode === 'oidc'
      const request = oidc ? tokenRequest(application) : await calls.prepare(model, application, { method, path, body })
      const { status, text } = await gateway.call({ ...request, timeoutMs: CALL_MS, freshConnection: true })
      if (status >= 500) return undefined
      // a client without any secret may be refused in other words than one with a wrong secret
      return oidc && REFUSAL.test(`${status} `) ? NO_TOKEN : `${status} ${text}`
    } catch (error) {
      if (isProblem(error)) return undefined
      throw error
    }
  }
}

/** The gateway of an OpenID Connect product checks tokens; the secret itself is checked where tokens are issued. */
function probeOf({ model, rules }: Pick<FoundModel, 'model' | 'rules'>, application: Application): Probe | undefined {
  const { mode, token_url } = application.credentials
  if (mode === 'oidc') return token_url ? { method: 'POST', path: new URL(token_url).pathname } : undefined
  const limits = model.plans.find(({ system_name }) => system_name === application.plan)?.limits ?? []
  return probeFor(rules, { callPath: callPathOf(model), limited: new Set(limits.map(({ metric }) => metric)) })
}

/** Where requests to the model go, if nothing in the address is a placeholder. */
function callPathOf(model: Model): string | undefined {
  const { method, path, query, placeholders } = callOf(model)
  return method === 'POST' && query.length === 0 && placeholders.length === 0 ? path : undefined
}

function withUnknownKey(application: Application): Application {
  const unknown = randomBytes(16).toString('hex')
  const secrets = { user_key: unknown, app_keys: [unknown], client_secret: unknown }
  return { ...application, credentials: { ...application.credentials, ...secrets } }
}
