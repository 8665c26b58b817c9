/**
 * The result of `work`, or what `onTimeout` returns or throws if `work` has not settled after `ms` milliseconds; undefined without
 * `onTimeout`. The work is not cancelled. Input that arrived while this process was busy is read before the time-out counts.
 */
export async function withDeadline<T, Late = undefined>(
  work: Promise<T>,
  ms: number,
  onTimeout?: () => Late,
): Promise<T | Awaited<Late>> {
  let timer: NodeJS.Timeout | undefined
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve), Math.max(0, ms))
  })
  try {
    return await Promise.race([work, elapsed.then(() => onTimeout?.() as Late)])
  } finally {
    clearTimeout(timer)
  }
}
