import type { Http } from './http.js'
import { HttpFailure } from './http-failure.js'

/** One exchange with another program, told when it has ended. `call` names no id, no key and no query. */
export interface Exchange {
  upstream: string
  call: string
  method: string
  host: string
}

export type Ending = { status: number } | { failure: HttpFailure['kind'] | 'aborted' }

/** Told of the begin of an exchange; gives what is to be told of its end. */
export type Watcher = (exchange: Exchange) => (ending: Ending) => void

/** The same way out, each exchange seen by the watchers: one name for each program that is called. */
export function watched(
  http: Http,
  { upstream, watchers, nameOf }: { upstream: string; watchers: Watcher[]; nameOf?: (url: URL) => string },
): Http {
  return {
    async send(request) {
      const end = begin(request.method, request.url)
      try {
        const answer = await http.send(request)
        end({ status: answer.status })
        return answer
      } catch (error) {
        end(endingOf(error))
        throw error
      }
    },
    async open(request) {
      const end = begin(request.method, request.url)
      try {
        const answer = await http.open(request)
        answer.body.once('close', () =>
          end(answer.body.errored && !request.signal.aborted ? { failure: 'network' } : { status: answer.status }),
        )
        return answer
      } catch (error) {
        end(request.signal.aborted ? { failure: 'aborted' } : endingOf(error))
        throw error
      }
    },
    fetch: (async (input: string | URL, init?: RequestInit) => {
      const end = begin(init?.method ?? 'GET', new URL(input))
      try {
        const answer = await http.fetch(input, init)
        end({ status: answer.status })
        return answer
      } catch (error) {
        end(endingOf(error))
        throw error
      }
    }) as typeof globalThis.fetch,
  }

  function begin(method: string, url: URL): (ending: Ending) => void {
    const call = nameOf ? `${method} ${nameOf(url)}` : method
    const ends = watchers.map((watch) => watch({ upstream, call, method, host: url.host }))
    return (ending) => {
      for (const end of ends) end(ending)
    }
  }
}

function endingOf(error: unknown): Ending {
  const cause = error instanceof Error && error.cause instanceof HttpFailure ? error.cause : error
  if (cause instanceof HttpFailure) return { failure: cause.kind }
  return { failure: cause instanceof Error && cause.name === 'TimeoutError' ? 'timeout' : 'network' }
}
