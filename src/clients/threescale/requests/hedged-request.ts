import { withDeadline } from '../../../infra/deadline.js'
import type { Http, HttpRequest, HttpResponse } from '../../../infra/http/http.js'

/**
 * Sends a long read. If 3scale is silent for `silentMs`, the read is sent again in parallel, and the first response counts. A slow
 * 3scale keeps its time, while a request to an instance that died is never answered and would delay the first response after it.
 */
export async function sendHedged(
  send: Http['send'],
  request: HttpRequest & { timeoutMs: number },
  silentMs: number,
): Promise<HttpResponse> {
  const endsAt = performance.now() + request.timeoutMs
  const done = new AbortController()
  const sent: Promise<HttpResponse>[] = []
  try {
    for (;;) {
      const timeoutMs = endsAt - performance.now()
      const latest = send({ ...request, timeoutMs, bypassBreaker: true, signal: done.signal })
      sent.push(latest)
      const first = Promise.any(sent).catch(() => latest)
      const isLast = timeoutMs < 1.5 * silentMs
      const response = await (isLast ? first : withDeadline(first, silentMs))
      if (response) return response
    }
  } finally {
    done.abort()
  }
}
