/** A named check throws a sentence when something is wrong; health, metrics and doctor share the list. */
export interface Check {
  name: string
  /** whether the portal cannot do its work at all without it */
  vital: boolean
  run(): Promise<void>
}

export interface CheckResult {
  name: string
  ok: boolean
  reason: string
}

/** Runs all checks side by side, each bounded in milliseconds. */
export async function runChecks(checks: Check[], timeoutMs = 2000): Promise<CheckResult[]> {
  return Promise.all(
    checks.map(async ({ name, run }) => {
      try {
        await within(run(), timeoutMs)
        return { name, ok: true, reason: 'ok' }
      } catch (error) {
        return { name, ok: false, reason: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
}

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
