import { LRUCache } from 'lru-cache'

export interface AdaptiveConcurrencyOptions {
  start?: number
  min?: number
  max?: number
  now?: () => number
}

/** The time of one call, and how many calls were running at its end. */
export interface ConcurrencySample {
  /** calls of one name take about the same time when 3scale is idle */
  name: string
  ms: number
  running: number
  /** true if calls were waiting */
  limited: boolean
}

export type AdaptiveConcurrency = ReturnType<typeof createAdaptiveConcurrency>

const MAX_NAMES = 5000
/** The shortest time of a call expires after one to two such periods, because 3scale may have become slower. */
const PERIOD_MS = 300_000
/** A call within this tolerance of the shortest one did not wait inside 3scale. */
const TOLERANCE = 1.25
const TOLERANCE_MS = 5
/** The length of the queue inside 3scale below which the limit may increase, and above which it decreases. */
const SHORT_QUEUE = 0.3
const LONG_QUEUE = 1

/**
 * Estimates how many concurrent calls 3scale sustains. A call spends the time beyond the shortest call of its name in a queue inside
 * 3scale. The share of that time, multiplied by the running calls, is the length of the queue (the estimate of TCP Vegas). The limit
 * keeps about half a call there: 3scale's workers are never idle, and a short call hardly waits for a long one.
 */
export function createAdaptiveConcurrency({
  start = 8,
  min = 2,
  max = 32,
  now = () => performance.now(),
}: AdaptiveConcurrencyOptions = {}) {
  const times = new LRUCache<string, { best: number; previousBest: number; since: number }>({ max: MAX_NAMES })
  let limit = start
  let round = emptyRound()

  return {
    get value(): number {
      return limit
    },

    observe({ name, ms, running, limited }: ConcurrencySample): void {
      const shortest = shortestOf(name, ms)
      // the first call of a name has nothing to compare with
      if (shortest === undefined) return
      round.samples++
      round.spent += ms
      round.worked += Math.min(ms, shortest * TOLERANCE + TOLERANCE_MS)
      round.running += running
      round.limited ||= limited
      if (round.samples < Math.max(4, limit)) return
      adapt()
      round = emptyRound()
    },
  }

  function adapt(): void {
    const running = round.running / round.samples
    const busy = running * (round.worked / round.spent)
    const queued = running - busy
    if (queued > LONG_QUEUE) limit = Math.max(min, Math.min(limit - 1, Math.round(busy) + 1))
    else if (queued < SHORT_QUEUE && round.limited) limit = Math.min(max, limit + 1)
  }

  /** Undefined for the first call of its name. */
  function shortestOf(name: string, ms: number): number | undefined {
    const entry = times.get(name)
    if (!entry) {
      times.set(name, { best: ms, previousBest: ms, since: now() })
      return undefined
    }
    if (now() - entry.since > PERIOD_MS) {
      entry.previousBest = entry.best
      entry.best = ms
      entry.since = now()
    }
    entry.best = Math.min(entry.best, ms)
    return Math.min(entry.best, entry.previousBest)
  }
}

function emptyRound() {
  return { samples: 0, spent: 0, worked: 0, running: 0, limited: false }
}
