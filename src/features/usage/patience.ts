import { problem } from '../../errors.js'

/** Rejects with threescale_unavailable at that time (ms of Date.now); the work itself goes on. */
export async function inTime<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  const late = () => problem('threescale_unavailable')
  if (Date.now() >= deadline) throw late()
  let timer: NodeJS.Timeout | undefined
  const bell = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), deadline - Date.now())
  })
  try {
    return await Promise.race([work(), bell])
  } finally {
    clearTimeout(timer)
  }
}

/** In order, at most so many at a time. */
export async function eachOf<T, R>(items: T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = [...items.entries()]
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(next[1])
    }),
  )
  return results
}
