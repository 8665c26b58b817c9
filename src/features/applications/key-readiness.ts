import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'

/**
 * The gateway knows a new key some 0.2 s after 3scale has answered. A key that is sent to it sooner is refused, and 3scale's
 * back-end remembers that refusal of an application key for a minute (measured with APIcast 2.16 and apisonator 3.4).
 */
const READY_MS = 600

export type KeyReadiness = ReturnType<typeof createKeyReadiness>

/** Keeps the portal's own calls to a model from using a key that this portal has only just written. */
export function createKeyReadiness({ now = Date.now, wait = sleep as (ms: number) => Promise<unknown> } = {}) {
  const writtenAt = new LRUCache<number, number>({ max: 10_000 })
  return {
    /** A key of this application was created, added or replaced. */
    written(applicationId: number): void {
      writtenAt.set(applicationId, now())
    },
    /** Resolves when the gateway can be expected to know the application's keys; at once unless one was just written. */
    async ready(applicationId: number): Promise<void> {
      const left = (writtenAt.get(applicationId) ?? 0) + READY_MS - now()
      if (left > 0) await wait(left)
    },
  }
}
