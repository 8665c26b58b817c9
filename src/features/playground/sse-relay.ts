import { PassThrough, type Readable } from 'node:stream'
import { isProblem } from '../../errors.js'
import type { ResponseEvent } from '../../model-calls/responses/response-reader.js'
import { streamMessages } from './messages.js'

const HEARTBEAT_MS = 15_000

export interface RelayOptions {
  /** may take long to start; rejects with gateway_unavailable, or if the connection is lost */
  answer: AsyncIterable<ResponseEvent[]>
  /** ends the request to the model */
  cancel(): void
  /** called once, when reading and writing have ended */
  done(): void
  /** milliseconds that the caller has waited already, and between two progress events */
  waitedMs?: number
  progressMs?: number
}

/**
 * Relays an answer as server-sent events with JSON data and backpressure: the model server is read only as fast as the
 * browser reads. Until the first chunk, progress events report the time waited. A stream that breaks ends with a failure
 * event; a browser that disconnects ends the request to the model.
 */
export function relayEvents({ answer, cancel, done, waitedMs = 0, progressMs = 5000 }: RelayOptions): Readable {
  const output = new PassThrough()
  const startedAt = performance.now() - waitedMs
  let hasBegun = false
  let isComplete = false
  // With comments, proxies forward the response immediately and do not close a quiet connection.
  output.write(': \n\n')
  const heartbeat = setInterval(() => output.write(': \n\n'), HEARTBEAT_MS)
  let progress = setTimeout(reportProgress, Math.max(0, progressMs - waitedMs))
  output.once('close', () => {
    stopTimers()
    // The connection of a complete answer can be reused.
    if (!isComplete) cancel()
  })
  void relay().finally(done)
  return output

  async function relay(): Promise<void> {
    try {
      for await (const events of answer) {
        if (output.destroyed) return
        hasBegun ||= events.some(({ kind }) => kind !== 'notice')
        const text = events.map(serializeEvent).join('')
        if (text !== '' && !output.write(text)) await waitForDrain(output)
      }
      isComplete = !output.destroyed
    } catch (error) {
      if (output.writableEnded || output.destroyed) return
      const interrupted = hasBegun ? streamMessages.connectionLost : streamMessages.connectionFailed
      output.write(formatEvent('failure', { message: isProblem(error) ? error.message : interrupted }))
    } finally {
      stopTimers()
      output.end()
    }
  }

  function reportProgress(): void {
    if (hasBegun) return
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    output.write(formatEvent('progress', { seconds, message: streamMessages.waiting }))
    progress = setTimeout(reportProgress, progressMs)
  }

  function stopTimers(): void {
    clearInterval(heartbeat)
    clearTimeout(progress)
  }
}

function waitForDrain(output: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) return resolve()
    const ready = () => {
      output.off('drain', ready).off('close', ready)
      resolve()
    }
    output.once('drain', ready).once('close', ready)
  })
}

function serializeEvent(event: ResponseEvent): string {
  if (event.kind === 'delta') {
    const { text, reasoning } = event
    return formatEvent('', { ...(reasoning === '' ? {} : { reasoning }), ...(text === '' ? {} : { text }) })
  }
  if (event.kind === 'usage') return formatEvent('usage', event.usage)
  const { kind, ...data } = event
  return formatEvent(kind, data)
}

/** Some readers of events treat U+2028 and U+2029 as line ends, against the standard. */
function formatEvent(name: string, data: object): string {
  const json = JSON.stringify(data).replace(/[\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`)
  return `${name === '' ? '' : `event: ${name}\n`}data: ${json}\n\n`
}
