const INTERVAL_MS = 5000
const MAX_INTERVAL_MS = 60_000
const STOP_AFTER_MS = 5 * 60_000

/** Shows when the first call of an application has arrived. For five minutes, usage is requested while the page is visible. */
export async function awaitFirstCall(status) {
  const show = (state) => {
    status.dataset.shown = state
    for (const text of status.querySelectorAll('[data-state]')) text.hidden = text.dataset.state !== state
  }
  show('waiting')
  let interval = INTERVAL_MS
  for (const end = Date.now() + STOP_AFTER_MS; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, interval))
    if (document.hidden) continue
    const calls = await countCalls(status.dataset.firstCall)
    if (calls > 0) return show('received')
    interval = calls === undefined ? Math.min(interval * 2, MAX_INTERVAL_MS) : INTERVAL_MS
  }
  show('none')
}

/** Undefined if the portal does not have the number right now. */
async function countCalls(address) {
  try {
    const response = await fetch(address)
    if (!response.ok || response.redirected) return undefined
    const { series } = await response.json()
    return series.reduce((sum, { total }) => sum + total, 0)
  } catch {
    return undefined
  }
}
