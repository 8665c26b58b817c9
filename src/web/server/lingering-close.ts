import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'

/** How much of the remaining body is read, and for how long. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_MS = 10_000

/**
 * Fastify rejects a body that is too large, or of an unsupported type, before it was read, and closes the connection. The remaining data
 * of the client would cause a connection reset, which many clients (Python's http.client, the JDK) report instead of the response. So the
 * response is sent first, and the rest of the body is read and dropped before the connection closes, as nginx's lingering_close does.
 * Must be registered after the hooks that set the header `connection`.
 */
export function lingeringClose(app: FastifyInstance, { bytes = MAX_BYTES, ms = MAX_MS } = {}): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const isCut = reply.getHeader('connection') === 'close' && !request.raw.complete
    if (!isCut || !(typeof payload === 'string' || Buffer.isBuffer(payload))) return done(null, payload)
    const body = Buffer.from(payload)
    reply.header('content-length', body.length)
    done(
      null,
      Readable.from(
        sendThenDrain(body, () => drain(request.raw, bytes, ms)),
        { objectMode: false },
      ),
    )
  })
}

async function* sendThenDrain(body: Buffer, drain: () => Promise<void>): AsyncGenerator<Buffer> {
  yield body
  await drain()
}

/** Resolves at the end of the body, after a disconnect, or at a limit. */
function drain(body: Readable, bytes: number, ms: number): Promise<void> {
  return new Promise((resolve) => {
    let remaining = bytes
    const timer = setTimeout(end, ms).unref()
    const count = (chunk: Buffer) => {
      remaining -= chunk.length
      if (remaining <= 0) end()
    }
    body.on('data', count).once('end', end).once('close', end).once('error', end).resume()

    function end(): void {
      clearTimeout(timer)
      body.off('data', count).off('end', end).off('close', end).pause()
      resolve()
    }
  })
}
