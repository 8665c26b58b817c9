const SLICE_MS = 1000
const SLICES = 10
const MOST_SECONDS = 120

/** Answers of the last ten seconds, for how long those take that wait. */
export function createRate(now: () => number) {
  const counts = new Map<number, number>()

  return {
    count(): void {
      const slice = sliceOf()
      counts.set(slice, (counts.get(slice) ?? 0) + 1)
      for (const old of counts.keys()) if (old <= slice - SLICES) counts.delete(old)
    },

    /** Seconds until so many more are answered, at least one. */
    secondsFor(calls: number): number {
      const slice = sliceOf()
      const recent = [...counts].filter(([at]) => at > slice - SLICES)
      const answered = recent.reduce((sum, [, count]) => sum + count, 0)
      const seconds = Math.max(1, slice - Math.min(slice, ...recent.map(([at]) => at)) + 1)
      return Math.max(1, Math.min(MOST_SECONDS, Math.ceil((calls * seconds) / Math.max(1, answered))))
    },
  }

  function sliceOf(): number {
    return Math.floor(now() / SLICE_MS)
  }
}
