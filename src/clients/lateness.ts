const LOOK_MS = 500

/** The answer, or a rejection when it is late. What comes later is still heard, as it shows that the host is only slow. */
export async function heardOut<T>(
  exchange: (end: AbortSignal) => Promise<T>,
  late: AbortSignal,
  mostMs: number,
  onLate: () => void,
): Promise<T> {
  const end = new AbortController()
  const timer = setTimeout(() => end.abort(), mostMs).unref()
  const work = exchange(end.signal).finally(() => clearTimeout(timer))
  work.then(
    () => late.aborted && onLate(),
    () => {},
  )
  const lateness = new Promise<never>((_resolve, reject) => {
    late.addEventListener('abort', () => reject(late.reason), { once: true })
  })
  return Promise.race([work, lateness])
}

/** Aborts after `timeoutMs`; while `goesOn` says so it waits on, until `longerMs`. */
export function lateAfter(timeoutMs: number, longerMs: number, goesOn: (() => boolean) | undefined) {
  const began = performance.now()
  const late = new AbortController()
  let timer = setTimeout(look, timeoutMs)
  return { signal: late.signal, clear: () => clearTimeout(timer) }

  function look(): void {
    const left = longerMs - (performance.now() - began)
    if (left <= 0 || !goesOn?.()) late.abort()
    else timer = setTimeout(look, Math.min(LOOK_MS, left))
  }
}
