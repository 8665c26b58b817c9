import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type PortalError, problem } from '../../../errors.js'
import { isApiPath } from '../../api/api-paths.js'

type PageOf = (
  failure: PortalError,
  id: string,
  isApi: boolean,
) => Promise<{ headers: Record<string, string>; text: string }>

/** Time for the client to read the response before its remaining data resets the connection. */
const LINGER_MS = 1000

/** Responds to a request that Node.js could not parse and closes the connection. The response repeats nothing of the request. */
export async function respondToMalformedRequest(
  error: Error & { code?: string; rawPacket?: unknown },
  socket: Socket,
  pageOf: PageOf,
): Promise<void> {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const failure = problem(error.code === 'HPE_HEADER_OVERFLOW' ? 'headers_too_large' : 'bad_request')
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : failure.status
  const start = Buffer.isBuffer(error.rawPacket) ? error.rawPacket.subarray(0, 32).toString('latin1') : ''
  const { headers, text } = await pageOf(failure, randomUUID(), isApiPath(start.split(' ')[1] ?? ''))
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(text), connection: 'close' })
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines.map(([name, value]) => `${name}: ${value}`)]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
