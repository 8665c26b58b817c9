import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  type CloseReason,
  type ConnectionOptions,
  createHttpServer,
} from '../../../src/web/limits/connection-limits.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../helper/event-loop.js'

const IDLE_MS = 300
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

t.test('an idle connection is closed after the keep-alive time-out', async (t) => {
  const { socket, heard: announced } = await open(t, (_request, response) => response.end('here'))
  for (let count = 1; count <= 3; count++) {
    socket.write(REQUEST)
    while (announced().split('here').length <= count) await sleep(5)
    await sleep(IDLE_MS / 2)
    t.equal(socket.readyState, 'open', 'reused in time')
  }
  await once(socket, 'close')
  t.equal(announced().split('HTTP/1.1 200').length, 4)
})

t.test('a response may take longer than the keep-alive time-out, before and after it starts', async (t) => {
  const { socket, heard: announced } = await open(t, async (_request, response) => {
    await sleep(2 * IDLE_MS)
    response.write('first, ')
    await sleep(2 * IDLE_MS)
    response.end('last')
  })
  socket.write(REQUEST)
  while (!announced().includes('last')) await sleep(5)
  t.match(announced(), 'first, ')
  await once(socket, 'close')
})

const LARGE = Buffer.alloc(4_000_000, 'x')

t.test('a client that does not read is disconnected, with one response pending and with many', async (t) => {
  const closed: CloseReason[] = []
  for (const requests of [1, 40]) {
    const { socket } = await open(t, (_request, response) => response.end(LARGE), {
      stalledMs: 200,
      onClosed: (reason) => closed.push(reason),
    })
    socket.pause()
    socket.write(REQUEST.repeat(requests))
    await until(() => closed.includes('stalled'))
    await ends(socket)
    closed.length = 0
  }
})

t.test('pipelined requests are processed one at a time', async (t) => {
  let [running, most, count] = [0, 0, 0]
  const { socket, heard: announced } = await open(t, async (request, response) => {
    most = Math.max(most, ++running)
    request.resume()
    await sleep(2)
    running--
    response.end(`answer ${++count};`)
  })
  socket.write(REQUEST.repeat(30) + REQUEST.replace('\r\n\r\n', '\r\nContent-Length: 4\r\n\r\nbody') + REQUEST)
  await until(() => announced().includes('answer 32;'))
  t.equal(most, 1)
  t.same(
    announced().match(/answer \d+/g),
    Array.from({ length: 32 }, (_, index) => `answer ${index + 1}`),
  )
})

t.test('thousands of pipelined requests close the connection and do not block the process', async (t) => {
  const closed: CloseReason[] = []
  let begun = 0
  const answer: RequestListener = (_request, response) => {
    begun++
    setImmediate(() => response.end('here'))
  }
  const { socket } = await open(t, answer, { onClosed: (reason) => closed.push(reason) })
  socket.on('error', () => {})
  const { blockedMs } = await strainHere(async () => {
    socket.write('GET / HTTP/1.1\r\nHost:a\r\n\r\n'.repeat(5000))
    await until(() => socket.destroyed)
  })
  t.same(closed, ['too_many_pipelined'])
  t.ok(begun < 100, `${begun} requests were processed`)
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
})

t.test('a client that does not read a stream is disconnected, and the source is destroyed', async (t) => {
  let ended = false
  const endless = () =>
    new Readable({
      read() {
        this.push(LARGE.subarray(0, 60_000))
      },
      destroy(_error, done) {
        ended = true
        done(null)
      },
    })
  const { socket } = await open(t, (_request, response) => void pipeline(endless(), response).catch(() => {}), {
    stalledMs: 200,
  })
  socket.pause()
  socket.write(REQUEST)
  await until(() => ended)
  await ends(socket)
})

t.test('a slow reader is served while it reads, up to a limit', async (t) => {
  const closed: CloseReason[] = []
  const times = { stalledMs: 400, behindMs: 2500, onClosed: (reason: CloseReason) => closed.push(reason) }
  const { socket } = await open(t, (_request, response) => response.end(Buffer.concat(Array(20).fill(LARGE))), times)
  const started = performance.now()
  socket.removeAllListeners('data')
  socket.pause()
  socket.write(REQUEST)
  const reading = setInterval(() => socket.read(300_000), 50)
  t.teardown(() => clearInterval(reading))
  await until(() => closed.length > 0)
  t.same(closed, ['stalled'])
  t.ok(performance.now() - started > 2 * times.stalledMs, 'longer than one that reads nothing')
})

t.test('connections are limited in total and by address, and a closed connection frees its slot', async (t) => {
  for (const [limit, why] of [
    [{ maxConnections: 3 }, 'too_many'],
    [{ maxPerAddress: 3 }, 'too_many_per_address'],
  ] as const) {
    const closed: CloseReason[] = []
    const { socket, more } = await open(t, (_request, response) => response.end('here'), {
      ...limit,
      onClosed: (reason) => closed.push(reason),
    })
    const others = [await more(), await more()]
    const refused = await more()
    await ends(refused)
    t.same(closed, [why])
    others[0]?.destroy()
    await sleep(50)
    const next = await more()
    next.write(REQUEST)
    await once(next, 'data')
    t.equal(socket.readyState, 'open', why)
  }
})

async function until(check: () => boolean): Promise<void> {
  while (!check()) await sleep(10)
}

/** Resolves when the other side has closed the connection. Bytes that were sent before may be read first. */
async function ends(socket: Socket): Promise<void> {
  socket.on('error', () => {})
  socket.removeAllListeners('data')
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}

async function open(t: Test, handler: RequestListener, options: ConnectionOptions = {}) {
  const server = createHttpServer(handler, { keepAliveMs: IDLE_MS, ...options })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const sockets: Socket[] = []
  const more = async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const socket = await more()
  let text = ''
  socket.on('data', (more: Buffer) => {
    text += more.toString()
  })
  t.teardown(() => {
    for (const each of sockets) each.destroy()
    server.close()
  })
  return { socket, more, heard: () => text }
}
