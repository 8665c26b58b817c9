import { createHistogram, performance } from 'node:perf_hooks'
import { Client } from 'undici'

export interface Visit {
  path: string
  headers: Record<string, string>
}

export interface LoadResult {
  requests: number
  /** Requests with another status, as `503 /usage`. Their times are not part of the percentiles. */
  failures: string[]
  requestsPerSecond: number
  /** milliseconds */
  p50: number
  p99: number
}

/** Each lane is a connection that sends its visits one after the other, again and again. */
export function createLoad(lanes: Visit[][], { status = 200 }: { status?: number } = {}) {
  const positions = lanes.map(() => 0)

  return {
    /** Sends requests for so many seconds, and continues where the previous run ended. */
    async run(origin: string, seconds: number): Promise<LoadResult> {
      const end = performance.now() + seconds * 1000
      return measure((record) =>
        lanes.map((visits, lane) =>
          withClient(origin, async (client) => {
            while (performance.now() < end) {
              const position = positions[lane] ?? 0
              positions[lane] = position + 1
              const visit = visits[position % visits.length]
              if (!visit) return
              await record(client, visit)
            }
          }),
        ),
      )
    },
    /** Sends each visit once. */
    once: (origin: string): Promise<LoadResult> =>
      measure((record) =>
        lanes.map((visits) =>
          withClient(origin, async (client) => {
            for (const visit of visits) await record(client, visit)
          }),
        ),
      ),
  }

  async function measure(
    start: (record: (client: Client, visit: Visit) => Promise<void>) => Promise<void>[],
  ): Promise<LoadResult> {
    const latency = createHistogram()
    const failures: string[] = []
    const began = performance.now()
    let requests = 0
    const record = async (client: Client, visit: Visit) => {
      const sent = performance.now()
      const received = await exchange(client, visit)
      requests++
      if (received === status) latency.record(Math.max(1, Math.round((performance.now() - sent) * 1000)))
      else failures.push(`${received} ${visit.path}`)
    }
    await Promise.all(start(record))
    return {
      requests,
      failures,
      requestsPerSecond: requests / ((performance.now() - began) / 1000),
      p50: latency.percentile(50) / 1000,
      p99: latency.percentile(99) / 1000,
    }
  }
}

async function withClient(origin: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client(origin)
  try {
    await work(client)
  } finally {
    await client.close()
  }
}

/** The status of the response, whose body is read and dropped. */
function exchange(client: Client, { path, headers }: Visit): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0
    client.dispatch(
      { method: 'GET', path, headers },
      {
        onRequestStart() {},
        onResponseStart(_controller, code) {
          status = code
        },
        onResponseData() {},
        onResponseEnd: () => resolve(status),
        onResponseError: (_controller, error) => reject(error),
      },
    )
  })
}
