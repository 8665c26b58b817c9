import { AsyncLocalStorage } from 'node:async_hooks'

const ends = new AsyncLocalStorage<number>()

/** Runs work that somebody waits for: its calls to 3scale end within so many milliseconds, all together. */
export function within<T>(ms: number, work: () => T): T {
  return ends.run(performance.now() + ms, work)
}

/** Work that outlives the one who asked first, as a load that others wait for too. */
export function unhurried<T>(work: () => T): T {
  return ends.run(Number.POSITIVE_INFINITY, work)
}

/** Milliseconds; infinite where nobody set an end. */
export function timeLeft(): number {
  return (ends.getStore() ?? Number.POSITIVE_INFINITY) - performance.now()
}
