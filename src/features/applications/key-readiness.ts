import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'

/**
 * The gateway follows a change of keys some 0.2 s after 3scale has answered. What it says of an application key sooner, yes or
 * no, 3scale's back-end remembers for a minute (measured with APIcast 2.16 and apisonator 3.4): a new key would be refused for
 * that long, and a removed one accepted.
 */
const READY_MS = 600

export type KeyReadiness = ReturnType<typeof createKeyReadiness>

/** Keeps the portal's own calls to a model from using keys of an application whose keys it has only just changed. */
export function createKeyReadiness({ now = Date.now, wait = sleep as (ms: number) => Promise<unknown> } = {}) {
  const changedAt = new LRUCache<number, number>({ max: 10_000 })
  return {
    /** A key of this application was created, added, replaced or removed. */
    changed(applicationId: number): void {
      changedAt.set(applicationId, now())
    },
    /** Resolves when the gateway can be expected to have followed; at once unless a key was changed just now. */
    async ready(applicationId: number): Promise<void> {
      const left = (changedAt.get(applicationId) ?? 0) + READY_MS - now()
      if (left > 0) await wait(left)
    },
  }
}
