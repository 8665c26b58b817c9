import { withDeadline } from '../../infra/deadline.js'

/** A check rejects with the reason. Health, metrics and doctor share the list. */
export interface HealthCheck {
  name: string
  run(): Promise<void>
}

export interface HealthCheckResult {
  name: string
  ok: boolean
  reason: string
}

const TIMEOUT_MS = 2000

/** Runs all checks concurrently, each with its own time-out. */
export async function runHealthChecks(checks: HealthCheck[], timeoutMs = TIMEOUT_MS): Promise<HealthCheckResult[]> {
  return Promise.all(
    checks.map(async ({ name, run }) => {
      try {
        await withDeadline(run(), timeoutMs, () => {
          throw new Error(`no response within ${timeoutMs} ms`)
        })
        return { name, ok: true, reason: 'ok' }
      } catch (error) {
        return { name, ok: false, reason: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
}
