const SLICE_MS = 1000
const SLICES = 10
const MAX_SECONDS = 120

/** Estimates waiting times from the responses of the last ten seconds. */
export function createResponseRate(now: () => number) {
  const counts = new Map<number, number>()

  return {
    count(): void {
      const slice = currentSlice()
      counts.set(slice, (counts.get(slice) ?? 0) + 1)
      for (const past of counts.keys()) if (past <= slice - SLICES) counts.delete(past)
    },

    /** Seconds until this many calls are answered, at least one. */
    secondsFor(calls: number): number {
      const slice = currentSlice()
      const recent = [...counts].filter(([at]) => at > slice - SLICES)
      const responses = recent.reduce((sum, [, count]) => sum + count, 0)
      const seconds = Math.max(1, slice - Math.min(slice, ...recent.map(([at]) => at)) + 1)
      return Math.max(1, Math.min(MAX_SECONDS, Math.ceil((calls * seconds) / Math.max(1, responses))))
    },
  }

  function currentSlice(): number {
    return Math.floor(now() / SLICE_MS)
  }
}
