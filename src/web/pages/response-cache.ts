import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { CachedBody } from './compression/response-body.js'

export type ResponseCache = ReturnType<typeof createResponseCache>

/** Everything that a cached response depends on. */
export interface ResponseOrigin {
  /** the object that the response is rendered from; it is replaced whenever it changes */
  source: object
  /** the view or route that renders it */
  template: string
  /** what else is rendered: of the request, of the caller, of the page around it. It is serialized as a whole. */
  context: object
}

declare module 'fastify' {
  interface FastifyInstance {
    responseCache: ResponseCache
  }
}

const MAX_BYTES = 18_000_000

export function registerResponseCache(app: FastifyInstance): void {
  app.decorate('responseCache', createResponseCache(MAX_BYTES))
}

/**
 * The one cache of rendered responses, of pages and API alike, in a fixed number of bytes. The least recently used responses are
 * dropped first, and so are those of a source that was replaced, because nothing requests them any more.
 */
export function createResponseCache(maxBytes: number) {
  const bodies = new LRUCache<string, CachedBody>({
    maxSize: maxBytes,
    // a key holds a URL, whose length the client chooses
    sizeCalculation: ({ size }, key) => size + 2 * key.length,
  })
  const sourceIds = new WeakMap<object, number>()
  let lastId = 0

  return {
    /** The cached response of this origin, without a promise, or a new one. A template always renders bodies of one type. */
    get<T extends CachedBody>(origin: ResponseOrigin, render: () => Promise<T> | T): T | Promise<T> {
      const key = responseKey(sourceId(origin.source), origin)
      return (bodies.get(key) as T | undefined) ?? renderAndCache(key, render)
    },

    /** An earlier body with the same bytes, which may be compressed already; otherwise the given one. */
    deduplicate<T extends CachedBody>(body: T): T {
      const cached = bodies.get(body.tag)
      if (cached) return cached as T
      bodies.set(body.tag, body)
      return body
    },
  }

  async function renderAndCache<T extends CachedBody>(key: string, render: () => Promise<T> | T): Promise<T> {
    const body = await render()
    bodies.set(key, body)
    return body
  }

  function sourceId(source: object): number {
    const id = sourceIds.get(source)
    if (id !== undefined) return id
    sourceIds.set(source, ++lastId)
    return lastId
  }
}

/**
 * The only function that builds a key. The context is serialized whole, so a member that is added to it is part of the key
 * (test/web/pages/response-cache.test.ts).
 */
export function responseKey(sourceId: number, { template, context }: Omit<ResponseOrigin, 'source'>): string {
  return JSON.stringify([sourceId, template, context])
}
