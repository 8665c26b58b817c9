import { problem } from '../../errors.js'
import { tooManyModelCalls } from './messages.js'

/** Concurrent calls to models per user. */
const MAX_CONCURRENT = 6
const RETRY_SECONDS = 5

export type ModelCallLimit = ReturnType<typeof createModelCallLimit>

/** Limits the concurrent calls to models of a user, in all parts of the portal. */
export function createModelCallLimit() {
  const running = new Map<string, number>()

  return {
    /** Returns a function that releases the slot. Rejects with too_many_requests. */
    take({ username }: { username: string }): () => void {
      const count = running.get(username) ?? 0
      if (count >= MAX_CONCURRENT)
        throw problem('too_many_requests', { detail: tooManyModelCalls(MAX_CONCURRENT), retryAfter: RETRY_SECONDS })
      running.set(username, count + 1)
      let isReleased = false
      return () => {
        if (isReleased) return
        isReleased = true
        const rest = (running.get(username) ?? 1) - 1
        if (rest > 0) running.set(username, rest)
        else running.delete(username)
      }
    },
  }
}
