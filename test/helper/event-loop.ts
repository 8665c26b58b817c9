import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The longest that one piece of foreign text may block the event loop in a test. The product aims at 50 ms; a busy test machine
 * gets twenty times as much, which still fails where work grows with the square of its input.
 */
export const LONGEST_BLOCK_MS = 1000
/** How much the heap may grow. */
export const MOST_GROWTH_MB = 50

export interface Strain<T> {
  value: T
  /** the longest time that the event loop was blocked, in ms */
  blockedMs: number
  /** how much the used heap grew, in MB; negative where garbage was collected */
  grownMb: number
}

/** Runs work in this process. */
export async function strainHere<T>(work: () => T | Promise<T>): Promise<Strain<T>> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  await sleep(20)
  const before = process.memoryUsage().heapUsed
  delay.enable()
  // the first sample starts before the work, the last ends after it
  await sleep(20)
  const value = await work()
  const grownMb = (process.memoryUsage().heapUsed - before) / 1e6
  await sleep(20)
  delay.disable()
  return { value, blockedMs: delay.max / 1e6, grownMb }
}

/** Runs work that asks a portal in a process of its own; what it costs everybody else is read from the portal's metrics. */
export async function strainOf<T>(portal: { metrics: string }, work: () => Promise<T>): Promise<Strain<T>> {
  // prom-client begins a new measurement at each reading
  const before = await read(portal)
  const value = await work()
  const after = await read(portal)
  return { value, blockedMs: after.blockedMs, grownMb: after.heapMb - before.heapMb }
}

async function read({ metrics }: { metrics: string }): Promise<{ blockedMs: number; heapMb: number }> {
  const text = await (await fetch(`${metrics}/metrics`)).text()
  const number = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  return {
    blockedMs: number('nodejs_eventloop_lag_max_seconds') * 1000,
    heapMb: number('nodejs_heap_size_used_bytes') / 1e6,
  }
}
