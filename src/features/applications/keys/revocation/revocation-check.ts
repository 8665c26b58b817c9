import type { CatalogueModel } from '../../applications.js'
import type { Application, RevocationCheck } from '../../schemas.js'
import {
  createGatewayProbe,
  type GatewayProbeDeps,
  isRejection,
  probeOf,
  withUnknownKey,
} from '../gateway-sync/gateway-probe.js'

export interface RevocationCheckDeps extends GatewayProbeDeps {
  wait(ms: number): Promise<unknown>
}

export type RevocationVerdict = Pick<RevocationCheck, 'refused' | 'reason' | 'request'> & {
  /** true: the gateway did not respond to the unknown key, and the revoked key was not sent */
  isUnanswered?: boolean
}

/** Requests with a revoked key in total. An accepted request counts in the usage of the user. */
export const MAX_REQUESTS = 3
const CONSECUTIVE_REJECTIONS = 2
/** The gateway accepts a cached key first and validates it afterwards (APIcast, cache_handler.lua). */
const AFTER_ACCEPTED_MS = 1000
const AFTER_REJECTED_MS = 200

export type RevocationCheckRunner = ReturnType<typeof createRevocationCheck>

/**
 * Checks at the gateway, or for OpenID Connect at the token endpoint, whether it still accepts a revoked key, with a request
 * that runs no model. A key that never existed is sent first to learn what a rejection looks like. It counts in no usage.
 */
export function createRevocationCheck({ wait, ...deps }: RevocationCheckDeps) {
  const send = createGatewayProbe(deps)
  return {
    /**
     * `application` contains the revoked key. `sent` is the number of earlier requests with it, and `countRequest` is called
     * before each further one. Two consecutive rejections complete the check. Each request uses a new connection, which may
     * reach another gateway pod.
     */
    async run(
      entry: Pick<CatalogueModel, 'model' | 'rules'>,
      application: Application,
      sent: number,
      countRequest: () => Promise<void>,
    ): Promise<RevocationVerdict> {
      const probe = probeOf(entry, application)
      if (!probe) return { refused: null, reason: 'no_safe_request', request: null }
      const request = { method: probe.method, path: probe.path }
      if (sent >= MAX_REQUESTS) return { refused: null, reason: 'interrupted', request }
      const rejection = await send(probe, entry.model, withUnknownKey(application))
      if (rejection === undefined) return { refused: null, reason: 'no_response', request, isUnanswered: true }
      if (!isRejection(rejection)) return { refused: null, reason: 'inconclusive', request }
      let response: string | undefined
      let rejections = 0
      for (let left = MAX_REQUESTS - sent; left > 0 && rejections < CONSECUTIVE_REJECTIONS; left--) {
        await countRequest()
        response = await send(probe, entry.model, application)
        rejections = response === rejection ? rejections + 1 : 0
        if (left > 1 && rejections < CONSECUTIVE_REJECTIONS)
          await wait(response === rejection ? AFTER_REJECTED_MS : AFTER_ACCEPTED_MS)
      }
      return response === undefined
        ? { refused: null, reason: 'no_response', request }
        : { refused: response === rejection, reason: null, request }
    },
  }
}
