import pLimit from 'p-limit'
import type { Http, HttpRequest, HttpResponse } from '../../infra/http/http.js'

export interface ProbeClient {
  /** Runs work with calls, limited to four at a time. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Sends a request to an address in the settings. */
  send(request: HttpRequest): Promise<HttpResponse>
  /** Sends a request to an address that a product names; rejects with HttpError `forbidden` if the address is not allowed. */
  sendGuarded(request: HttpRequest): Promise<HttpResponse>
  /** For clients whose calls already go through `run`: counted, but not limited again. */
  countedHttp: Pick<Http, 'send'>
  /** The number of calls so far. */
  callCount(): number
  /** Seconds by which the clock of a host is ahead. */
  clockOffset(host: string): number | undefined
}

const MAX_CONCURRENT_CALLS = 4

/** The HTTP client of one run: limits and counts calls, and compares the clock of every host that responds. */
export function createProbeClient(
  { http, guarded }: { http: Pick<Http, 'send'>; guarded: Pick<Http, 'send'> },
  now: () => number,
): ProbeClient {
  const ahead = new Map<string, number>()
  const run = pLimit(MAX_CONCURRENT_CALLS)
  let calls = 0

  return {
    run,
    send: (request) => run(() => count(http, request)),
    sendGuarded: (request) => run(() => count(guarded, request)),
    countedHttp: { send: (request) => count(http, request) },
    callCount: () => calls,
    clockOffset: (host) => ahead.get(host),
  }

  async function count(way: Pick<Http, 'send'>, request: HttpRequest): Promise<HttpResponse> {
    calls++
    const began = now()
    const answer = await way.send(request)
    const date = Date.parse(answer.headers.date ?? '')
    // A `Date` header has whole seconds and was written between request and response.
    if (!Number.isNaN(date)) note(request.url.host, (date + 500 - (began + now()) / 2) / 1000)
    return answer
  }

  /** Keeps the smallest offset: a response from a cache has the time of its creation. */
  function note(host: string, seconds: number): void {
    const known = ahead.get(host)
    if (known === undefined || Math.abs(seconds) < Math.abs(known)) ahead.set(host, seconds)
  }
}
