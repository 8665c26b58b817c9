import { problem } from '../../../errors.js'
import type { CallContext } from '../../../infra/call-context.js'
import { HttpError } from '../../../infra/http/http-error.js'
import { type AdaptiveConcurrency, createAdaptiveConcurrency } from './adaptive-concurrency.js'
import { createFairQueue, type FairQueue, type QueueEntry } from './fair-queue.js'
import { createResponseRate } from './response-rate.js'

/** `urgent`: a read with little time, such as for a page; `read`: a read of a request that may write. */
export type CallKind = 'urgent' | 'read' | 'write' | 'background'

export interface QueuedCall {
  kind: CallKind
  /** calls of one name take about the same time; the time of a new name shows nothing about the load of 3scale */
  name: string
  /** for the message of an error */
  host: string
  /** undefined: the portal itself */
  context: CallContext | undefined
  /** milliseconds until the call is no longer worth sending */
  waitMs: number
}

export interface RequestQueueOptions {
  /** waiting calls in total */
  maxWaiting?: number
  /** waiting calls of one owner */
  maxWaitingPerOwner?: number
  concurrency?: AdaptiveConcurrency
  now?: () => number
}

export type RequestQueue = ReturnType<typeof createRequestQueue>

/** While calls of users wait, this many reads are sent for each write. */
const READS_PER_WRITE = 4
/** Calls of users precede background calls, unless a background call has waited for this long. */
const MAX_BACKGROUND_WAIT_MS = 5000
/** After each interval without a response one more call is sent, because the running calls may never be answered. */
const SILENT_MS = 3000
const RESPONDING_MS = 2500
const CHECK_MS = 1000

/**
 * The queue in front of 3scale. It sends as many concurrent calls as 3scale sustains (`adaptive-concurrency.ts`). The other calls wait,
 * limited in total and for each owner: owners take turns, reads precede writes (urgent reads first), and calls of users precede
 * background calls. A call whose caller disconnects is removed. If three or more calls may run, one of them is never a write, so reads
 * do not wait for long writes.
 */
export function createRequestQueue({
  maxWaiting = 2000,
  maxWaitingPerOwner = 50,
  concurrency = createAdaptiveConcurrency(),
  now = () => performance.now(),
}: RequestQueueOptions = {}) {
  const queues: Record<CallKind, FairQueue> = {
    urgent: createFairQueue(),
    read: createFairQueue(),
    write: createFairQueue(),
    background: createFairQueue(),
  }
  const running: Record<CallKind, number> = { urgent: 0, read: 0, write: 0, background: 0 }
  const rate = createResponseRate(now)
  let consecutiveReads = 0
  let lastResponseAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  return {
    /**
     * Sends the call when it is its turn. Rejects like `send`; with threescale_busy if too many calls wait or it could not be sent in
     * time; with HttpError `timeout` if that is because 3scale does not respond; with `cancelled` if the caller disconnected.
     */
    async run<T>(call: QueuedCall, send: () => Promise<T>): Promise<T> {
      await waitForTurn(call)
      const started = now()
      try {
        const response = await send()
        lastResponseAt = now()
        rate.count()
        observe(call, now() - started)
        return response
      } catch (error) {
        if (error instanceof HttpError && error.kind === 'timeout') observe(call, now() - started)
        throw error
      } finally {
        running[call.kind]--
        startCalls()
      }
    },

    /** True shortly after a response, and during a write, which may take long. */
    isResponding,

    report: () => ({ waiting: countWaiting(), running: countRunning(), width: concurrency.value }),
  }

  function isResponding(): boolean {
    return running.write > 0 || now() - lastResponseAt < RESPONDING_MS
  }

  function waitForTurn({ kind, host, context, waitMs }: QueuedCall): Promise<void> {
    const queue = queues[kind]
    const owner = context?.owner ?? ''
    return new Promise((resolve, reject) => {
      const mustBeSent = () => context?.hasWritten || context?.shared
      if (context?.isCancelled && !mustBeSent()) return reject(new HttpError('cancelled', host))
      if (!context?.hasWritten && isFull(kind, owner)) return reject(busy())
      let timeout: NodeJS.Timeout | undefined
      let isWaiting = true
      const entry: QueueEntry = {
        owner,
        since: now(),
        start() {
          stopWaiting()
          running[kind]++
          if (context && kind === 'write') context.hasWritten = true
          resolve()
        },
      }
      const stopWaiting = () => {
        isWaiting = false
        clearTimeout(timeout)
        context?.onCancel.delete(cancel)
      }
      const cancel = () => {
        if (mustBeSent() || !queue.remove(entry)) return
        stopWaiting()
        reject(new HttpError('cancelled', host))
      }
      queue.add(entry)
      startCalls()
      if (!isWaiting) return
      if (context && !context.shared) context.onCancel.add(cancel)
      if (waitMs !== Number.POSITIVE_INFINITY) {
        timeout = setTimeout(() => {
          if (!queue.remove(entry)) return
          stopWaiting()
          reject(isResponding() ? busy() : new HttpError('timeout', host))
        }, waitMs)
      }
    })
  }

  /** The calls of the portal itself are few and have limits of their own. */
  function isFull(kind: CallKind, owner: string): boolean {
    if (countWaiting() >= maxWaiting) return true
    if (owner === '' || kind === 'background') return false
    const { urgent, read, write } = queues
    return urgent.of(owner) + read.of(owner) + write.of(owner) >= maxWaitingPerOwner
  }

  function busy() {
    return problem('threescale_busy', { retryAfter: rate.secondsFor(countWaiting()) })
  }

  function startCalls(): void {
    for (let entry = takeNext(); entry; entry = takeNext()) {
      if (countRunning() === 0) lastResponseAt = now()
      entry.start()
    }
    if (countWaiting() === 0 || timer) return
    timer = setTimeout(() => {
      timer = undefined
      startCalls()
    }, CHECK_MS).unref()
  }

  function takeNext(): QueueEntry | undefined {
    const limit = concurrency.value
    if (countRunning() >= limit + extraCalls()) return undefined
    const { write, background } = queues
    const read = queues.urgent.size > 0 ? queues.urgent : queues.read
    const mayRunBackground = background.size > 0 && running.background < Math.max(1, Math.floor(limit / 2))
    const mayWrite = write.size > 0 && (limit < 3 || running.write < limit - 1)
    if (mayRunBackground && now() - background.since() > MAX_BACKGROUND_WAIT_MS) return background.take()
    if (read.size > 0 && (!mayWrite || consecutiveReads < READS_PER_WRITE)) {
      consecutiveReads++
      return read.take()
    }
    if (mayWrite) {
      consecutiveReads = 0
      return write.take()
    }
    return mayRunBackground ? background.take() : undefined
  }

  function extraCalls(): number {
    return countRunning() === 0 ? 0 : Math.max(0, Math.floor((now() - lastResponseAt) / SILENT_MS))
  }

  function observe({ name }: QueuedCall, ms: number): void {
    concurrency.observe({ name, ms, running: countRunning(), limited: countWaiting() > 0 })
  }

  function countWaiting(): number {
    return queues.urgent.size + queues.read.size + queues.write.size + queues.background.size
  }

  function countRunning(): number {
    return running.urgent + running.read + running.write + running.background
  }
}
