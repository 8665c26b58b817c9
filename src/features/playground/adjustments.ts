import { LRUCache } from 'lru-cache'
import { type Change, changed, changesFor, noticeOf, type Refusal } from '../../model-calls/refused-parameters.js'
import type { Model } from '../models/schemas.js'

const HOUR_MS = 3_600_000

type Body = Record<string, unknown>

/**
 * What the portal adds to a request and a model server rejects. Each process keeps it for an hour, so that a conversation
 * does not cost two requests for each message.
 */
export function createAdjustments() {
  const known = new LRUCache<string, Set<Change>>({ max: 1000, ttl: HOUR_MS })

  return {
    of({ system_name }: Model) {
      const before = known.get(system_name) ?? new Set<Change>()
      return {
        /** the body as this model server is known to accept it */
        applied: (body: Body): Body => changed(body, before),
        /** the body to send after a refusal of the one with the `earlier` changes; undefined where nothing can be left out */
        after(body: Body, refusal: Refusal, earlier: Iterable<Change> = before) {
          const changes = changesFor(changed(body, earlier), refusal)
          if (changes.length === 0) return undefined
          const all = new Set([...earlier, ...changes])
          return {
            changes: all,
            body: changed(body, all),
            notices: changes.map(noticeOf),
            /** to be called where the server accepted the changed body */
            keep: () => void known.set(system_name, all),
          }
        },
      }
    },
  }
}
