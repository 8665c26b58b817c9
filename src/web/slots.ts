import { problem } from '../errors.js'

interface Queue {
  running: number
  waiting: (() => void)[]
}

export interface SlotsOptions {
  /** of one key */
  atOnce: number
  waiting: number
}

/** So much work of one key at a time; what comes meanwhile waits its turn, and what is too much is rejected. */
export function createSlots({ atOnce, waiting }: SlotsOptions) {
  const queues = new Map<string, Queue>()

  return {
    /** Resolves with how to release the slot. Rejects with too_many_requests. */
    async take(key: string): Promise<() => void> {
      const queue = queues.get(key) ?? { running: 0, waiting: [] }
      queues.set(key, queue)
      if (queue.running < atOnce) queue.running++
      else {
        if (queue.waiting.length >= waiting) throw tooManyAtOnce()
        await new Promise<void>((resolve) => queue.waiting.push(resolve))
      }
      return () => release(key, queue)
    },
  }

  /** The slot goes to the one that waits longest. */
  function release(key: string, queue: Queue): void {
    const next = queue.waiting.shift()
    if (next) next()
    else if (--queue.running === 0) queues.delete(key)
  }
}

function tooManyAtOnce() {
  return problem('too_many_requests', {
    detail: 'Too many of your requests are being processed. Wait for them and try again.',
    retryAfter: 2,
  })
}
