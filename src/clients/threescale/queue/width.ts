import { LRUCache } from 'lru-cache'

export interface WidthOptions {
  start?: number
  least?: number
  most?: number
  now?: () => number
}

/** How one call went, and how many were running when it ended. */
export interface Sample {
  /** calls of one name take about the same time when 3scale is idle */
  name: string
  ms: number
  running: number
  /** whether a call waited for a place */
  limited: boolean
}

export type Width = ReturnType<typeof createWidth>

const NAMES = 5000
/** The shortest time of a call is forgotten after one to two of these, as 3scale may have become slower. */
const REMEMBERED_MS = 300_000
/** A call is as long as the shortest one, within this tolerance. */
const TOLERANCE = 1.25
const TOLERANCE_MS = 5
/** Calls in a line inside 3scale: fewer than this, and there may be more; more, and there are too many. */
const FEW = 0.3
const MANY = 1

/**
 * How many calls at a time 3scale sustains. The time of a call beyond the shortest one of its kind was spent in a line inside
 * 3scale; the share of it, times the calls that run, is the length of that line (as TCP Vegas estimates it). The width keeps
 * about half a call there: workers never wait for work, and a short call hardly waits for a long one.
 */
export function createWidth({ start = 8, least = 2, most = 32, now = () => performance.now() }: WidthOptions = {}) {
  const shortest = new LRUCache<string, { best: number; before: number; since: number }>({ max: NAMES })
  let width = start
  let round = emptyRound()

  return {
    get value(): number {
      return width
    },

    observe({ name, ms, running, limited }: Sample): void {
      const known = bestOf(name, ms)
      // the first of its name says nothing: nobody knows how long it takes
      if (known === undefined) return
      round.samples++
      round.spent += ms
      round.worked += Math.min(ms, known * TOLERANCE + TOLERANCE_MS)
      round.running += running
      round.limited ||= limited
      if (round.samples < Math.max(4, width)) return
      adapt()
      round = emptyRound()
    },
  }

  function adapt(): void {
    const running = round.running / round.samples
    const busy = running * (round.worked / round.spent)
    const inLine = running - busy
    if (inLine > MANY) width = Math.max(least, Math.min(width - 1, Math.round(busy) + 1))
    else if (inLine < FEW && round.limited) width = Math.min(most, width + 1)
  }

  /** Undefined where it is the first of its name. */
  function bestOf(name: string, ms: number): number | undefined {
    const known = shortest.get(name)
    if (!known) {
      shortest.set(name, { best: ms, before: ms, since: now() })
      return undefined
    }
    if (now() - known.since > REMEMBERED_MS) {
      known.before = known.best
      known.best = ms
      known.since = now()
    }
    known.best = Math.min(known.best, ms)
    return Math.min(known.best, known.before)
  }
}

function emptyRound() {
  return { samples: 0, spent: 0, worked: 0, running: 0, limited: false }
}
