import type { Dispatcher } from 'undici'
import type { HttpRequest, HttpResponse } from './http.js'
import { HttpError } from './http-error.js'
import { joinHeaderValues, toDispatcherRequest } from './http-messages.js'

export interface Exchange
  extends Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body' | 'mayExtend' | 'extendedTimeoutMs' | 'signal'> {
  timeoutMs: number
  maxBytes: number
  /** how long after its start a response that is late is still received; 0 to close the connection at the time-out */
  lateMs: number
  /** called for such a response: the host is slow and not down */
  onLateResponse(): void
}

/** A shorter time-out is not the fault of the host. */
const MIN_OUTAGE_TIMEOUT_MS = 1000
const CHECK_MS = 500

/**
 * Sends a request and reads the response, with one timer and one promise, because it is part of most requests to the portal. Rejects
 * with HttpError `timeout`, `cancelled` or `too_large`, or with the error of undici.
 */
export function exchange(dispatcher: Dispatcher, request: Exchange): Promise<HttpResponse> {
  const { method, url, headers, body, timeoutMs, mayExtend, extendedTimeoutMs = timeoutMs, signal } = request
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const chunks: Buffer[] = []
    let [status, size] = [0, 0]
    let received: Record<string, string> = {}
    let controller: Dispatcher.DispatchController | undefined
    let aborted: HttpError | undefined
    let isLate = false
    let timer = setTimeout(onTimer, timeoutMs)
    signal?.addEventListener('abort', cancel)
    if (signal?.aborted) {
      cancel()
      return
    }
    dispatcher.dispatch(toDispatcherRequest({ method, url, headers, body }), {
      onRequestStart(start) {
        controller = start
        if (aborted) start.abort(aborted)
      },
      onResponseStart(_controller, code, values) {
        status = code
        received = joinHeaderValues(values)
      },
      onResponseData(_controller, chunk) {
        size += chunk.length
        if (size > request.maxBytes) abort(new HttpError('too_large', url.host))
        else chunks.push(chunk)
      },
      onResponseEnd() {
        stop()
        if (isLate) request.onLateResponse()
        resolve({ status, headers: received, text: textOf(chunks) })
      },
      onResponseError(_controller, error) {
        stop()
        reject(error)
      },
    })

    function onTimer(): void {
      const elapsed = performance.now() - started
      const remaining = extendedTimeoutMs - elapsed
      if (remaining > 0 && mayExtend?.()) {
        timer = setTimeout(onTimer, Math.min(CHECK_MS, remaining))
        return
      }
      const timeout = new HttpError('timeout', url.host, undefined, timeoutMs >= MIN_OUTAGE_TIMEOUT_MS)
      if (request.lateMs === 0) {
        abort(timeout)
        return
      }
      isLate = true
      timer = setTimeout(() => abort(timeout), Math.max(0, request.lateMs - elapsed)).unref()
      reject(timeout)
    }

    function cancel(): void {
      abort(new HttpError('cancelled', url.host, signal?.reason))
    }

    /** A request that waits for a connection is not sent any more. */
    function abort(error: HttpError): void {
      stop()
      aborted = error
      reject(error)
      controller?.abort(error)
    }

    function stop(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
    }
  })
}

function textOf(chunks: Buffer[]): string {
  const [first] = chunks
  return first && chunks.length === 1 ? first.toString() : Buffer.concat(chunks).toString()
}
