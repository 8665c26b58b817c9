import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problem } from '../../errors.js'
import { markReplayed } from '../../idempotency/idempotency-key.js'
import type { Cache } from '../../infra/cache.js'
import { createMac, type Secrets } from '../../infra/crypto/secrets.js'
import { type AuditNote, annotateAudit } from '../audit/audit.js'
import type { Identity } from '../auth/caller.js'
import { createBackgroundJobs } from '../server/background-jobs.js'
import { problemDetails, toPortalError } from '../server/errors/error-handlers.js'
import { OPERATION_STOPPED } from './messages.js'

/** A request that is processed after its response, as its caller sees it. */
export interface AsyncOperationRecord {
  id: string
  status: 'running' | 'succeeded' | 'failed'
  created_at: string
  finished_at: string | null
  /** of the result, if it can be read */
  location: string | null
  /** of a failed operation: the problem that the response would have been */
  problem: ReturnType<typeof problemDetails> | null
}

/** The response of a completed request. */
export interface OperationResult {
  status: number
  location?: string
  /** further headers, such as the entity tag of the body */
  headers?: Record<string, string>
  /** the result of an earlier request with the same Idempotency-Key */
  isReplayed?: boolean
  body?: unknown
  note?: AuditNote
}

export interface AsyncOperationsOptions {
  cache: Cache
  secrets: Secrets
  /** permits reuse of the Idempotency-Key of a rejected request */
  release(request: FastifyRequest): Promise<void>
}

interface Stored extends AsyncOperationRecord {
  owner: string
  /** last sign of life of the process that works on it; ms */
  heartbeat: number
}

export type AsyncOperations = ReturnType<typeof createAsyncOperations>

const RETENTION_SECONDS = 3600
const HEARTBEAT_MS = 10_000
const STOPPED_MS = 30_000
const RETRY_SECONDS = 2

/**
 * `Prefer: respond-async` (RFC 7240): the response is 202, and an operation reports the result. Operations are retained for an hour, in
 * this process and encrypted in Redis. An Idempotency-Key always leads to the same operation.
 */
export function createAsyncOperations({ cache, secrets, release }: AsyncOperationsOptions) {
  const mac = createMac(secrets)
  const jobs = createBackgroundJobs({ idleMs: 2 ** 31 - 1 })
  const operations = cache.cached<Stored | null>(
    'operations',
    { freshSeconds: RETENTION_SECONDS, maxAgeSeconds: RETENTION_SECONDS, nullMeansUnknown: true },
    async () => null,
  )

  return {
    /** Sends the response of the work, or 202 if the caller prefers that. */
    async answer(
      request: FastifyRequest,
      reply: FastifyReply,
      run: () => Promise<OperationResult>,
    ): Promise<FastifyReply> {
      const { identity } = request
      if (!identity || !prefersAsync(request)) {
        const { status, location, headers = {}, isReplayed = false, body, note } = await run()
        if (note) annotateAudit(request, note)
        if (location !== undefined) reply.header('location', location)
        markReplayed(reply, isReplayed)
        return reply.code(status).headers(headers).send(body)
      }
      const id = idOf(request, identity)
      const existing = await find(id)
      const isRepeated = existing !== undefined && existing.status !== 'failed'
      const operation = isRepeated ? existing : await begin(id, request, identity, run)
      markReplayed(reply, isRepeated)
      annotateAudit(request, { quiet: true })
      return reply
        .code(202)
        .headers({
          location: `/api/v1/operations/${id}`,
          'preference-applied': 'respond-async',
          'retry-after': String(RETRY_SECONDS),
        })
        .send(toPublic(operation))
    },

    /** Rejects with not_found if the caller has no such operation. Sets Retry-After while it is running. */
    async read(id: string, identity: Identity, reply: FastifyReply): Promise<AsyncOperationRecord> {
      const operation = await find(id)
      if (operation?.owner !== ownerOf(identity)) throw problem('not_found')
      if (operation.status === 'running') reply.header('retry-after', String(RETRY_SECONDS))
      return toPublic(operation)
    },
  }

  async function begin(id: string, request: FastifyRequest, identity: Identity, run: () => Promise<OperationResult>) {
    const owner = ownerOf(identity)
    const running: Stored = {
      id,
      owner,
      status: 'running',
      created_at: new Date().toISOString(),
      finished_at: null,
      location: null,
      problem: null,
      heartbeat: Date.now(),
    }
    await operations.put(id, running)
    jobs.start(id, owner, () => finish(running, request, run))
    return running
  }

  async function finish(running: Stored, request: FastifyRequest, run: () => Promise<OperationResult>): Promise<void> {
    const heartbeat = setInterval(
      () => void operations.put(running.id, { ...running, heartbeat: Date.now() }),
      HEARTBEAT_MS,
    ).unref()
    const store = (rest: Partial<Stored>) =>
      operations.put(running.id, { ...running, ...rest, finished_at: new Date().toISOString() })
    try {
      const { status, location = null, note } = await run()
      clearInterval(heartbeat)
      await store({ status: 'succeeded', location })
      request.auditNow(status, note)
    } catch (error) {
      clearInterval(heartbeat)
      const failure = toPortalError(error)
      if (failure.code === 'internal') request.log.error({ err: failure.cause }, 'unexpected failure')
      if (failure.status < 500) await release(request)
      await store({ status: 'failed', problem: problemDetails(failure, request.id) })
      request.auditNow(failure.status, { failure })
    }
  }

  async function find(id: string): Promise<Stored | undefined> {
    await operations.sync(id)
    const operation = (await operations.get(id)).value
    if (operation?.status !== 'running' || Date.now() - operation.heartbeat < STOPPED_MS) return operation ?? undefined
    const stopped = problem('threescale_unavailable', { detail: OPERATION_STOPPED })
    return { ...operation, status: 'failed', problem: problemDetails(stopped, id) }
  }

  /** Derived from the Idempotency-Key; random without one. */
  function idOf(request: FastifyRequest, identity: Identity): string {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string') return randomBytes(16).toString('base64url')
    const parts = ['operation', ownerOf(identity), request.method, request.url.split('?')[0], key]
    return mac(JSON.stringify(parts)).subarray(0, 16).toString('base64url')
  }
}

function prefersAsync({ headers }: FastifyRequest): boolean {
  return [headers.prefer ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .some((preference) => preference.split(';')[0]?.trim().toLowerCase() === 'respond-async')
}

function ownerOf({ kind, issuer, subject }: Identity): string {
  return `${kind} ${issuer} ${subject}`
}

function toPublic({ owner: _, heartbeat: __, ...operation }: Stored): AsyncOperationRecord {
  return operation
}
