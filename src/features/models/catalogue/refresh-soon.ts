export interface RefreshSoonOptions {
  /** Reads everything again. Returns false if what was read may be from before the last notification. */
  refresh(): Promise<boolean>
  delayMs?: number
  intervalMs?: number
}

/** 3scale sends a notification before its transaction is visible to everyone, and MySQL stores times in whole seconds. */
const DELAY_MS = 1000
/** Any number of notifications causes at most one refresh in this time. */
const INTERVAL_MS = 15_000
/** The next scheduled refresh follows anyway. */
const MAX_ATTEMPTS = 3

/** Merges notifications of changes into few refreshes. */
export function createRefreshSoon({ refresh, delayMs = DELAY_MS, intervalMs = INTERVAL_MS }: RefreshSoonOptions) {
  let timer: NodeJS.Timeout | undefined
  let isRunning = false
  let isRequested = false
  let lastAt = Number.NEGATIVE_INFINITY
  let attempts = 0

  return {
    request(): void {
      isRequested = true
      attempts = 0
      schedule()
    },

    stop(): void {
      clearTimeout(timer)
      timer = undefined
      isRequested = false
    },
  }

  function schedule(): void {
    if (timer || isRunning || !isRequested) return
    const wait = Math.max(delayMs, lastAt + intervalMs - performance.now())
    timer = setTimeout(() => void run(), wait).unref()
  }

  async function run(): Promise<void> {
    timer = undefined
    isRunning = true
    isRequested = false
    lastAt = performance.now()
    const isCurrent = await refresh().catch(() => false)
    isRunning = false
    if (!isCurrent && ++attempts < MAX_ATTEMPTS) isRequested = true
    schedule()
  }
}
