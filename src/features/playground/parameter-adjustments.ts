import { LRUCache } from 'lru-cache'
import {
  applyChanges,
  changeNotice,
  findChanges,
  type ParameterChange,
  type RejectedResponse,
} from '../../model-calls/rejected-parameters.js'
import type { Model } from '../models/schemas.js'

const HOUR_MS = 3_600_000

type Body = Record<string, unknown>

/**
 * Request parameters that the portal adds and a model server rejects. Each process remembers them for an hour, so that a
 * conversation does not cost two requests for each message.
 */
export function createParameterAdjustments() {
  const accepted = new LRUCache<string, Set<ParameterChange>>({ max: 1000, ttl: HOUR_MS })

  return {
    of({ system_name }: Model) {
      const remembered = accepted.get(system_name) ?? new Set<ParameterChange>()
      return {
        /** The body as this model server is expected to accept it. */
        applied: (body: Body): Body => applyChanges(body, remembered),
        /** The body to send after a rejection of the one with the `earlier` changes; undefined if no change can help. */
        after(body: Body, rejection: RejectedResponse, earlier: Iterable<ParameterChange> = remembered) {
          const additional = findChanges(applyChanges(body, earlier), rejection)
          if (additional.length === 0) return undefined
          const changes = new Set([...earlier, ...additional])
          return {
            changes,
            body: applyChanges(body, changes),
            notices: additional.map(changeNotice),
            /** To be called once the server has accepted the changed body. */
            remember: () => void accepted.set(system_name, changes),
          }
        },
      }
    },
  }
}
