import { PassThrough, type Readable } from 'node:stream'
import { StreamFailure } from './spoken.js'

const BROKEN = 'The answer broke off: the connection to the model ended early. What came so far is above.'
const HEARTBEAT_MS = 15_000

/**
 * Server-sent events passed on as they come, with backpressure: the model server is read only as fast as the browser
 * takes it. A stream that breaks, or that cannot be shown, ends with an event that says so; a browser that leaves ends the
 * stream to the model.
 */
export function relay(from: Readable, done: () => void): Readable {
  const to = new PassThrough()
  let last = '\n\n'
  // a comment at once and now and then, so that proxies do not wait for more or close a quiet connection
  to.write(': \n\n')
  const heartbeat = setInterval(() => {
    if (last === '\n\n') to.write(': \n\n')
  }, HEARTBEAT_MS)

  from.on('data', (chunk: Buffer) => {
    last = `${last}${chunk.subarray(-2).toString('latin1')}`.slice(-2)
    if (to.write(chunk)) return
    from.pause()
    to.once('drain', () => from.resume())
  })
  from.once('end', () => end())
  from.once('error', (error) => end(error instanceof StreamFailure ? error.message : BROKEN))
  from.once('close', () => end(BROKEN))
  to.once('close', () => {
    clearInterval(heartbeat)
    from.on('error', () => {})
    from.destroy()
    done()
  })
  return to

  function end(failure?: string): void {
    if (to.writableEnded || to.destroyed) return
    if (failure !== undefined) to.write(`\n\nevent: failure\ndata: ${JSON.stringify({ words: failure })}\n\n`)
    to.end()
  }
}
