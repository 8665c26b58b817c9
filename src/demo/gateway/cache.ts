/** One gateway pod's memory of what 3scale allowed, until when; 0 is for ever. */
export type Pod = Map<string, number>

/** APIcast's authorisation cache (gateway/src/apicast/backend/cache_handler.lua), one per pod; off unless switched on. */
export function createAuthCache() {
  let on = false
  let pods: Pod[] = [new Map()]
  let turn = 0

  return {
    configure(settings: { auth_cache?: boolean; pods?: number }): void {
      on = settings.auth_cache ?? on
      pods = Array.from({ length: Math.max(1, settings.pods ?? pods.length) }, () => new Map())
      turn = 0
    },
    settings: () => ({ auth_cache: on, pods: pods.length }),
    /** The pod that takes the next request, by turns; undefined while the cache is off. */
    pod(): Pod | undefined {
      const pod = pods[turn % pods.length]
      turn++
      return on ? pod : undefined
    },
  }
}

export function isCached(pod: Pod | undefined, key: string): boolean {
  const until = pod?.get(key)
  return until !== undefined && (until === 0 || until > Date.now())
}

export type AuthCache = ReturnType<typeof createAuthCache>
