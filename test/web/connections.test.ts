import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Closed, type ConnectionOptions, createConnections } from '../../src/web/connections.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

const IDLE_MS = 300
const ASK = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

t.test('a connection is closed when it is idle', async (t) => {
  const { socket, heard } = await open(t, (_request, response) => response.end('here'))
  for (let count = 1; count <= 3; count++) {
    socket.write(ASK)
    while (heard().split('here').length <= count) await sleep(5)
    await sleep(IDLE_MS / 2)
    t.equal(socket.readyState, 'open', 'used again in time')
  }
  await once(socket, 'close')
  t.equal(heard().split('HTTP/1.1 200').length, 4)
})

t.test('an answer may take longer than that, before it begins and within', async (t) => {
  const { socket, heard } = await open(t, async (_request, response) => {
    await sleep(2 * IDLE_MS)
    response.write('first, ')
    await sleep(2 * IDLE_MS)
    response.end('last')
  })
  socket.write(ASK)
  while (!heard().includes('last')) await sleep(5)
  t.match(heard(), 'first, ')
  await once(socket, 'close')
})

const LARGE = Buffer.alloc(4_000_000, 'x')

t.test('an answer that nobody reads ends, one and many on a connection', async (t) => {
  const closed: Closed[] = []
  for (const requests of [1, 40]) {
    const { socket } = await open(t, (_request, response) => response.end(LARGE), {
      stalledMs: 200,
      onClosed: (why) => closed.push(why),
    })
    socket.pause()
    socket.write(ASK.repeat(requests))
    await until(() => closed.includes('unread'))
    await ends(socket)
    closed.length = 0
  }
})

t.test('requests that are sent ahead are processed one after the other', async (t) => {
  let [running, most, count] = [0, 0, 0]
  const { socket, heard } = await open(t, async (request, response) => {
    most = Math.max(most, ++running)
    request.resume()
    await sleep(2)
    running--
    response.end(`answer ${++count};`)
  })
  socket.write(ASK.repeat(30) + ASK.replace('\r\n\r\n', '\r\nContent-Length: 4\r\n\r\nbody') + ASK)
  await until(() => heard().includes('answer 32;'))
  t.equal(most, 1)
  t.same(
    heard().match(/answer \d+/g),
    Array.from({ length: 32 }, (_, index) => `answer ${index + 1}`),
  )
})

t.test('a connection with thousands of requests ahead is closed, and blocks nobody', async (t) => {
  const closed: Closed[] = []
  let begun = 0
  const answer: RequestListener = (_request, response) => {
    begun++
    setImmediate(() => response.end('here'))
  }
  const { socket } = await open(t, answer, { onClosed: (why) => closed.push(why) })
  socket.on('error', () => {})
  const { blockedMs } = await strainHere(async () => {
    socket.write('GET / HTTP/1.1\r\nHost:a\r\n\r\n'.repeat(5000))
    await until(() => socket.destroyed)
  })
  t.same(closed, ['too_many_waiting'])
  t.ok(begun < 100, `${begun} requests were processed`)
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
})

t.test('a stream that nobody reads ends, and what it is made of is told', async (t) => {
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
  socket.write(ASK)
  await until(() => ended)
  await ends(socket)
})

t.test('a slow reader is served as long as it takes something, but not for ever', async (t) => {
  const closed: Closed[] = []
  const times = { stalledMs: 400, behindMs: 2500, onClosed: (why: Closed) => closed.push(why) }
  const { socket } = await open(t, (_request, response) => response.end(Buffer.concat(Array(20).fill(LARGE))), times)
  const started = performance.now()
  socket.removeAllListeners('data')
  socket.pause()
  socket.write(ASK)
  const reading = setInterval(() => socket.read(300_000), 50)
  t.teardown(() => clearInterval(reading))
  await until(() => closed.length > 0)
  t.same(closed, ['unread'])
  t.ok(performance.now() - started > 2 * times.stalledMs, 'longer than one that takes nothing')
})

t.test('connections are limited in total and by address, and those that close make room', async (t) => {
  for (const [limit, why] of [
    [{ most: 3 }, 'too_many'],
    [{ mostOfAddress: 3 }, 'too_many_of_address'],
  ] as const) {
    const closed: Closed[] = []
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
    next.write(ASK)
    await once(next, 'data')
    t.equal(socket.readyState, 'open', why)
  }
})

async function until(check: () => boolean): Promise<void> {
  while (!check()) await sleep(10)
}

/** Closed by the other side; what was sent may be read first. */
async function ends(socket: Socket): Promise<void> {
  socket.on('error', () => {})
  socket.removeAllListeners('data')
  socket.resume()
  if (!socket.closed) await once(socket, 'close')
}

async function open(t: Test, handler: RequestListener, options: ConnectionOptions = {}) {
  const server = createConnections(handler, { idleMs: IDLE_MS, ...options })
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
