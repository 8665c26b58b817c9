import type { Cache } from '../../clients/cache.js'
import type { Log } from '../../clients/redis.js'
import type { Doctor } from './doctor.js'
import type { Report } from './findings.js'

export interface RunsDeps {
  doctor: Pick<Doctor, 'examine'>
  cache: Cache
  log: Log
  now: () => number
}

interface Kept {
  report: Report | null
  /** when a run began that has not ended; ms */
  runningSince: number | null
}

export type Runs = ReturnType<typeof createRuns>

const HOUR = 3600
const LIMIT_MS = 120_000
/** A run that nobody ended: its replica is gone. */
const LOST_MS = LIMIT_MS + 30_000
/** Who asks again within a minute gets the same report. */
const REST_MS = 60_000

/** Runs of the doctor from the page: one at a time among the replicas, two minutes at most, the report cached for an hour. */
export function createRuns({ doctor, cache, log, now }: RunsDeps) {
  const kept = cache.cached<Kept>('doctor', { fresh: HOUR, keep: HOUR }, async () => ({
    report: null,
    runningSince: null,
  }))

  return {
    async read(): Promise<{ report: Report | null; running: boolean }> {
      const { report, runningSince } = (await kept.get()).value
      return { report, running: isRunning(runningSince) }
    },

    /** Starts one, unless one runs or has just ended; answers before it ends. */
    async start(): Promise<void> {
      const { report, runningSince } = (await kept.get()).value
      if (isRunning(runningSince) || (report && now() - Date.parse(report.at) < REST_MS)) return
      await kept.put('', { report, runningSince: now() })
      void run(report)
    },
  }

  async function run(before: Report | null): Promise<void> {
    let report = before
    try {
      report = await doctor.examine(LIMIT_MS)
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'the doctor could not finish')
    }
    await kept.put('', { report, runningSince: null })
  }

  function isRunning(since: number | null): boolean {
    return since !== null && now() - since < LOST_MS
  }
}
