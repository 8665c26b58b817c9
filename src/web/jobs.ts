import type { FastifyReply } from 'fastify'
import { createWork, inside, leave, type Work } from '../clients/deadline.js'

export interface JobOptions {
  /** how long a job may go without anybody asking for it before its calls that wait are dropped; ms */
  idleMs?: number
  /** how long the outcome is kept for those who ask later; ms */
  keptMs?: number
}

export type Outcome<T> = { value: T } | { error: unknown }

interface Job {
  work: Work
  outcome: Promise<Outcome<unknown>>
  done: boolean
  /** somebody has had the outcome */
  claimed: boolean
  waiting: number
  timer: NodeJS.Timeout | undefined
}

export type Jobs = ReturnType<typeof createJobs>

const IDLE_MS = 30_000
const KEPT_MS = 60_000

/**
 * Work that may take longer than a request: it runs on when the request that began it has been answered. There is one job of a
 * key at a time, in this process. When nobody asks for it any more, what has not been sent to 3scale is not sent.
 */
export function createJobs({ idleMs = IDLE_MS, keptMs = KEPT_MS }: JobOptions = {}) {
  const jobs = new Map<string, Job>()

  return {
    /** Whether it runs here or has ended here a moment ago. */
    has(key: string): boolean {
      const job = jobs.get(key)
      return job !== undefined && !isAbandoned(job)
    },

    /**
     * Begins the job, or joins the one that runs; `kept`: the outcome of one that has ended will do, too. `unclaimed` is called
     * with an outcome that nobody has asked for.
     */
    begin<T>(
      key: string,
      owner: string,
      run: () => Promise<T>,
      { kept = false, unclaimed = () => {} }: { kept?: boolean; unclaimed?(outcome: Outcome<T>): void } = {},
    ): void {
      const known = jobs.get(key)
      if (known && !isAbandoned(known) && (kept || !known.done)) return
      clearTimeout(known?.timer)
      const work = createWork(owner, true)
      const outcome = settled(() => inside(work, run))
      const job: Job = { work, outcome, done: false, claimed: false, waiting: 0, timer: undefined }
      jobs.set(key, job)
      void outcome.then((ended) => {
        job.done = true
        later(job, keptMs, () => {
          if (jobs.get(key) === job) jobs.delete(key)
          if (!job.claimed && !isAbandoned(job)) unclaimed(ended)
        })
      })
    },

    /** The outcome where it is there within `ms`; undefined while the job runs on. Call `begin` first. */
    async wait<T>(key: string, reply: FastifyReply, ms: number): Promise<Outcome<T> | undefined> {
      const job = jobs.get(key)
      if (!job) throw new Error('no such job')
      clearTimeout(job.done ? undefined : job.timer)
      job.waiting++
      let timer: NodeJS.Timeout | undefined
      let gone: (() => void) | undefined
      const over = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, ms, undefined)
        gone = () => resolve(undefined)
        reply.raw.once('close', gone)
      })
      try {
        const outcome = (await Promise.race([job.outcome, over])) as Outcome<T> | undefined
        if (outcome) job.claimed = true
        return outcome
      } finally {
        clearTimeout(timer)
        if (gone) reply.raw.off('close', gone)
        if (--job.waiting === 0 && !job.done) later(job, reply.raw.destroyed ? 0 : idleMs, () => leave(job.work))
      }
    },
  }
}

/** Nobody asked for it any more, and nothing was written: whoever comes back begins it anew. */
function isAbandoned({ work }: Job): boolean {
  return work.hasLeft && !work.hasWritten
}

function later(job: Job, ms: number, run: () => void): void {
  clearTimeout(job.timer)
  job.timer = setTimeout(run, ms).unref()
}

async function settled<T>(run: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await run() }
  } catch (error) {
    return { error }
  }
}
