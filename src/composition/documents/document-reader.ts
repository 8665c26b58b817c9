import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { SPEC_BYTES, specHash } from '../../clients/threescale/specs/spec.js'
import type { GatewayMapping } from '../../features/reference/openapi/read-openapi.js'
import { withDeadline } from '../../infra/deadline.js'
import type { Log } from '../../infra/redis.js'
import { createWorkerThread, WorkerError } from '../../infra/worker/worker-thread.js'
import { projectRoot } from '../../project-root.js'
import { type DocumentJob, factsIn, type ReadFacts, type ReadReference } from './read-document.js'

/**
 * `unreadable`: not a JSON or YAML object, or too long; `too_complex`: exceeds the time or memory limit of one document; `busy`: a
 * later attempt may succeed.
 */
export type DocumentFailure = 'unreadable' | 'too_complex' | 'busy'

export type DocumentPart<T> = T | { failure: DocumentFailure }

export interface DocumentsDeps {
  log: Log
  /** For one part of one document. */
  limitMs?: number
  /** The program of the worker thread. Default: the one in the bundle. */
  script?: string
  /** In ms since 1970. */
  now?: () => number
}

export type Documents = ReturnType<typeof createDocuments>

/** 400 KB of YAML take about 0.4 s (measured in 2026). */
const LIMIT_MS = 2000
/** For the thread: 4 MB of small JSON objects become about 80 MB of values. */
const MEMORY_MB = 128
const MAX_WAITING = 1000
const IDLE_MS = 10_000
/** JSON of this size takes at most about 40 ms: operations and steps are bounded, and each reference is resolved once. */
const SMALL_BYTES = 32 * 1024
/** Characters of cached parts. */
const CACHE_SIZE = 8_000_000
const MAX_FAILURES = 5000
/** A document may fail only because the machine is under load, so it is read again after this time. */
const RETRY_MS = 10 * 60_000
/** How long a page waits, including the start of the thread. */
const WAIT_MS = 5000

/**
 * Parses all API documents. They may be hostile, so everything except small JSON is read in a worker thread with limits of time and
 * memory. Results and failures are cached by the hash of the text, so no document is read twice.
 */
export function createDocuments(deps: DocumentsDeps) {
  const {
    log,
    limitMs = LIMIT_MS,
    script = join(projectRoot, 'dist', 'bin', 'document-worker.js'),
    now = Date.now,
  } = deps
  const thread = createWorkerThread<DocumentJob>({
    script,
    limitMs,
    memoryMb: MEMORY_MB,
    maxWaiting: MAX_WAITING,
    idleMs: IDLE_MS,
  })
  const results = new LRUCache<string, ReadFacts | ReadReference>({ maxSize: CACHE_SIZE })
  const failures = new LRUCache<string, { failure: DocumentFailure; until: number }>({ max: MAX_FAILURES })
  const reading = new Map<string, Promise<DocumentPart<ReadFacts | ReadReference>>>()

  return {
    /** For the catalogue and the doctor. Runs in the background, after everything in the queue. */
    facts: (text: string) => read<ReadFacts>({ part: 'facts', text }, false),

    /** For reference pages, with a deadline. */
    async reference(text: string, mapping?: GatewayMapping): Promise<DocumentPart<ReadReference>> {
      const job: DocumentJob = { part: 'reference', text, ...(mapping ? { mapping } : {}) }
      return withDeadline(read<ReadReference>(job, true), WAIT_MS, () => ({ failure: 'busy' as const }))
    },

    /** A cached reference for the same mapping, by the hash of its text. */
    cachedReference: (hash: string, mapping?: GatewayMapping) =>
      cached<ReadReference>(`reference ${hash}${keyOf(mapping)}`),

    close: thread.close,
  }

  async function read<T extends ReadFacts | ReadReference>(
    job: DocumentJob,
    urgent: boolean,
  ): Promise<DocumentPart<T>> {
    const { part, text, mapping } = job
    if (text.length > SPEC_BYTES) return { failure: 'unreadable' }
    const key = `${part} ${specHash(text)}${keyOf(mapping)}`
    const result = cached<T>(key)
    if (result) return result
    const small = part === 'facts' ? smallJson(text) : undefined
    if (small) return cache(key, factsIn(small), text.length) as T
    const running = reading.get(key) ?? readInThread(key, job, urgent).finally(() => reading.delete(key))
    reading.set(key, running)
    return running as Promise<DocumentPart<T>>
  }

  async function readInThread(key: string, job: DocumentJob, urgent: boolean) {
    try {
      const result = await thread.run(job, { urgent })
      const value = JSON.parse(result) as ReadFacts | ReadReference | null
      return value === null ? fail(key, 'unreadable', Number.POSITIVE_INFINITY) : cache(key, value, result.length)
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      if (error.kind === 'busy' || error.kind === 'closed') return { failure: 'busy' as const }
      const [part, hash] = key.split(' ')
      log.warn(
        { document: hash, part, characters: job.text.length, reason: error.kind },
        'API document exceeds the limits of one document and was not read; the doctor reports its product',
      )
      return fail(key, 'too_complex', now() + RETRY_MS)
    }
  }

  function cached<T>(key: string): DocumentPart<T> | undefined {
    const failed = failures.get(key)
    if (failed && failed.until > now()) return { failure: failed.failure }
    return results.get(key) as T | undefined
  }

  function cache<T extends ReadFacts | ReadReference>(key: string, value: T, characters: number): T {
    results.set(key, value, { size: characters + 1 })
    return value
  }

  function fail(key: string, failure: DocumentFailure, until: number): { failure: DocumentFailure } {
    failures.set(key, { failure, until })
    return { failure }
  }
}

/** By object: its owner replaces it when it changes. */
const keys = new WeakMap<GatewayMapping, string>()

function keyOf(mapping: GatewayMapping | undefined): string {
  if (!mapping) return ''
  const key = keys.get(mapping) ?? ` ${specHash(JSON.stringify(mapping))}`
  keys.set(mapping, key)
  return key
}

function smallJson(text: string): Record<string, unknown> | undefined {
  if (text.length > SMALL_BYTES) return undefined
  try {
    const value: unknown = JSON.parse(text)
    // A JSON string may contain YAML.
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
