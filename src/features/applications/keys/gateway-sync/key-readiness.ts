import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'

/**
 * The gateway follows a change of keys about 0.2 s after 3scale responds. If an application key is used earlier, 3scale's
 * backend caches the result for a minute (measured with APIcast 2.16 and apisonator 3.4): a new key would be rejected for
 * that time, and a removed one accepted.
 */
const USABLE_MS = 300
/** The portal's own calls can wait longer, because a busy 3scale may take more time. */
const READY_MS = 600
const RECENT_MS = 2000

export type KeyReadiness = ReturnType<typeof createKeyReadiness>

/** Delays the use of a changed key until the gateway can know it. */
export function createKeyReadiness({ now = Date.now, wait = sleep as (ms: number) => Promise<unknown> } = {}) {
  const changedAt = new LRUCache<number, number>({ max: 10_000 })
  return {
    /** A key of this application was created, added, replaced or removed. */
    markChanged(applicationId: number): void {
      changedAt.set(applicationId, now())
    },
    /** Another request created this key, on any replica. 3scale reports times in whole seconds. */
    markSeen(applicationId: number, createdAt: string | null): void {
      if (now() - Date.parse(createdAt ?? '') < RECENT_MS) changedAt.set(applicationId, now())
    },
    /** For responses with a new key: resolves when the gateway usually knows it. */
    waitUntilUsable: (applicationId: number) => waitUntil(applicationId, USABLE_MS),
    /** For the portal's own calls: resolves when the gateway can be expected to have followed. */
    waitUntilReady: (applicationId: number) => waitUntil(applicationId, READY_MS),
  }

  async function waitUntil(applicationId: number, ms: number): Promise<void> {
    const remaining = (changedAt.get(applicationId) ?? 0) + ms - now()
    if (remaining > 0) await wait(remaining)
  }
}
