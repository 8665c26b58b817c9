import { AsyncLocalStorage } from 'node:async_hooks'

interface End {
  at: number
  /** calls running that have a time of their own, and since when there is one */
  aside: number
  since: number
}

const ends = new AsyncLocalStorage<End>()
/** how many wait */
let waiting = 0

/**
 * Runs work that somebody waits for: its calls to 3scale end within so many milliseconds, all together. Whoever waits calls
 * `over` once, with the answer there or gone; what still runs then has no end. While nobody waits, Node.js does not follow
 * who started what, as that costs every request something (Node.js 20: more than a microsecond).
 */
export function within<T>(ms: number, work: (over: () => void) => T): T {
  const end: End = { at: performance.now() + ms, aside: 0, since: 0 }
  waiting++
  return ends.run(end, work, () => {
    end.at = Number.POSITIVE_INFINITY
    if (--waiting === 0) ends.disable()
  })
}

/** Work that outlives the one who asked first, as a load that others wait for too. */
export function unhurried<T>(work: () => T): T {
  return ends.getStore() ? ends.run({ at: Number.POSITIVE_INFINITY, aside: 0, since: 0 }, work) : work()
}

/** Milliseconds; infinite where nobody set an end. */
export function timeLeft(): number {
  const end = ends.getStore()
  if (!end) return Number.POSITIVE_INFINITY
  return end.at - (end.aside > 0 ? end.since : performance.now())
}

/** A call with a time of its own, as one to a model that may need long: it takes nothing of the time for 3scale. */
export async function aside<T>(call: () => Promise<T>): Promise<T> {
  const end = ends.getStore()
  if (!end) return call()
  if (end.aside++ === 0) end.since = performance.now()
  try {
    return await call()
  } finally {
    if (--end.aside === 0) end.at += performance.now() - end.since
  }
}

/** Work that others wait for too: who asked hears of `late` when their time is over, and it goes on. */
export function waitFor<T>(work: Promise<T>, late: () => Error): Promise<T> {
  const left = timeLeft()
  if (left === Number.POSITIVE_INFINITY) return work
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, left))
  })
  return Promise.race([work, end]).finally(() => clearTimeout(timer))
}
