import type { Cache } from '../../infra/cache.js'
import type { Log } from '../../infra/redis.js'
import type { Doctor } from './doctor.js'
import type { Report } from './findings/findings.js'

export interface ReportRunsDeps {
  doctor: Pick<Doctor, 'examine'>
  cache: Cache
  log: Log
  now: () => number
}

interface RunState {
  report: Report | null
  /** Start of the current run in ms; null if none is running. */
  runningSince: number | null
}

export type ReportRuns = ReturnType<typeof createReportRuns>

const HOUR = 3600
const LIMIT_MS = 120_000
/** After this time, the replica of a run is considered gone. */
const ABANDONED_MS = LIMIT_MS + 30_000
/** A request within this time after a run gets the same report. */
const MIN_INTERVAL_MS = 60_000

/** Runs of the doctor from the page: one at a time across replicas, for up to two minutes. The report is cached for an hour. */
export function createReportRuns({ doctor, cache, log, now }: ReportRunsDeps) {
  // Reports of earlier builds have other codes.
  const states = cache.cached<RunState>('doctor-2', { freshSeconds: HOUR, maxAgeSeconds: HOUR }, async () => ({
    report: null,
    runningSince: null,
  }))

  return {
    async read(): Promise<{ report: Report | null; running: boolean }> {
      const { report, runningSince } = (await states.get()).value
      return { report, running: isRunning(runningSince) }
    },

    /** Starts a run unless one is running or has just ended; resolves before it ends. */
    async start(): Promise<void> {
      const { report, runningSince } = (await states.get()).value
      if (isRunning(runningSince) || (report && now() - Date.parse(report.at) < MIN_INTERVAL_MS)) return
      await states.put('', { report, runningSince: now() })
      void run(report)
    },
  }

  async function run(previous: Report | null): Promise<void> {
    let report = previous
    try {
      report = await doctor.examine(LIMIT_MS)
    } catch (error) {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'doctor run failed')
    }
    await states.put('', { report, runningSince: null })
  }

  function isRunning(since: number | null): boolean {
    return since !== null && now() - since < ABANDONED_MS
  }
}
