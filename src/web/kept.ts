import { LRUCache } from 'lru-cache'
import { type Body, sizeOf } from './body.js'

/** Answers kept in so many bytes of memory; the ones asked for longest ago go first. */
export function createKept(bytes: number) {
  const bodies = new LRUCache<string, Body>({
    maxSize: bytes,
    // keys hold addresses, which callers choose
    sizeCalculation: (body, key) => sizeOf(body) + 2 * key.length,
  })
  const numbers = new WeakMap<object, number>()
  let last = 0

  return {
    /**
     * An answer made of something that is replaced whenever it changes is made once; those of what was replaced are asked
     * for by nobody and go as the oldest.
     */
    async madeOf(of: object, key: string, make: () => Promise<Body> | Body): Promise<Body> {
      const place = `${numberOf(of)} ${key}`
      const kept = bodies.get(place)
      if (kept) return kept
      const body = await make()
      bodies.set(place, body)
      return body
    },

    /** The one with the same bytes, if there was one: it may be compressed already. */
    same(body: Body): Body {
      const kept = bodies.get(body.tag)
      if (kept) return kept
      bodies.set(body.tag, body)
      return body
    },
  }

  function numberOf(of: object): number {
    const known = numbers.get(of) ?? ++last
    numbers.set(of, known)
    return known
  }
}
