// Loaded with `--import` into the processes that are measured, the portal and the bare server. It states on a socket what the
// process has used, and records its calls to 3scale on request. The product itself has no such interface.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import { Session } from 'node:inspector/promises'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'
import type { Call, Profile, Reading } from './measured-process.js'

const { BENCH_SOCKET } = process.env
/** Milliseconds between two samples of the event loop. At 1 ms, an idle process spends 2 % of a core on them. */
const INTERVAL_MS = 10
/** The same while the longest block of single requests is searched. */
const BLOCK_INTERVAL_MS = 1
/** undici publishes every request here, with headers as a list of names and values. */
const CHANNEL = 'undici:request:create'

if (isMainThread && BENCH_SOCKET) listen(BENCH_SOCKET)

function listen(socket: string): void {
  const delay = monitorEventLoopDelay({ resolution: INTERVAL_MS })
  delay.enable()
  const blocks = blockSampler()
  const calls: Call[] = []
  const record = (message: unknown) => {
    const { origin, method, path, headers } = (message as { request: Call }).request
    calls.push({ origin: String(origin), method, path, headers: [...headers] })
  }
  const profiler = profileSampler()
  const answers: Record<string, () => object | Promise<object>> = {
    'GET /reading': reading,
    'PUT /calls': () => {
      calls.length = 0
      subscribe(CHANNEL, record)
      return {}
    },
    'GET /calls': () => {
      unsubscribe(CHANNEL, record)
      return calls
    },
    'PUT /block': blocks.start,
    'GET /block': blocks.stop,
    'PUT /profile': profiler.start,
    'GET /profile': profiler.stop,
  }
  createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify((await answers[`${request.method} ${request.url}`]?.()) ?? {}))
  })
    .listen(socket)
    .unref()

  /** Starts a new measurement of the event loop. */
  function reading(): Reading {
    const { user, system } = process.cpuUsage()
    // The histogram holds the time between two samples.
    const milliseconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - INTERVAL_MS)
    const result = {
      processorUs: user + system,
      delayP99Ms: milliseconds(delay.percentile(99)),
      delayMaxMs: milliseconds(delay.max),
      residentMb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
    }
    delay.reset()
    return result
  }
}

/** What the processor executes, ten times a millisecond. */
function profileSampler() {
  const session = new Session()

  return {
    async start() {
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: 100 })
      await session.post('Profiler.start')
      return {}
    },
    async stop(): Promise<Profile> {
      const { profile } = await session.post('Profiler.stop')
      session.disconnect()
      return profile
    },
  }
}

/** The longest block of the event loop. Time in which the system ran other processes is not part of it. */
function blockSampler() {
  let timer: NodeJS.Timeout | undefined
  let longestMs = 0
  let at = 0
  let usage = process.cpuUsage()

  return {
    start() {
      longestMs = 0
      at = performance.now()
      usage = process.cpuUsage()
      timer ??= setInterval(sample, BLOCK_INTERVAL_MS).unref()
      return {}
    },
    stop() {
      sample()
      clearInterval(timer)
      timer = undefined
      return { longestMs }
    },
  }

  function sample(): void {
    const [now, { user, system }] = [performance.now(), process.cpuUsage(usage)]
    longestMs = Math.max(longestMs, Math.min(now - at - BLOCK_INTERVAL_MS, (user + system) / 1000))
    at = now
    usage = process.cpuUsage()
  }
}
