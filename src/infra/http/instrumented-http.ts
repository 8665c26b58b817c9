import type { Http } from './http.js'
import { HttpError, type HttpErrorKind } from './http-error.js'

/** A request to another program. `call` contains no id, no key and no query. */
export interface HttpExchange {
  upstream: string
  call: string
  method: string
  host: string
}

export type ExchangeOutcome = { status: number } | { failure: HttpErrorKind | 'aborted' }

/** Called at the start of an exchange. The returned function is called at its end. */
export type HttpObserver = (exchange: HttpExchange) => (ending: ExchangeOutcome) => void

/** Reports each exchange to the observers, under one name for each program that is called. */
export function instrument(
  http: Http,
  { upstream, observers, nameOf }: { upstream: string; observers: HttpObserver[]; nameOf?: (url: URL) => string },
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

  function begin(method: string, url: URL): (ending: ExchangeOutcome) => void {
    const call = nameOf ? `${method} ${nameOf(url)}` : method
    const ends = observers.map((observe) => observe({ upstream, call, method, host: url.host }))
    return (ending) => {
      for (const end of ends) end(ending)
    }
  }
}

function endingOf(error: unknown): ExchangeOutcome {
  const cause = error instanceof Error && error.cause instanceof HttpError ? error.cause : error
  if (cause instanceof HttpError) return { failure: cause.kind }
  return { failure: cause instanceof Error && cause.name === 'TimeoutError' ? 'timeout' : 'network' }
}
