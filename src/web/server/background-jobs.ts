import type { FastifyReply } from 'fastify'
import { type CallContext, cancelContext, createContext, runInContext } from '../../infra/call-context.js'
import { withDeadline } from '../../infra/deadline.js'

export interface BackgroundJobOptions {
  /** how long a job runs on without a request before its queued calls are dropped; ms */
  idleMs?: number
  /** how long the outcome is retained for later requests; ms */
  retainMs?: number
}

export type JobOutcome<T> = { value: T } | { error: unknown }

interface Job {
  context: CallContext
  outcome: Promise<JobOutcome<unknown>>
  done: boolean
  /** a request has received the outcome */
  claimed: boolean
  waiting: number
  timer: NodeJS.Timeout | undefined
}

const IDLE_MS = 30_000
const RETAIN_MS = 60_000

/**
 * Work that may take longer than the request that starts it. In this process, one job runs per key. If no request waits for a job any
 * more, its calls to 3scale that are still queued are dropped.
 */
export function createBackgroundJobs({ idleMs = IDLE_MS, retainMs = RETAIN_MS }: BackgroundJobOptions = {}) {
  const jobs = new Map<string, Job>()

  return {
    /** Whether the job runs here, or its outcome is retained here. */
    has(key: string): boolean {
      const job = jobs.get(key)
      return job !== undefined && !isAbandoned(job)
    },

    /**
     * Starts the job unless it is running. With `reuse`, the outcome of a job that has ended is used as well. `unclaimed` is called with
     * an outcome that no request has received.
     */
    start<T>(
      key: string,
      owner: string,
      run: () => Promise<T>,
      { reuse = false, unclaimed = () => {} }: { reuse?: boolean; unclaimed?(outcome: JobOutcome<T>): void } = {},
    ): void {
      const current = jobs.get(key)
      if (current && !isAbandoned(current) && (reuse || !current.done)) return
      clearTimeout(current?.timer)
      const context = createContext(owner, true)
      const outcome = settled(() => runInContext(context, run))
      const job: Job = { context, outcome, done: false, claimed: false, waiting: 0, timer: undefined }
      jobs.set(key, job)
      void outcome.then((result) => {
        job.done = true
        schedule(job, retainMs, () => {
          if (jobs.get(key) === job) jobs.delete(key)
          if (!job.claimed && !isAbandoned(job)) unclaimed(result)
        })
      })
    },

    /** The outcome, or undefined if the job is still running after `ms`. Call `start` first. */
    async wait<T>(key: string, reply: FastifyReply, ms: number): Promise<JobOutcome<T> | undefined> {
      const job = jobs.get(key)
      if (!job) throw new Error('no such job')
      clearTimeout(job.done ? undefined : job.timer)
      job.waiting++
      let onClose: (() => void) | undefined
      const closed = new Promise<undefined>((resolve) => {
        onClose = () => resolve(undefined)
        reply.raw.once('close', onClose)
      })
      try {
        const ended = Promise.race([job.outcome, closed]) as Promise<JobOutcome<T> | undefined>
        const outcome = await withDeadline(ended, ms)
        if (outcome) job.claimed = true
        return outcome
      } finally {
        if (onClose) reply.raw.off('close', onClose)
        if (--job.waiting === 0 && !job.done)
          schedule(job, reply.raw.destroyed ? 0 : idleMs, () => cancelContext(job.context))
      }
    },
  }
}

/** The job was cancelled before its first write, so the next request starts it again. */
function isAbandoned({ context }: Job): boolean {
  return context.isCancelled && !context.hasWritten
}

function schedule(job: Job, ms: number, run: () => void): void {
  clearTimeout(job.timer)
  job.timer = setTimeout(run, ms).unref()
}

async function settled<T>(run: () => Promise<T>): Promise<JobOutcome<T>> {
  try {
    return { value: await run() }
  } catch (error) {
    return { error }
  }
}
