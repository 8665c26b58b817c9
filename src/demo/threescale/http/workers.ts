/** Web workers: so many requests are worked on at a time, the others wait in the order in which they were received. `busyMs` is what all worked. */
export function createWorkers() {
  let busy = 0
  let worked = 0
  const waiting: (() => void)[] = []
  return {
    async run<T>(count: number, work: () => Promise<T>): Promise<T> {
      if (count > 0 && busy >= count) await new Promise<void>((resolve) => waiting.push(resolve))
      else busy++
      const began = performance.now()
      try {
        return await work()
      } finally {
        worked += performance.now() - began
        const next = waiting.shift()
        if (next) next()
        else busy--
      }
    },
    busyMs: (): number => worked,
  }
}

export type Workers = ReturnType<typeof createWorkers>
