/**
 * Runs `work` for a key immediately, and once more at the end of the interval if it was requested again in between. However many
 * requests arrive, `work` runs at most twice in an interval, and every request is followed by a run that began after it.
 */
export function createCoalescing(work: (key: number) => Promise<void>, intervalMs: number) {
  const waiting = new Map<number, { isRequestedAgain: boolean }>()

  return async (key: number): Promise<void> => {
    const interval = waiting.get(key)
    if (interval) interval.isRequestedAgain = true
    else await run(key)
  }

  async function run(key: number): Promise<void> {
    const interval = { isRequestedAgain: false }
    waiting.set(key, interval)
    setTimeout(() => {
      waiting.delete(key)
      // A failed run is not repeated: what it would have removed from the caches expires within a minute.
      if (interval.isRequestedAgain) void run(key).catch(() => {})
    }, intervalMs).unref()
    await work(key)
  }
}
