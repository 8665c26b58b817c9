import pLimit from 'p-limit'
import { isProblem } from '../../../errors.js'

export interface RefreshJob {
  name: string
  /** nothing indicates a change: such jobs are limited in their rate */
  isRoutine?: boolean
  work(): Promise<unknown>
}

export interface RefreshQueueOptions<T> {
  /** the jobs due for an item now; called again after they ran, as a result can reveal further jobs */
  jobsOf(item: T): RefreshJob[]
  /** called after a pass, and several times in a long one */
  onChange(): void
  /** delay before a failed job is retried */
  retryDelayMs: number
  /** on average */
  routineJobsPerSecond(): number
  now(): number
}

const CONCURRENCY = 4
const NOTIFY_EVERY = 40
/** How long the queue stops when 3scale does not respond. */
const PAUSE_MS = 10_000
/** So many routine jobs may run in one go, or those of a minute. */
const MIN_BURST = 4
const BURST_SECONDS = 60

/** Runs many small reads, four items at a time, one pass after the other. It never rejects. */
export function createRefreshQueue<T>(options: RefreshQueueOptions<T>) {
  const { jobsOf, onChange, retryDelayMs, routineJobsPerSecond, now } = options
  const limit = pLimit(CONCURRENCY)
  const firstLimit = pLimit(CONCURRENCY)
  const first = new Set<T>()
  const retryAt = new Map<string, number>()
  let pausedUntil = 0
  let pending: T[] | undefined
  let running: Promise<void> | undefined
  let allowance = { jobs: Number.POSITIVE_INFINITY, at: now() }

  return {
    /** A call during a pass returns the same promise. Newer items are processed in a further pass. */
    read(items: T[]): Promise<void> {
      pending = items
      if (pausedUntil > now()) return Promise.resolve()
      running ??= runPasses().finally(() => {
        running = undefined
      })
      return running
    },

    /** Reads what one item lacks before the other items. Never rejects. */
    async readFirst(item: T): Promise<void> {
      if (first.has(item) || pausedUntil > now() || !dueJobs(item).some(({ isRoutine }) => !isRoutine)) return
      first.add(item)
      if (await firstLimit(() => runJobs(item, { down: false }))) onChange()
      first.delete(item)
    },
  }

  async function runPasses(): Promise<void> {
    for (let items = pending; items; items = pending === items ? undefined : pending) await runPass(items)
  }

  async function runPass(items: T[]): Promise<void> {
    const due = items.filter((item) => dueJobs(item).length > 0)
    const pass = { down: false }
    let done = 0
    const work = async (item: T) => {
      if ((await runJobs(item, pass)) && ++done % NOTIFY_EVERY === 0) onChange()
    }
    await Promise.all(due.map((item) => limit(() => work(item))))
    if (pass.down) pausedUntil = now() + PAUSE_MS
    if (done > 0) onChange()
  }

  /** Returns true if a job ran. */
  async function runJobs(item: T, pass: { down: boolean }): Promise<boolean> {
    const tried = new Set<string>()
    let hasRun = false
    for (let jobs = dueJobs(item); jobs.length > 0; jobs = dueJobs(item).filter(({ name }) => !tried.has(name))) {
      for (const job of jobs) {
        if (pass.down) return hasRun
        tried.add(job.name)
        if (job.isRoutine && !takeAllowance()) continue
        pass.down = !(await run(job))
        hasRun = true
      }
    }
    return hasRun
  }

  function dueJobs(item: T): RefreshJob[] {
    return jobsOf(item).filter(({ name }) => (retryAt.get(name) ?? 0) <= now())
  }

  function takeAllowance(): boolean {
    const rate = routineJobsPerSecond()
    const jobs = Math.min(
      Math.max(MIN_BURST, rate * BURST_SECONDS),
      allowance.jobs + (rate * Math.max(0, now() - allowance.at)) / 1000,
    )
    allowance = { jobs: jobs < 1 ? jobs : jobs - 1, at: now() }
    return jobs >= 1
  }

  /** Returns false if 3scale does not respond: the remaining jobs would wait for it too. */
  async function run({ name, work }: RefreshJob): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (isProblem(error, 'threescale_unavailable', 'threescale_busy')) return false
      retryAt.set(name, now() + retryDelayMs)
      return true
    }
  }
}
