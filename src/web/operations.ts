import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Cache } from '../clients/cache.js'
import { problem } from '../errors.js'
import { type AuditNote, audited } from './audit.js'
import type { Identity } from './caller.js'
import { asProblem, bodyOf } from './failures.js'
import { createJobs } from './jobs.js'

/** What a caller may know of a request that is processed after its response. */
export interface Operation {
  id: string
  status: 'running' | 'succeeded' | 'failed'
  created_at: string
  finished_at: string | null
  /** of the result, where there is something to read */
  location: string | null
  /** of a failed one: what the response would have been */
  problem: ReturnType<typeof bodyOf> | null
}

/** The response of a request that is done. */
export interface Done {
  status: number
  location?: string
  body?: unknown
  note?: AuditNote
}

export interface OperationsOptions {
  cache: Cache
  secret: string
  /** lets an Idempotency-Key be used again whose request was refused */
  release(request: FastifyRequest): Promise<void>
}

interface Stored extends Operation {
  owner: string
  /** when the process that works on it said so; ms */
  beat: number
}

export type Operations = ReturnType<typeof createOperations>

const KEEP_SECONDS = 3600
const BEAT_MS = 10_000
const DEAD_MS = 30_000
const AGAIN_SECONDS = 2

/**
 * `Prefer: respond-async` (RFC 7240): the response is 202 at once, and an operation tells what became of the request. It is kept
 * for an hour, in this process and sealed in Redis where there is one. An Idempotency-Key always leads to one operation.
 */
export function createOperations({ cache, secret, release }: OperationsOptions) {
  const jobs = createJobs({ idleMs: 2 ** 31 - 1 })
  const kept = cache.cached<Stored | null>(
    'operations',
    { fresh: KEEP_SECONDS, keep: KEEP_SECONDS, nullYields: true },
    async () => null,
  )

  return {
    /** The response of the work, or 202 where the caller prefers that. */
    async answer(request: FastifyRequest, reply: FastifyReply, run: () => Promise<Done>): Promise<FastifyReply> {
      const { identity } = request
      if (!identity || !prefersAsync(request)) {
        const { status, location, body, note } = await run()
        if (note) audited(request, note)
        if (location !== undefined) reply.header('location', location)
        return reply.code(status).send(body)
      }
      const id = idOf(request, identity)
      const known = await find(id)
      const operation = known && known.status !== 'failed' ? known : await begin(id, request, identity, run)
      audited(request, { quiet: true })
      return reply
        .code(202)
        .headers({
          location: `/api/v1/operations/${id}`,
          'preference-applied': 'respond-async',
          'retry-after': String(AGAIN_SECONDS),
        })
        .send(shown(operation))
    },

    /** Rejects with not_found where there is none, or it is of somebody else. `reply` learns when to ask again. */
    async read(id: string, identity: Identity, reply: FastifyReply): Promise<Operation> {
      const found = await find(id)
      if (found?.owner !== ownerOf(identity)) throw problem('not_found')
      if (found.status === 'running') reply.header('retry-after', String(AGAIN_SECONDS))
      return shown(found)
    },
  }

  async function begin(id: string, request: FastifyRequest, identity: Identity, run: () => Promise<Done>) {
    const owner = ownerOf(identity)
    const running: Stored = {
      id,
      owner,
      status: 'running',
      created_at: new Date().toISOString(),
      finished_at: null,
      location: null,
      problem: null,
      beat: Date.now(),
    }
    await kept.put(id, running)
    jobs.begin(id, owner, () => finish(running, request, run))
    return running
  }

  async function finish(running: Stored, request: FastifyRequest, run: () => Promise<Done>): Promise<void> {
    const beat = setInterval(() => void kept.put(running.id, { ...running, beat: Date.now() }), BEAT_MS).unref()
    const ended = (rest: Partial<Stored>) =>
      kept.put(running.id, { ...running, ...rest, finished_at: new Date().toISOString() })
    try {
      const { status, location = null, note } = await run()
      clearInterval(beat)
      await ended({ status: 'succeeded', location })
      request.auditNow(status, note)
    } catch (error) {
      clearInterval(beat)
      const failure = asProblem(error)
      if (failure.code === 'internal') request.log.error({ err: failure.cause }, 'unexpected failure')
      if (failure.status < 500) await release(request)
      await ended({ status: 'failed', problem: bodyOf(failure, request.id) })
      request.auditNow(failure.status, { failure })
    }
  }

  async function find(id: string): Promise<Stored | undefined> {
    await kept.look(id)
    const found = (await kept.get(id)).value
    if (found?.status !== 'running' || Date.now() - found.beat < DEAD_MS) return found ?? undefined
    const stopped = problem('threescale_unavailable', { detail: STOPPED })
    return { ...found, status: 'failed', problem: bodyOf(stopped, id) }
  }

  /** One for an Idempotency-Key; without one each request has its own. */
  function idOf(request: FastifyRequest, identity: Identity): string {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string') return randomBytes(16).toString('base64url')
    const parts = ['operation', ownerOf(identity), request.method, request.url.split('?')[0], key]
    return createHmac('sha256', secret).update(JSON.stringify(parts)).digest().subarray(0, 16).toString('base64url')
  }
}

const STOPPED =
  'The portal was stopped while it processed this request. Send the request again, with the same Idempotency-Key if it had one.'

function prefersAsync({ headers }: FastifyRequest): boolean {
  return [headers.prefer ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .some((preference) => preference.split(';')[0]?.trim().toLowerCase() === 'respond-async')
}

function ownerOf({ kind, issuer, subject }: Identity): string {
  return `${kind} ${issuer} ${subject}`
}

function shown({ owner: _, beat: __, ...operation }: Stored): Operation {
  return operation
}
