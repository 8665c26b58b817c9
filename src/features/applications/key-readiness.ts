import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'

/**
 * The gateway follows a change of keys some 0.2 s after 3scale has answered. What it says of an application key sooner, yes or
 * no, 3scale's back-end remembers for a minute (measured with APIcast 2.16 and apisonator 3.4): a new key would be refused for
 * that long, and a removed one accepted.
 */
const USABLE_MS = 300
/** The portal's own calls wait longer: they are in no hurry, and a busy 3scale may take more time. */
const READY_MS = 600

const RECENT_MS = 2000

export type KeyReadiness = ReturnType<typeof createKeyReadiness>

/** Keeps a key from being used, by the portal or by whoever is shown it, before the gateway can know it. */
export function createKeyReadiness({ now = Date.now, wait = sleep as (ms: number) => Promise<unknown> } = {}) {
  const changedAt = new LRUCache<number, number>({ max: 10_000 })
  return {
    /** A key of this application was created, added, replaced or removed. */
    changed(applicationId: number): void {
      changedAt.set(applicationId, now())
    },
    /** Another request has just made this key, at this replica or another: times of 3scale are whole seconds. */
    seen(applicationId: number, createdAt: string | null): void {
      if (now() - Date.parse(createdAt ?? '') < RECENT_MS) changedAt.set(applicationId, now())
    },
    /** Before an answer that shows a new key: resolves when the gateway usually knows it. */
    usable: (applicationId: number) => until(applicationId, USABLE_MS),
    /** Before a call of the portal's own: resolves when the gateway can be expected to have followed. */
    ready: (applicationId: number) => until(applicationId, READY_MS),
  }

  /** At once unless a key was changed just now. */
  async function until(applicationId: number, ms: number): Promise<void> {
    const left = (changedAt.get(applicationId) ?? 0) + ms - now()
    if (left > 0) await wait(left)
  }
}
