import { Worker } from 'node:worker_threads'

export interface ThreadOptions {
  /** a module that calls `answerJobs` */
  script: string
  /** for one job, from the moment that the thread has it */
  limitMs: number
  /** of the thread's own heap */
  memoryMb: number
  /** jobs that may wait, of the urgent ones and of the others */
  mostWaiting: number
  /** an idle thread ends after this time, as it takes some MB */
  idleMs: number
}

/** `time` and `memory`: the job exceeded its limit; `failed`: it threw; `busy`: too many wait; `closed`: the portal stops. */
export type ThreadFailureKind = 'time' | 'memory' | 'failed' | 'busy' | 'closed'

export class ThreadFailure extends Error {
  readonly kind: ThreadFailureKind

  constructor(kind: ThreadFailureKind) {
    super(`the job in a thread was not done: ${kind}`)
    this.kind = kind
  }
}

interface Waiting<Job> {
  job: Job
  done(result: string): void
  fail(error: ThreadFailure): void
}

/** loading the module is not the job's fault */
const START_MS = 20_000

/**
 * Jobs that may take long, one at a time in a thread of their own, which is started for the first job, ended when it is idle, and
 * replaced where a job exceeds a limit. A result is text, because that is the one thing whose transfer blocks nobody.
 */
export function createThread<Job>({ script, limitMs, memoryMb, mostWaiting, idleMs }: ThreadOptions) {
  const waiting: Waiting<Job>[] = []
  const urgentOnes: Waiting<Job>[] = []
  let current: Waiting<Job> | undefined
  let worker: Worker | undefined
  let ready = false
  let closed = false
  let timer: NodeJS.Timeout | undefined

  return {
    /** Rejects with ThreadFailure. `urgent`: somebody waits for it, so it comes before jobs of the background. */
    run(job: Job, { urgent = false } = {}): Promise<string> {
      return new Promise((done, fail) => {
        if (closed) return fail(new ThreadFailure('closed'))
        const line = urgent ? urgentOnes : waiting
        if (line.length >= mostWaiting) return fail(new ThreadFailure('busy'))
        line.push({ job, done, fail })
        next()
      })
    },

    async close(): Promise<void> {
      closed = true
      for (const each of [...urgentOnes.splice(0), ...waiting.splice(0)]) each.fail(new ThreadFailure('closed'))
      await end('closed')
    },
  }

  function next(): void {
    if (current || closed) return
    current = urgentOnes.shift() ?? waiting.shift()
    if (!current) {
      rest()
      return
    }
    worker ??= begin()
    // a process must not end while a result is waited for
    worker.ref()
    if (ready) send()
    else limit(START_MS, 'failed')
  }

  function begin(): Worker {
    const started = new Worker(script, {
      // neither settings nor options of the portal are needed there
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 8 },
    })
    started.on('message', (message: string | null) => {
      if (worker !== started) return
      // the first message says that the thread is there
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

  function limit(ms: number, kind: ThreadFailureKind): void {
    clearTimeout(timer)
    timer = setTimeout(() => void end(kind), ms)
  }

  function settle(how: (job: Waiting<Job>) => void): void {
    const job = current
    current = undefined
    clearTimeout(timer)
    if (job) how(job)
    next()
  }

  function rest(): void {
    worker?.unref()
    clearTimeout(timer)
    timer = setTimeout(() => void end('closed'), idleMs).unref()
  }

  /** Ends the thread and fails the job that it has; the next one gets another thread. */
  async function end(kind: ThreadFailureKind): Promise<void> {
    const ended = worker
    const job = current
    worker = undefined
    ready = false
    clearTimeout(timer)
    // two at once would take twice the memory
    await ended?.terminate()
    if (job && current === job) settle(() => job.fail(new ThreadFailure(kind)))
  }
}
