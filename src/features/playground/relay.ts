import { PassThrough, type Readable } from 'node:stream'
import { isProblem } from '../../errors.js'
import type { AnswerEvent } from '../../model-calls/answer-reader.js'

const BROKEN = 'The connection to the model ended before the answer was complete. What was received is shown above.'
const NEVER_BEGAN = 'The connection to the model ended before an answer came. Try again.'
const WAITING = 'Waiting for the model server. A model that has been scaled to zero may need some minutes to start.'
const HEARTBEAT_MS = 15_000

export interface RelayOptions {
  /** the answer, which may be long in coming; rejects with gateway_unavailable, or where the connection breaks */
  answer: AsyncIterable<AnswerEvent[]>
  /** ends the request to the model */
  leave(): void
  /** called once, when nothing is read or written any more */
  done(): void
  /** milliseconds that the caller has waited already, and between two reports of progress */
  waitedMs?: number
  progressMs?: number
}

/**
 * An answer as server-sent events, whose data is always one JSON object, with backpressure: the model server is read only
 * as fast as the browser takes it. Before the first piece comes, how long it has taken is reported now and then. A stream
 * that breaks ends with an event that says so; a browser that leaves ends the request to the model.
 */
export function relay({ answer, leave, done, waitedMs = 0, progressMs = 5000 }: RelayOptions): Readable {
  const to = new PassThrough()
  const started = performance.now() - waitedMs
  let hasBegun = false
  let isComplete = false
  // a comment at once and now and then, so that proxies do not wait for more or close a quiet connection
  to.write(': \n\n')
  const heartbeat = setInterval(() => to.write(': \n\n'), HEARTBEAT_MS)
  let progress = setTimeout(report, Math.max(0, progressMs - waitedMs))
  to.once('close', () => {
    stop()
    // the connection of a complete answer can be used again
    if (!isComplete) leave()
  })
  void pass().finally(done)
  return to

  async function pass(): Promise<void> {
    try {
      for await (const events of answer) {
        if (to.destroyed) return
        hasBegun ||= events.some(({ kind }) => kind !== 'notice')
        const text = events.map(written).join('')
        if (text !== '' && !to.write(text)) await drained(to)
      }
      isComplete = !to.destroyed
    } catch (error) {
      if (to.writableEnded || to.destroyed) return
      to.write(eventOf('failure', { words: isProblem(error) ? error.message : hasBegun ? BROKEN : NEVER_BEGAN }))
    } finally {
      stop()
      to.end()
    }
  }

  function report(): void {
    if (hasBegun) return
    to.write(eventOf('progress', { seconds: Math.round((performance.now() - started) / 1000), words: WAITING }))
    progress = setTimeout(report, progressMs)
  }

  function stop(): void {
    clearInterval(heartbeat)
    clearTimeout(progress)
  }
}

function drained(to: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    if (to.destroyed) return resolve()
    const ready = () => {
      to.off('drain', ready).off('close', ready)
      resolve()
    }
    to.once('drain', ready).once('close', ready)
  })
}

function written(event: AnswerEvent): string {
  if (event.kind === 'said') {
    const { text, reasoning } = event
    return eventOf('', { ...(reasoning === '' ? {} : { reasoning }), ...(text === '' ? {} : { text }) })
  }
  if (event.kind === 'usage') return eventOf('usage', event.usage)
  const { kind, ...data } = event
  return eventOf(kind, data)
}

/** U+2028 and U+2029 end a line for some readers of events, though not by the standard. */
function eventOf(name: string, data: object): string {
  const json = JSON.stringify(data).replace(/[\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`)
  return `${name === '' ? '' : `event: ${name}\n`}data: ${json}\n\n`
}
