import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Agent } from 'undici'
import { type Exchange, exchange } from '../../../src/infra/http/exchange.js'
import { HttpError } from '../../../src/infra/http/http-error.js'

const LATE_MS = 5000
const agent = new Agent()
const [closed, late] = [[] as string[], [] as string[]]
const answers: Record<string, RequestListener> = {
  '/hangs': () => {},
  '/pieces': (_request, response) => {
    const bytes = Buffer.from('{"name":"é€😀"}')
    response.setHeader('x-list', ['a', 'b'])
    for (const byte of bytes) response.write(Buffer.from([byte]))
    response.end()
  },
  '/early-hints': (_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.writeHead(201, { etag: '"1"' }).end('final')
  },
  '/breaks': (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half', () => response.destroy())
  },
  '/slow': async (_request, response) => {
    await sleep(300)
    response.end('slow')
  },
  '/endless': (_request, response) => {
    const write = () => {
      if (response.destroyed) return
      response.write('x'.repeat(100))
      setImmediate(write)
    }
    write()
  },
}
const server = createServer((request, response) => {
  const path = request.url ?? ''
  response.once('close', () => response.writableFinished || closed.push(path))
  const answer: RequestListener = answers[path] ?? ((_request, { end }) => void end())
  answer(request, response)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
t.teardown(async () => {
  await agent.destroy()
  server.closeAllConnections()
  server.close()
})

const send = (path: string, options: Partial<Exchange> = {}, dispatcher = agent) =>
  exchange(dispatcher, {
    method: 'GET',
    url: new URL(path, origin),
    timeoutMs: 2000,
    maxBytes: 10_000,
    lateMs: 0,
    onLateResponse: () => late.push(path),
    ...options,
  })

const kindOf = (work: Promise<unknown>) =>
  work.then(
    () => 'a response',
    (error: unknown) => (error instanceof HttpError ? error.kind : 'another error'),
  )

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}

t.test('a response in pieces of one byte is decoded as a whole, and repeated headers are joined', async (t) => {
  const { status, headers, text } = await send('/pieces')
  t.equal(status, 200)
  t.equal(headers['x-list'], 'a, b')
  t.equal(text, '{"name":"é€😀"}')
})

t.test('an informational response precedes the response and is not it', async (t) => {
  const { status, headers, text } = await send('/early-hints')
  t.match({ status, headers, text }, { status: 201, headers: { etag: '"1"' }, text: 'final' })
  t.notOk('link' in headers)
})

t.test('a connection that breaks within the body rejects with the error of undici', async (t) => {
  t.equal(await kindOf(send('/breaks')), 'another error')
})

t.test('a response that is too large rejects, and its connection is closed', async (t) => {
  t.equal(await kindOf(send('/endless')), 'too_large')
  await until(() => closed.includes('/endless'))
})

t.test('after the time-out the connection is closed, and a short one is not the fault of the host', async (t) => {
  closed.length = 0
  const error = await send('/hangs', { timeoutMs: 50 }).catch((error: unknown) => error)
  t.match(error, { kind: 'timeout', isOutage: false })
  await until(() => closed.includes('/hangs'))
})

t.test('a time-out is extended for as long as the host may take longer', async (t) => {
  const mayExtend = () => true
  t.equal((await send('/slow', { timeoutMs: 50, extendedTimeoutMs: 2000, mayExtend })).text, 'slow')
  t.equal(await kindOf(send('/hangs', { timeoutMs: 20, extendedTimeoutMs: 60, mayExtend })), 'timeout')
  t.equal(await kindOf(send('/hangs', { timeoutMs: 20, extendedTimeoutMs: 2000, mayExtend: () => false })), 'timeout')
})

t.test('a late response is received and reported, and only within its time', async (t) => {
  closed.length = 0
  t.equal(await kindOf(send('/slow', { timeoutMs: 20, lateMs: LATE_MS })), 'timeout')
  await until(() => late.includes('/slow'))
  t.equal(await kindOf(send('/hangs', { timeoutMs: 20, lateMs: 50 })), 'timeout')
  await until(() => closed.includes('/hangs'))
  t.same(late, ['/slow'])
})

t.test('a response in time is not reported as late', async (t) => {
  late.length = 0
  await send('/slow', { lateMs: LATE_MS })
  t.same(late, [])
})

t.test(
  'a cancelled request rejects before it is sent, while it runs, and while it waits for a connection',
  async (t) => {
    closed.length = 0
    t.equal(await kindOf(send('/hangs', { signal: AbortSignal.abort() })), 'cancelled')
    const running = new AbortController()
    const response = kindOf(send('/hangs', { signal: running.signal }))
    setTimeout(() => running.abort(), 50)
    t.equal(await response, 'cancelled')
    await until(() => closed.includes('/hangs'))

    const single = new Agent({ connections: 1 })
    t.teardown(() => single.destroy())
    const first = send('/slow', {}, single)
    const waiting = new AbortController()
    const second = kindOf(send('/hangs', { signal: waiting.signal }, single))
    waiting.abort()
    t.equal(await second, 'cancelled')
    t.equal((await first).text, 'slow')
    t.equal((await send('/pieces', {}, single)).status, 200)
  },
)
