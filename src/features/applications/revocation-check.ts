import type { FoundModel } from './applications.js'
import { createAsk, type GatewayQuestionsDeps, isRefusal, probeOf, withUnknownKey } from './gateway-questions.js'
import type { Application, Receipt } from './schemas.js'

export interface RevocationCheckDeps extends GatewayQuestionsDeps {
  wait(ms: number): Promise<unknown>
}

export type Verdict = Pick<Receipt, 'refused' | 'reason' | 'request'> & {
  /** true: not even an unknown key was answered, and no request was sent with the removed one */
  unreached?: boolean
}

/** Requests with a removed key, in total: an accepted one counts in the user's usage. */
export const MOST_REQUESTS = 3

const ENOUGH = 2
/** The gateway answers a cached key first and asks the back-end afterwards (APIcast, cache_handler.lua). */
const AFTER_ACCEPTED_MS = 1000
const AFTER_REFUSED_MS = 200

export type RevocationCheck = ReturnType<typeof createRevocationCheck>

/**
 * Asks the gateway, or for OpenID Connect the token endpoint, whether it still accepts a removed key, by one request that runs
 * no model. A key that never existed goes first and shows what a refusal looks like; it counts in no usage.
 */
export function createRevocationCheck({ wait, ...deps }: RevocationCheckDeps) {
  const ask = createAsk(deps)
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
      if (!isRefusal(refusal)) return { refused: null, reason: 'inconclusive', request }
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
}
