import { setImmediate as nextTurn } from 'node:timers/promises'

/** A tenth of the time for which one request may block others. */
const SLICE_MS = 5

/** Maps many items, and lets other requests run in between. */
export async function mapInSlices<T, R>(items: readonly T[], map: (item: T) => R): Promise<R[]> {
  const results: R[] = []
  let began = performance.now()
  for (const item of items) {
    results.push(map(item))
    if (performance.now() - began < SLICE_MS) continue
    await nextTurn()
    began = performance.now()
  }
  return results
}
