import { createGate } from '../../clients/gate.js'
import type { Http, HttpAnswer, HttpRequest } from '../../clients/http.js'

export interface Asking {
  /** a piece of work of which four run at a time */
  run<T>(work: () => Promise<T>): Promise<T>
  /** one call that waits for its turn, to an address of the settings */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** the same to an address that a product names; rejects with HttpFailure `forbidden` where the portal calls none such */
  sendGuarded(request: HttpRequest): Promise<HttpAnswer>
  /** for a client whose whole calls are run here: counted, and not held up a second time */
  counted: Pick<Http, 'send'>
  /** how many calls were made */
  count(): number
  /** seconds that the clock of a host is ahead */
  aheadBy(host: string): number | undefined
}

const AT_ONCE = 4

/** All that a run sends: four calls at a time, counted, and the clock of every host that answers compared. */
export function createAsking(
  { http, guarded }: { http: Pick<Http, 'send'>; guarded: Pick<Http, 'send'> },
  now: () => number,
): Asking {
  const ahead = new Map<string, number>()
  const run = createGate(AT_ONCE)
  let calls = 0

  return {
    run,
    send: (request) => run(() => count(http, request)),
    sendGuarded: (request) => run(() => count(guarded, request)),
    counted: { send: (request) => count(http, request) },
    count: () => calls,
    aheadBy: (host) => ahead.get(host),
  }

  async function count(way: Pick<Http, 'send'>, request: HttpRequest): Promise<HttpAnswer> {
    calls++
    const began = now()
    const answer = await way.send(request)
    const date = Date.parse(answer.headers.date ?? '')
    // a `Date` has whole seconds, and was written somewhere between request and answer
    if (!Number.isNaN(date)) note(request.url.host, (date + 500 - (began + now()) / 2) / 1000)
    return answer
  }

  /** The smallest of all: an answer from a cache has the time at which it was created. */
  function note(host: string, seconds: number): void {
    const known = ahead.get(host)
    if (known === undefined || Math.abs(seconds) < Math.abs(known)) ahead.set(host, seconds)
  }
}
