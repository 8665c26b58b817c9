import { LRUCache } from 'lru-cache'

const MAX_LISTS = 1000
const REMEMBERED_MS = 24 * 3_600_000
/** Without a response for so long, a long read is sent again. */
const SILENT_MS = 5000
const MAX_TIMEOUT_MS = 60_000

/**
 * How long 3scale takes for each of its long lists. Plans have no pages, and 4,000 of them take it 11 s. A list that is known to take
 * long gets twice its time, and is sent again only when it takes much longer than usual: 3scale would render it twice.
 */
export function createLongReads() {
  const tookMs = new LRUCache<string, number>({ max: MAX_LISTS, ttl: REMEMBERED_MS })

  return {
    timeoutsFor(list: string, timeoutMs: number): { timeoutMs: number; silentMs: number } {
      const known = tookMs.get(list) ?? 0
      return {
        timeoutMs: Math.max(timeoutMs, Math.min(MAX_TIMEOUT_MS, known * 2)),
        silentMs: Math.max(SILENT_MS, known * 1.5),
      }
    },

    /** A response that 3scale rendered. */
    observe: (list: string, ms: number): void => void tookMs.set(list, ms),
  }
}
