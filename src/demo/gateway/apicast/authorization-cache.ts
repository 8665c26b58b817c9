import type { Settings } from '../settings.js'

/** The authorizations that one gateway pod caches, with their expiry; 0 means none. */
export type Pod = Map<string, number>

/** APIcast's authorisation cache (gateway/src/apicast/backend/cache_handler.lua), one per pod. */
export function createAuthCache(settings: Settings) {
  const pods = new Map<number, Pod>()
  let turn = 0

  return {
    /** Empties the cache of each pod, as a restart does. */
    clear(): void {
      pods.clear()
      turn = 0
    },
    /** The pod of the next request, in turn; undefined while the cache is off. */
    pod(): Pod | undefined {
      const { auth_cache, pods: count } = settings.current()
      const index = turn++ % count
      const pod = pods.get(index) ?? new Map<string, number>()
      pods.set(index, pod)
      return auth_cache ? pod : undefined
    },
  }
}

export function isCached(pod: Pod | undefined, key: string): boolean {
  const until = pod?.get(key)
  return until !== undefined && (until === 0 || until > Date.now())
}

export type AuthCache = ReturnType<typeof createAuthCache>
