import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import type { Log } from '../../clients/redis.js'
import { createThread, ThreadFailure } from '../../clients/thread.js'
import { SPEC_BYTES, specHash } from '../../clients/threescale/spec.js'
import type { Mapping } from '../../features/reference/uploaded.js'
import { projectRoot } from '../../root.js'
import { type DocumentJob, factsIn, type ReadFacts, type ReadReference } from './read.js'

/**
 * Why a part of a document is not there: `unreadable` is no JSON or YAML object, or too long; `too_complex` exceeded the time or
 * the memory of one document; `busy` may be asked for again.
 */
export type DocumentFailure = 'unreadable' | 'too_complex' | 'busy'

export type DocumentPart<T> = T | { failure: DocumentFailure }

export interface DocumentsDeps {
  log: Log
  /** for one part of one document */
  limitMs?: number
  /** the program of the thread; in the bundle by default */
  script?: string
  /** in ms since 1970 */
  now?: () => number
}

export type Documents = ReturnType<typeof createDocuments>

/** 400 KB of YAML take some 0.4 s on one processor of 2026. */
const LIMIT_MS = 2000
/** Of the thread: 4 MB of small JSON objects are some 80 MB as values. */
const MEMORY_MB = 128
const MOST_WAITING = 1000
const IDLE_MS = 10_000
/** JSON up to here takes some 40 ms at most, whatever it has: operations and steps are bounded, and each reference is resolved once. */
const SMALL = 32 * 1024
/** characters of parts that are kept as they were read */
const KEPT = 8_000_000
const FAILURES_KEPT = 5000
/** A document that failed on a machine under load is read again, at most so often. */
const RETRY_MS = 10 * 60_000
/** What a page waits for, the start of the thread included. */
const WAIT_MS = 5000

/**
 * Reads API documents: the one place where their text is parsed. They may be hostile, so all but small JSON is read in a thread with
 * a limit of time and memory, and each result or failure is kept by the hash of the text: nothing is read twice, whoever asks.
 */
export function createDocuments(deps: DocumentsDeps) {
  const {
    log,
    limitMs = LIMIT_MS,
    script = join(projectRoot, 'dist', 'bin', 'document-worker.js'),
    now = Date.now,
  } = deps
  const thread = createThread<DocumentJob>({
    script,
    limitMs,
    memoryMb: MEMORY_MB,
    mostWaiting: MOST_WAITING,
    idleMs: IDLE_MS,
  })
  const kept = new LRUCache<string, ReadFacts | ReadReference>({ maxSize: KEPT })
  const failures = new LRUCache<string, { failure: DocumentFailure; until: number }>({ max: FAILURES_KEPT })
  const reading = new Map<string, Promise<DocumentPart<ReadFacts | ReadReference>>>()

  return {
    /** What catalogue and doctor need; in the background, so it may take as long as everything before it in the queue. */
    facts: (text: string) => read<ReadFacts>({ part: 'facts', text }, false),

    /** What a page shows; never waits for longer than a page may take. */
    async reference(text: string, mapping?: Mapping): Promise<DocumentPart<ReadReference>> {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<{ failure: DocumentFailure }>((resolve) => {
        timer = setTimeout(() => resolve({ failure: 'busy' }), WAIT_MS)
      })
      return Promise.race([
        read<ReadReference>({ part: 'reference', text, ...(mapping ? { mapping } : {}) }, true),
        late,
      ]).finally(() => clearTimeout(timer))
    },

    /** A reference that was read before for the same mapping, by the hash of its text; undefined where it was not. */
    knownReference: (hash: string, mapping?: Mapping) => known<ReadReference>(`reference ${hash}${keyOf(mapping)}`),

    close: thread.close,
  }

  async function read<T extends ReadFacts | ReadReference>(
    job: DocumentJob,
    urgent: boolean,
  ): Promise<DocumentPart<T>> {
    const { part, text, mapping } = job
    if (text.length > SPEC_BYTES) return { failure: 'unreadable' }
    const key = `${part} ${specHash(text)}${keyOf(mapping)}`
    const before = known<T>(key)
    if (before) return before
    const small = part === 'facts' ? smallJson(text) : undefined
    if (small) return keep(key, factsIn(small), text.length) as T
    const running = reading.get(key) ?? readInThread(key, job, urgent).finally(() => reading.delete(key))
    reading.set(key, running)
    return running as Promise<DocumentPart<T>>
  }

  async function readInThread(key: string, job: DocumentJob, urgent: boolean) {
    try {
      const result = await thread.run(job, { urgent })
      const value = JSON.parse(result) as ReadFacts | ReadReference | null
      return value === null ? fail(key, 'unreadable', Number.POSITIVE_INFINITY) : keep(key, value, result.length)
    } catch (error) {
      if (!(error instanceof ThreadFailure)) throw error
      if (error.kind === 'busy' || error.kind === 'closed') return { failure: 'busy' as const }
      const [part, hash] = key.split(' ')
      log.warn(
        { document: hash, part, characters: job.text.length, reason: error.kind },
        'an API document was not read: it exceeds the limits of one document; the doctor names its product',
      )
      return fail(key, 'too_complex', now() + RETRY_MS)
    }
  }

  function known<T>(key: string): DocumentPart<T> | undefined {
    const failed = failures.get(key)
    if (failed && failed.until > now()) return { failure: failed.failure }
    return kept.get(key) as T | undefined
  }

  function keep<T extends ReadFacts | ReadReference>(key: string, value: T, characters: number): T {
    kept.set(key, value, { size: characters + 1 })
    return value
  }

  function fail(key: string, failure: DocumentFailure, until: number): { failure: DocumentFailure } {
    failures.set(key, { failure, until })
    return { failure }
  }
}

/** by the object, which its owner keeps as long as nothing of it changes */
const keys = new WeakMap<Mapping, string>()

function keyOf(mapping: Mapping | undefined): string {
  if (!mapping) return ''
  const key = keys.get(mapping) ?? ` ${specHash(JSON.stringify(mapping))}`
  keys.set(mapping, key)
  return key
}

function smallJson(text: string): Record<string, unknown> | undefined {
  if (text.length > SMALL) return undefined
  try {
    const value: unknown = JSON.parse(text)
    // a text inside may be YAML
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
