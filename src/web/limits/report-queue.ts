import pLimit, { type LimitFunction } from 'p-limit'
import { problem } from '../../errors.js'
import { TOO_MANY_REPORTS } from './messages.js'

export interface ReportQueueOptions {
  /** running at a time, per key */
  concurrency: number
  /** waiting, per key */
  maxQueued: number
}

const RETRY_SECONDS = 2

/** Limits concurrent work per key. Further work is queued, and rejected if the queue is full. */
export function createReportQueue({ concurrency, maxQueued }: ReportQueueOptions) {
  const queues = new Map<string, { limit: LimitFunction; size: number }>()

  /** Rejects as the work does, or with too_many_requests. */
  return async function run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = queues.get(key) ?? { limit: pLimit(concurrency), size: 0 }
    if (queue.size >= concurrency + maxQueued)
      throw problem('too_many_requests', { detail: TOO_MANY_REPORTS, retryAfter: RETRY_SECONDS })
    queues.set(key, queue)
    queue.size++
    try {
      return await queue.limit(work)
    } finally {
      if (--queue.size === 0) queues.delete(key)
    }
  }
}
