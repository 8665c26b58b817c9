import { AsyncLocalStorage } from 'node:async_hooks'

/** What calls to 3scale are made for: one request of a caller, or one job that outlives it. */
export interface Work {
  /** when its reads must have ended; ms of performance.now() */
  at: number
  /** calls running that have a time of their own, and since when there is one */
  aside: number
  since: number
  /** whose it is, for fairness: an account, or an identity that has none yet; empty where nobody is known */
  owner: string
  /** it may write, so it waits for its turn however long that takes */
  patient: boolean
  /** others wait for the result too */
  shared: boolean
  /** a write was sent: what follows belongs to it and is always sent */
  hasWritten: boolean
  hasLeft: boolean
  onLeave: Set<() => void>
}

const works = new AsyncLocalStorage<Work>()

/** What the code that runs now is done for; undefined: nobody waits for it. */
export function currentWork(): Work | undefined {
  return works.getStore()
}

/** Work for a caller. `patient`: its reads have no common end. Run it with `inside`. */
export function createWork(owner = '', patient = false): Work {
  const at = Number.POSITIVE_INFINITY
  const ends = { at, aside: 0, since: 0, owner, patient }
  return { ...ends, shared: false, hasWritten: false, hasLeft: false, onLeave: new Set() }
}

export function inside<T>(work: Work, run: () => T): T {
  return works.run(work, run)
}

/** The caller is no longer there: calls that still wait are removed, unless a write was sent. */
export function leave(work: Work): void {
  work.hasLeft = true
  const listeners = [...work.onLeave]
  work.onLeave.clear()
  for (const listener of listeners) listener()
}

/**
 * Runs work that a caller waits for: its calls to 3scale end within so many milliseconds, all together. Call `over` once,
 * with the answer sent or the connection closed; what still runs then has no end.
 */
export function within<T>(ms: number, run: (over: () => void) => T): T {
  const work = createWork()
  work.at = performance.now() + ms
  return works.run(work, run, () => endOf(work))
}

/** From now on there is no end. */
export function endOf(work: Work): void {
  work.at = Number.POSITIVE_INFINITY
}

/** Work that outlives the caller who needed it first, as a load that others wait for too. */
export function unhurried<T>(run: () => T): T {
  const work = works.getStore()
  return work ? works.run({ ...createWork(work.owner, work.patient), shared: true }, run) : run()
}

/** Milliseconds; infinite where nobody set an end. */
export function timeLeft(): number {
  const work = works.getStore()
  if (!work) return Number.POSITIVE_INFINITY
  return work.at - (work.aside > 0 ? work.since : performance.now())
}

/** A call with a time of its own, as one to a model that may need long: it takes nothing of the time for 3scale. */
export async function aside<T>(call: () => Promise<T>): Promise<T> {
  const work = works.getStore()
  if (!work) return call()
  if (work.aside++ === 0) work.since = performance.now()
  try {
    return await call()
  } finally {
    if (--work.aside === 0) work.at += performance.now() - work.since
  }
}

/** Work that others wait for too: who asked gets `late` when their time is over, and it goes on. */
export function waitFor<T>(work: Promise<T>, late: () => Error): Promise<T> {
  const left = timeLeft()
  if (left === Number.POSITIVE_INFINITY) return work
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, left))
  })
  return Promise.race([work, end]).finally(() => clearTimeout(timer))
}
