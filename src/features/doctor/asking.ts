import type { Http, HttpAnswer, HttpRequest } from '../../clients/http.js'

export interface Asking {
  send(request: HttpRequest): Promise<HttpAnswer>
  /** how many calls were made */
  count(): number
  /** seconds that the clock of a host is ahead */
  aheadBy(host: string): number | undefined
}

const AT_ONCE = 4

/** The one way out of a run: four calls at a time, counted, and the clock of whoever answers looked at in passing. */
export function createAsking(http: Pick<Http, 'send'>, now: () => number): Asking {
  const ahead = new Map<string, number>()
  const waiting: (() => void)[] = []
  let running = 0
  let calls = 0

  return {
    async send(request) {
      if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
      running++
      calls++
      const began = now()
      try {
        const answer = await http.send(request)
        const date = Date.parse(answer.headers.date ?? '')
        // a `Date` has whole seconds, and was written somewhere between question and answer
        if (!Number.isNaN(date)) note(request.url.host, (date + 500 - (began + now()) / 2) / 1000)
        return answer
      } finally {
        running--
        waiting.shift()?.()
      }
    },
    count: () => calls,
    aheadBy: (host) => ahead.get(host),
  }

  /** The smallest of all: an answer from a cache has the time at which it was made. */
  function note(host: string, seconds: number): void {
    const known = ahead.get(host)
    if (known === undefined || Math.abs(seconds) < Math.abs(known)) ahead.set(host, seconds)
  }
}
