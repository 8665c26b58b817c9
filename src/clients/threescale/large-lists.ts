import pLimit from 'p-limit'
import { problem } from '../../errors.js'
import { detachDeadline, untilContextDeadline } from '../../infra/call-context.js'
import { HttpError } from '../../infra/http/http-error.js'

export type LargeLists = ReturnType<typeof createLargeLists>

const RETRY_AFTER_S = 10

/**
 * Lists of applications that take 3scale longer than a page waits: 27 s for 5,000, in which it renders ten pages of 500. A read
 * continues after its caller received a 503, so that the next caller's read is answered 304. One such list is read at a time. No
 * caller receives a list whose read began before the call.
 */
export function createLargeLists(host: string) {
  const limit = pLimit(1)
  const waiting = new Map<number, Promise<unknown>>()

  return {
    async read<T>(accountId: number, send: () => Promise<T>): Promise<T> {
      const load = (waiting.get(accountId) as Promise<T> | undefined) ?? start(accountId, send)
      return untilContextDeadline(load, late)
    },
  }

  /** One that waits for its turn may be joined; one that runs may have read rows that have changed since. */
  function start<T>(accountId: number, send: () => Promise<T>): Promise<T> {
    const load = detachDeadline(() =>
      limit(async () => {
        waiting.delete(accountId)
        return send()
      }),
    )
    waiting.set(accountId, load)
    load.catch(() => {})
    return load
  }

  function late() {
    return problem('threescale_busy', { retryAfter: RETRY_AFTER_S, cause: new HttpError('timeout', host) })
  }
}
