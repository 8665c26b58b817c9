import { isProblem } from '../../errors.js'

export interface Job {
  name: string
  work(): Promise<unknown>
}

export interface PassOptions<T> {
  /** what is due for an item now; asked again after its jobs ran, for what only then is known to be needed */
  jobsOf(item: T): Job[]
  /** hears that something was read, now and then in a long pass */
  changed(): void
  /** how long a job that failed is left alone */
  restMs: number
  now(): number
}

const AT_ONCE = 4
const STEP = 40
/** 3scale does not answer: nothing is asked for that long. */
const PAUSE_MS = 10_000

/** Works through many small reads, four at a time, one pass after the other; it never rejects. */
export function createPass<T>({ jobsOf, changed, restMs, now }: PassOptions<T>) {
  const restUntil = new Map<string, number>()
  let pausedUntil = 0
  let wanted: T[] | undefined
  let running: Promise<void> | undefined

  return {
    /** A second call while a pass runs joins it; newer items have a pass of their own after it. */
    read(items: T[]): Promise<void> {
      wanted = items
      if (pausedUntil > now()) return Promise.resolve()
      running ??= passes().finally(() => {
        running = undefined
      })
      return running
    },
  }

  async function passes(): Promise<void> {
    for (let items = wanted; items; items = wanted === items ? undefined : wanted) await pass(items)
  }

  async function pass(items: T[]): Promise<void> {
    const due = items.filter((item) => readyOf(item).length > 0)
    let done = 0
    let down = false
    const workOff = async (item: T) => {
      const tried = new Set<string>()
      for (let jobs = readyOf(item); jobs.length > 0; jobs = readyOf(item).filter(({ name }) => !tried.has(name))) {
        for (const job of jobs) {
          if (down) return
          tried.add(job.name)
          down = !(await run(job))
        }
      }
      if (++done % STEP === 0) changed()
    }
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let item = due.shift(); item && !down; item = due.shift()) await workOff(item)
      }),
    )
    if (down) pausedUntil = now() + PAUSE_MS
    if (done > 0) changed()
  }

  function readyOf(item: T): Job[] {
    return jobsOf(item).filter(({ name }) => (restUntil.get(name) ?? 0) <= now())
  }

  /** False when 3scale does not answer: the rest of the pass would only wait for it. */
  async function run({ name, work }: Job): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (isProblem(error, 'threescale_unavailable', 'threescale_busy')) return false
      restUntil.set(name, now() + restMs)
      return true
    }
  }
}
