import { problem } from '../errors.js'

/** Calls to models that one person may have running at the same time. */
const AT_ONCE = 6

export type Places = ReturnType<typeof createPlaces>

/** So many long calls of one person at the same time, wherever in the portal they were begun. */
export function createPlaces() {
  const running = new Map<string, number>()

  return {
    /** Returns how to give the place back, once. Rejects with too_many_requests. */
    take({ username }: { username: string }): () => void {
      const now = running.get(username) ?? 0
      if (now >= AT_ONCE)
        throw problem('too_many_requests', {
          detail: `${AT_ONCE} calls of yours are running. Stop one, or wait for it to end.`,
          retryAfter: 5,
        })
      running.set(username, now + 1)
      let given = false
      return () => {
        if (given) return
        given = true
        const left = (running.get(username) ?? 1) - 1
        if (left > 0) running.set(username, left)
        else running.delete(username)
      }
    },
  }
}
