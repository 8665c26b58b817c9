import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'

declare module 'fastify' {
  interface FastifyReply {
    /** true: made of the address, the credential and the catalogue alone */
    repeatable: boolean
  }
}

interface Given {
  status: number
  headers: Record<string, string | number | string[] | undefined>
  body: Buffer | undefined
  until: number
  signOuts: number
  /** counts one request more of its caller; headers of the limit, undefined where it is used up */
  counted: (() => Record<string, string> | undefined) | undefined
}

export interface RepeatsOptions {
  /** changes with every sign-out */
  signOuts(): number
  /** false while the portal stops: connections are to be closed then */
  accepting(): boolean
  now?: () => number
}

/** Less than what replicas need to hear of a change (one second). */
const AGAIN_MS = 500

/**
 * A program that polls, a page that is loaded by everybody at once: the very same question, word by word and with the same
 * credential, gets within half a second the answer that was just given, before anything is parsed, opened or verified.
 * It is counted and measured as any other. Two halves: `answer` goes before what reads requests, `remember` after what
 * sets cookies.
 */
export function createRepeats({ signOuts, accepting, now = Date.now }: RepeatsOptions) {
  const given = new LRUCache<string, Given>({ max: 500 })

  return {
    answer(app: FastifyInstance): void {
      app.addHook('onRequest', (request, reply, done) => {
        const known = request.method === 'GET' ? given.get(keyOf(request)) : undefined
        if (!known || known.until < now() || known.signOuts !== signOuts() || !accepting()) return done()
        const limits = known.counted?.()
        if (known.counted && !limits) return done()
        reply.hijack()
        reply.raw.writeHead(known.status, limits ? { ...known.headers, ...limits } : known.headers)
        reply.raw.end(known.body)
      })
    },

    remember(app: FastifyInstance): void {
      app.decorateReply('repeatable', false)
      app.addHook('onSend', (request, reply, payload, done) => {
        if (mayRepeat(request, reply, payload)) given.set(keyOf(request), take(request, reply))
        done(null, payload)

        function take({ counted }: FastifyRequest, { statusCode }: FastifyReply): Given {
          const body = Buffer.isBuffer(payload) ? payload : undefined
          const headers = { ...reply.getHeaders(), ...(body ? { 'content-length': body.length } : {}) }
          return { status: statusCode, headers, body, until: now() + AGAIN_MS, signOuts: signOuts(), counted }
        }
      })
    },
  }
}

/** Not what sets a cookie or is a secret; of the API only what somebody with a token asks, as others are counted by address. */
function mayRepeat({ method, headers, counted }: FastifyRequest, reply: FastifyReply, payload: unknown): boolean {
  if (!reply.repeatable || method !== 'GET') return false
  if (reply.hasHeader('set-cookie') || reply.getHeader('cache-control') === 'no-store') return false
  if (counted && headers.authorization === undefined) return false
  return reply.statusCode === 304 || (reply.statusCode === 200 && Buffer.isBuffer(payload))
}

function keyOf({ url, headers }: FastifyRequest): string {
  return `${url}\n${headers.host}\n${headers['accept-encoding']}\n${headers['if-none-match']}\n${headers.authorization}\n${headers.cookie}`
}
