/** APIcast's authorisation cache (gateway/src/apicast/backend/cache_handler.lua), one per pod; off unless switched on. */
export function createAuthCache() {
  let on = false
  let pods: Set<string>[] = [new Set()]
  let turn = 0

  return {
    configure(settings: { auth_cache?: boolean; pods?: number }): void {
      on = settings.auth_cache ?? on
      pods = Array.from({ length: Math.max(1, settings.pods ?? pods.length) }, () => new Set())
    },
    settings: () => ({ auth_cache: on, pods: pods.length }),
    /** The pod that takes the next request; undefined while the cache is off. */
    pod(): Set<string> | undefined {
      turn = (turn + 1) % pods.length
      return on ? pods[turn] : undefined
    },
  }
}

export type AuthCache = ReturnType<typeof createAuthCache>
