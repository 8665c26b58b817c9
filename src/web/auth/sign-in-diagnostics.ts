import type { Cache } from '../../infra/cache.js'

const DAY_SECONDS = 86_400
/** Each process writes an observation at most once in this time: the doctor needs its last time, not its frequency. */
const WRITE_INTERVAL_MS = 10 * 60_000

export interface SignInDiagnosticsDeps {
  cache: Cache
  now?: () => number
}

/**
 * Observations at sign-ins and in access tokens, with their last time: names of claims and messages of the portal, without personal
 * data. They are stored for 30 days. Replicas share them through Redis. They may be lost.
 */
export function createSignInDiagnostics({ cache, now = Date.now }: SignInDiagnosticsDeps) {
  const observations = cache.cached<Record<string, number>>(
    'sign-in-diagnostics',
    { freshSeconds: 30 * DAY_SECONDS, maxAgeSeconds: 30 * DAY_SECONDS },
    async () => ({}),
  )
  const written = new Map<string, number>()
  let last = Promise.resolve()

  return {
    /** Runs in the background. */
    record(...names: string[]): void {
      const due = names.filter((name) => now() - (written.get(name) ?? 0) > WRITE_INTERVAL_MS)
      if (due.length === 0) return
      for (const name of due) written.set(name, now())
      const times = Object.fromEntries(due.map((name) => [name, now()]))
      // sequential in this process; concurrent writes of two processes may be lost until the next one
      last = last.then(() => write(times)).catch(() => undefined)
    },

    /** Times in ms. */
    async read(): Promise<Record<string, number>> {
      await last
      await observations.sync()
      return (await observations.get()).value
    },
  }

  async function write(times: Record<string, number>): Promise<void> {
    await observations.sync()
    await observations.put('', { ...(await observations.get()).value, ...times })
  }
}
