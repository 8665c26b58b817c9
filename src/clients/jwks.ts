import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { problem } from '../errors.js'
import type { Cache } from './cache.js'

export interface KeySetOptions {
  cache: Cache
  /** from the provider's discovery; rejects while it is down and was never read */
  jwksUri: () => Promise<string>
  fetch: typeof globalThis.fetch
  now?: () => number
}

const FRESH = 600
const KEEP = 86_400
/** An unknown key id makes the set be read again at most this often: forged tokens must not become calls. */
const REST_MS = 5000

/**
 * The provider's signing keys. They are read again behind the requests every ten minutes and kept for a day when that
 * fails, in this process and, sealed, in Redis, so a restart during an outage knows them too. A key that nobody has seen
 * is `identity_unavailable` while the provider does not answer, because then nobody can know.
 */
export function createKeySet({ cache, jwksUri, fetch, now = Date.now }: KeySetOptions): JWTVerifyGetKey {
  const kept = cache.cached<JSONWebKeySet>('jwks', { fresh: FRESH, keep: KEEP, late: 'identity_unavailable' }, load)
  const readers = new WeakMap<JSONWebKeySet, JWTVerifyGetKey>()
  let looked = { at: 0, answered: false }

  return async (header, token) => {
    const { value } = await kept.get()
    try {
      return await readerOf(value)(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      return readerOf(await anew())(header, token)
    }
  }

  async function anew(): Promise<JSONWebKeySet> {
    if (now() - looked.at > REST_MS) {
      looked = { at: now(), answered: false }
      const { value, ageSeconds } = await kept.reload()
      looked.answered = ageSeconds * 1000 < REST_MS
      if (looked.answered) return value
    }
    if (!looked.answered) throw problem('identity_unavailable')
    return (await kept.get()).value
  }

  async function load(): Promise<JSONWebKeySet> {
    try {
      const answer = await fetch(await jwksUri(), { signal: AbortSignal.timeout(2000) })
      const set = (await answer.json()) as JSONWebKeySet
      if (!answer.ok || !Array.isArray(set.keys)) throw new Error(`the key set answered ${answer.status}`)
      return set
    } catch (error) {
      throw problem('identity_unavailable', { cause: error })
    }
  }

  function readerOf(set: JSONWebKeySet): JWTVerifyGetKey {
    const known = readers.get(set) ?? createLocalJWKSet(set)
    readers.set(set, known)
    return known
  }
}
