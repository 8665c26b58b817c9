import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { problem } from '../../errors.js'
import type { Cache } from '../../infra/cache.js'

export interface KeySetOptions {
  cache: Cache
  /** from the provider's discovery; rejects while the provider is down and was never discovered */
  jwksUri: () => Promise<string>
  fetch: typeof globalThis.fetch
  now?: () => number
}

const FRESH_SECONDS = 600
const MAX_AGE_SECONDS = 86_400
/** The least time between two reads for unknown key ids: forged tokens must not cause calls. */
const MIN_RELOAD_MS = 5000

/**
 * The provider's signing keys. They are read again in the background every ten minutes and used for a day if that fails. They are
 * cached in this process and, sealed, in Redis, so a portal that restarts during an outage has them. An unknown key is
 * `identity_unavailable` while the provider does not respond, because nothing can show whether it is valid.
 */
export function createKeySet({ cache, jwksUri, fetch, now = Date.now }: KeySetOptions): JWTVerifyGetKey {
  const keySets = cache.cached<JSONWebKeySet>(
    'jwks',
    { freshSeconds: FRESH_SECONDS, maxAgeSeconds: MAX_AGE_SECONDS, timeoutCode: 'identity_unavailable' },
    load,
  )
  const resolvers = new WeakMap<JSONWebKeySet, JWTVerifyGetKey>()
  let lastReload = { at: 0, succeeded: false }

  return async (header, token) => {
    const { value } = await keySets.get()
    try {
      return await resolverOf(value)(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      return resolverOf(await reload())(header, token)
    }
  }

  async function reload(): Promise<JSONWebKeySet> {
    if (now() - lastReload.at > MIN_RELOAD_MS) {
      lastReload = { at: now(), succeeded: false }
      const { value, ageSeconds } = await keySets.reload()
      lastReload.succeeded = ageSeconds * 1000 < MIN_RELOAD_MS
      if (lastReload.succeeded) return value
    }
    if (!lastReload.succeeded) throw problem('identity_unavailable')
    return (await keySets.get()).value
  }

  async function load(): Promise<JSONWebKeySet> {
    try {
      const response = await fetch(await jwksUri(), { signal: AbortSignal.timeout(2000) })
      const keySet = (await response.json()) as JSONWebKeySet
      if (!response.ok || !Array.isArray(keySet.keys)) throw new Error(`the key set returned ${response.status}`)
      return keySet
    } catch (error) {
      throw problem('identity_unavailable', { cause: error })
    }
  }

  function resolverOf(keySet: JSONWebKeySet): JWTVerifyGetKey {
    const resolver = resolvers.get(keySet) ?? createLocalJWKSet(keySet)
    resolvers.set(keySet, resolver)
    return resolver
  }
}
