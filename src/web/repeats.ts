import type { IncomingHttpHeaders, IncomingMessage, RequestListener } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyReply {
    /** true: made of the address, the credential and the catalogue alone */
    repeatable: boolean
  }
}

/** Everything that a repeatable answer depends on, but the address. */
interface Asked {
  host: string | undefined
  forwardedHost: string | string[] | undefined
  encoding: string | string[] | undefined
  known: string | undefined
  authorization: string | undefined
  cookie: string | undefined
}

interface Given extends Asked {
  status: number
  /** names and values by turns; the last value is that of `ratelimit` where the caller is counted */
  headers: string[]
  body: Buffer | undefined
  until: number
  signOuts: number
  counted: FastifyRequest['counted']
  measure: (seconds: number) => void
}

export interface RepeatsOptions {
  /** changes with every sign-out */
  signOuts(): number
  /** false while the portal stops, as connections are to be closed then, and where every request is to be traced */
  allowed(): boolean
  measure(answer: { method: string; route: string; status: number }): (seconds: number) => void
}

/** Less than what replicas need to hear of a change (one second). */
const AGAIN_MS = 500
/** Of addresses, and of answers to one address. */
const KEPT = 50

/**
 * A program that polls, a page that is loaded by everybody at once: the very same question, word by word and with the same
 * credential, gets within half a second the answer that was just given, before anything is routed, opened or verified.
 * It is counted and measured as any other. Two halves: `inFront` of Fastify's handler, `remember` after what sets cookies.
 */
export function createRepeats({ signOuts, allowed, measure }: RepeatsOptions) {
  const given = new Map<string, Given[]>()

  return {
    inFront(handler: RequestListener): RequestListener {
      return (request, response) => {
        const started = performance.now()
        const answer = request.method === 'GET' ? find(request, started) : undefined
        if (!answer) return handler(request, response)
        const { status, headers, counted } = answer
        if (counted) {
          const state = counted()
          if (state === undefined) return handler(request, response)
          headers[headers.length - 1] = state
        }
        response.writeHead(status, headers)
        response.end(answer.body)
        answer.measure((performance.now() - started) / 1000)
      }
    },

    remember(app: FastifyInstance): void {
      app.decorateReply('repeatable', false)
      app.addHook('onSend', (request, reply, payload, done) => {
        if (mayRepeat(request, reply, payload))
          keep(request.url, take(request, reply, payload as Buffer | undefined), request.headers)
        done(null, payload)
      })
    },
  }

  function find({ url = '', headers }: IncomingMessage, at: number): Given | undefined {
    const answer = given.get(url)?.find((one) => answers(one, headers))
    if (!answer || answer.until < at || answer.signOuts !== signOuts() || !allowed()) return undefined
    return answer
  }

  /** In place of an older one; the oldest go where there are too many. */
  function keep(url: string, answer: Given, headers: IncomingHttpHeaders): void {
    const others = (given.get(url) ?? []).filter((one) => !answers(one, headers) && one.until >= performance.now())
    given.delete(url)
    given.set(url, [answer, ...others].slice(0, KEPT))
    const [oldest] = given.size > KEPT ? given.keys() : []
    if (oldest !== undefined) given.delete(oldest)
  }

  function take(request: FastifyRequest, reply: FastifyReply, body: Buffer | undefined): Given {
    const { counted, headers: sent, method, routeOptions } = request
    const { statusCode: status } = reply
    const { ratelimit, ...others } = reply.getHeaders()
    const length = status === 200 && body ? { 'content-length': body.length } : {}
    const headers = Object.entries({ ...others, ...length, ...(counted ? { ratelimit } : {}) })
    return {
      ...askedOf(sent),
      status,
      headers: headers.flatMap(([name, value]) => [name, String(value)]),
      body: status === 200 ? body : undefined,
      until: performance.now() + AGAIN_MS,
      signOuts: signOuts(),
      counted,
      measure: measure({ method, route: routeOptions.url ?? 'none', status }),
    }
  }
}

/** Not what sets a cookie or is a secret; of the API only what somebody with a token asks, as others are counted by address. */
function mayRepeat({ method, headers, counted }: FastifyRequest, reply: FastifyReply, payload: unknown): boolean {
  if (!reply.repeatable || method !== 'GET') return false
  if (reply.hasHeader('set-cookie') || reply.getHeader('cache-control') === 'no-store') return false
  if (counted && headers.authorization === undefined) return false
  return reply.statusCode === 304 || (reply.statusCode === 200 && Buffer.isBuffer(payload))
}

function askedOf(headers: IncomingHttpHeaders): Asked {
  const { host, authorization, cookie } = headers
  const forwardedHost = headers['x-forwarded-host']
  const [encoding, known] = [headers['accept-encoding'], headers['if-none-match']]
  return { host, forwardedHost, encoding, known, authorization, cookie }
}

/** Whether it is the answer to these headers, for which no object is made: this is on the way of every request. */
function answers(one: Asked, headers: IncomingHttpHeaders): boolean {
  return (
    one.authorization === headers.authorization &&
    one.cookie === headers.cookie &&
    one.known === headers['if-none-match'] &&
    one.encoding === headers['accept-encoding'] &&
    one.host === headers.host &&
    one.forwardedHost === headers['x-forwarded-host']
  )
}
