import { Worker } from 'node:worker_threads'

export interface WorkerThreadOptions {
  /** a module that calls `handleJobs` */
  script: string
  /** for one job, from the time when the thread starts it */
  limitMs: number
  /** heap of the thread */
  memoryMb: number
  /** waiting jobs, for urgent and other jobs each */
  maxWaiting: number
  /** an idle thread ends after this time, because it uses several MB */
  idleMs: number
}

/** `time` and `memory`: the job exceeded its limit; `failed`: it threw; `busy`: too many jobs wait; `closed`: the portal stops. */
export type WorkerErrorKind = 'time' | 'memory' | 'failed' | 'busy' | 'closed'

export class WorkerError extends Error {
  readonly kind: WorkerErrorKind

  constructor(kind: WorkerErrorKind) {
    super(`the job of a worker thread failed: ${kind}`)
    this.kind = kind
  }
}

interface WaitingJob<Job> {
  job: Job
  done(result: string): void
  fail(error: WorkerError): void
}

/** Loading the module does not count towards the limit of the job. */
const START_TIMEOUT_MS = 20_000

/**
 * Runs long jobs one at a time in a worker thread, which starts with the first job, ends when it is idle, and is replaced when a job
 * exceeds a limit. A result is text, because its transfer does not block the main thread.
 */
export function createWorkerThread<Job>({
  script,
  limitMs,
  memoryMb,
  maxWaiting: mostWaiting,
  idleMs,
}: WorkerThreadOptions) {
  const backgroundJobs: WaitingJob<Job>[] = []
  const urgentJobs: WaitingJob<Job>[] = []
  let current: WaitingJob<Job> | undefined
  let worker: Worker | undefined
  let ready = false
  let closed = false
  let timer: NodeJS.Timeout | undefined

  return {
    /** Rejects with WorkerError. `urgent`: a caller waits for it, so it precedes background jobs. */
    run(job: Job, { urgent = false } = {}): Promise<string> {
      return new Promise((done, fail) => {
        if (closed) return fail(new WorkerError('closed'))
        const queue = urgent ? urgentJobs : backgroundJobs
        if (queue.length >= mostWaiting) return fail(new WorkerError('busy'))
        queue.push({ job, done, fail })
        next()
      })
    },

    async close(): Promise<void> {
      closed = true
      for (const each of [...urgentJobs.splice(0), ...backgroundJobs.splice(0)]) each.fail(new WorkerError('closed'))
      await end('closed')
    },
  }

  function next(): void {
    if (current || closed) return
    current = urgentJobs.shift() ?? backgroundJobs.shift()
    if (!current) {
      endWhenIdle()
      return
    }
    worker ??= start()
    // the process must not exit before the result arrives
    worker.ref()
    if (ready) send()
    else limit(START_TIMEOUT_MS, 'failed')
  }

  function start(): Worker {
    const started = new Worker(script, {
      // the thread requires neither the settings nor the Node.js options of the portal
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 8 },
    })
    started.on('message', (message: string | null) => {
      if (worker !== started) return
      // the first message reports that the thread has started
      if (message !== null) settle((job) => job.done(message))
      else if (current && !ready) send()
      ready = true
    })
    started.on('error', (error: Error & { code?: string }) => {
      if (worker === started) void end(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'failed')
    })
    started.on('exit', () => {
      if (worker === started) void end('failed')
    })
    return started
  }

  function send(): void {
    limit(limitMs, 'time')
    worker?.postMessage(current?.job)
  }

  function limit(ms: number, kind: WorkerErrorKind): void {
    clearTimeout(timer)
    timer = setTimeout(() => void end(kind), ms)
  }

  function settle(how: (job: WaitingJob<Job>) => void): void {
    const job = current
    current = undefined
    clearTimeout(timer)
    if (job) how(job)
    next()
  }

  function endWhenIdle(): void {
    worker?.unref()
    clearTimeout(timer)
    timer = setTimeout(() => void end('closed'), idleMs).unref()
  }

  /** Ends the thread and fails its job. The next job gets a new thread. */
  async function end(kind: WorkerErrorKind): Promise<void> {
    const ended = worker
    const job = current
    worker = undefined
    ready = false
    clearTimeout(timer)
    // two threads at a time would use twice the memory
    await ended?.terminate()
    if (job && current === job) settle(() => job.fail(new WorkerError(kind)))
  }
}
