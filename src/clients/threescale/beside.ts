import { setTimeout as sleep } from 'node:timers/promises'
import type { Http, HttpAnswer, HttpRequest } from '../http.js'

const SILENT_MS = 5000

/**
 * A long read. One that is silent for 5 s is asked again beside it, and the first answer counts: a 3scale that is slow may
 * take its time, while what was sent to one that died is never answered, and would hide for long that it is back.
 */
export async function askBeside(
  send: Http['send'],
  request: HttpRequest & { timeoutMs: number },
  silentMs = SILENT_MS,
): Promise<HttpAnswer> {
  const until = performance.now() + request.timeoutMs
  const answered = new AbortController()
  const asked: Promise<HttpAnswer>[] = []
  try {
    for (;;) {
      const left = until - performance.now()
      const one = send({ ...request, timeoutMs: left, unguarded: true, signal: answered.signal })
      asked.push(one)
      const enough = left < 1.5 * silentMs
      const first = Promise.any(asked).catch(() => one)
      const answer = await (enough
        ? first
        : Promise.race([first, sleep(silentMs, undefined, { signal: answered.signal })]))
      if (answer) return answer
    }
  } finally {
    answered.abort()
  }
}
