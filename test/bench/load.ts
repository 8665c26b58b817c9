import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import autocannon from 'autocannon'

export interface Load {
  url: string
  headers?: Record<string, string>
  seconds: number
  connections?: number
  /** what every answer has to be; another one makes the row worthless, so it ends the run */
  status?: number
}

export interface Measured {
  requestsPerSecond: number
  /** milliseconds, with fractions: autocannon's own are whole ones, and a short answer takes less than one */
  p50: number
  p99: number
  requests: number
}

/** Requests as fast as they are answered, for so many seconds. */
export async function load({ url, headers = {}, seconds, connections = 20, status = 200 }: Load): Promise<Measured> {
  const latency = createHistogram()
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const running = autocannon({ url, headers, duration: seconds, connections }, (error, done) =>
      error ? reject(error) : resolve(done),
    )
    running.on('response', (_client, _status, _bytes, ms) => latency.record(Math.max(1, Math.round(ms * 1000))))
  })
  const good = result.statusCodeStats?.[`${status}`]?.count ?? 0
  if (good === 0 || result.errors > 0 || good < result.requests.total)
    throw new Error(`${url}: ${result.errors} errors, ${JSON.stringify(result.statusCodeStats)}`)
  const [p50, p99] = [latency.percentile(50) / 1000, latency.percentile(99) / 1000]
  return { requestsPerSecond: result.requests.average, p50, p99, requests: result.requests.total }
}

/** Binds a process to one core, so that server and load do not take each other's time. */
export function pin(pid: number | undefined, core: number): void {
  spawnSync('taskset', ['-a', '-cp', String(core), String(pid)], { stdio: 'ignore' })
}

/** Processor time of a process so far, in microseconds (Linux counts in hundredths of a second). */
export function processorTime(pid: number | undefined): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number)
  return (user + system) * 10_000
}

/** Resident memory of a process, in MB. */
export function residentMb(pid: number | undefined): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kb) / 1024)
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** `median (least-most)`. */
export function spread(values: number[], digits = 0): string {
  const text = (value: number) => value.toFixed(digits)
  return `${text(median(values))} (${text(Math.min(...values))}-${text(Math.max(...values))})`
}
