import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The longest time that one piece of untrusted text may block the event loop in a test. The product aims at 50 ms. A slow and busy test
 * machine gets fifty times as much, which still detects work that grows with the square of its input.
 */
export const LONGEST_BLOCK_MS = 2500
/** The limit for the growth of the heap. */
export const MOST_GROWTH_MB = 50

export interface Strain<T> {
  value: T
  /** The longest time that the event loop was blocked, in ms, at most the CPU time of the work, because a busy machine pauses it. */
  blockedMs: number
  /** The growth of the used heap, in MB; negative if garbage was collected. */
  grownMb: number
}

/** Measures work in this process. */
export async function strainHere<T>(work: () => T | Promise<T>): Promise<Strain<T>> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  await sleep(20)
  const before = process.memoryUsage().heapUsed
  delay.enable()
  // The first sample starts before the work, and the last one ends after it.
  await sleep(20)
  const started = process.cpuUsage()
  const value = await work()
  const { user, system } = process.cpuUsage(started)
  const grownMb = (process.memoryUsage().heapUsed - before) / 1e6
  await sleep(20)
  delay.disable()
  return { value, blockedMs: Math.min(delay.max / 1e6, (user + system) / 1000), grownMb }
}

/** Measures work that sends requests to a portal in its own process, with the metrics of the portal. */
export async function strainOf<T>(portal: { metrics: string }, work: () => Promise<T>): Promise<Strain<T>> {
  // prom-client starts a new measurement at each reading.
  const before = await read(portal)
  const value = await work()
  const after = await read(portal)
  return {
    value,
    blockedMs: Math.min(after.blockedMs, after.cpuMs - before.cpuMs),
    grownMb: after.heapMb - before.heapMb,
  }
}

async function read({ metrics }: { metrics: string }): Promise<{ blockedMs: number; heapMb: number; cpuMs: number }> {
  const text = await (await fetch(`${metrics}/metrics`)).text()
  const number = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  return {
    blockedMs: number('nodejs_eventloop_lag_max_seconds') * 1000,
    heapMb: number('nodejs_heap_size_used_bytes') / 1e6,
    cpuMs: number('process_cpu_seconds_total') * 1000,
  }
}
