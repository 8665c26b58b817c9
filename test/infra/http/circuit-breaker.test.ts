import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { sendHedged } from '../../../src/clients/threescale/requests/hedged-request.js'
import { createHttp } from '../../../src/infra/http/http.js'
import { HttpError } from '../../../src/infra/http/http-error.js'

/** An upstream with a response that a test changes; `seen` counts the received requests. */
async function upstream(t: Tap.Test, { slowAfterMs }: { slowAfterMs?: number } = {}) {
  const state: { answer: RequestListener; seen: number } = { answer: says(200), seen: 0 }
  const server = createServer((request, response) => {
    state.seen++
    state.answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const events: string[] = []
  const http = createHttp({
    upstreams: { [url.origin]: '3scale' },
    ...(slowAfterMs === undefined ? {} : { slowOrigins: [url.origin], silentMs: slowAfterMs }),
    onBreaker: (name, _host, event) => events.push(`${name} ${event}`),
  })
  t.teardown(async () => {
    await http.close()
    server.closeAllConnections()
    server.close()
  })
  const send = (timeoutMs = 2000) =>
    http.send({ method: 'GET', url, timeoutMs }).then(
      ({ status }) => String(status),
      (error: unknown) => (error instanceof HttpError ? error.kind : 'something else'),
    )
  return { url, state, http, events, send, stateOf: () => http.breakers()[0]?.state }
}

namespace Tap {
  export type Test = { teardown(work: () => Promise<void>): void }
}

function says(status: number): RequestListener {
  return (_request, response) => void response.writeHead(status).end()
}

const hangs: RequestListener = () => {}

async function many(count: number, call: () => Promise<string>): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, call))
}

t.test('the circuit opens after ten consecutive failures; then no call is sent except one probe', async (t) => {
  const { state, send, stateOf, events, http } = await upstream(t)
  state.answer = says(500)
  t.same(new Set(await many(9, send)), new Set(['500']))
  t.equal(stateOf(), 'closed')
  await send()
  t.equal(stateOf(), 'open')
  t.equal(state.seen, 10)
  t.same(new Set(await many(20, send)), new Set(['circuit_open']))
  t.equal(state.seen, 10, 'no call was sent')

  await sleep(1100)
  state.answer = (_request, response) => void setTimeout(() => response.writeHead(500).end(), 300)
  const looked = await many(20, send)
  t.equal(looked.filter((answer) => answer === '500').length, 1, 'one probe is sent')
  t.equal(looked.filter((answer) => answer === 'circuit_open').length, 19, 'the other calls do not wait for it')
  t.equal(stateOf(), 'open')

  await sleep(1100)
  state.answer = says(200)
  t.equal(await send(), '200')
  t.equal(stateOf(), 'closed')
  t.same(new Set(await many(20, send)), new Set(['200']))
  t.same(
    events.filter((event) => !event.endsWith('refused')),
    ['3scale opened', '3scale closed'],
  )
  t.equal(events.filter((event) => event === '3scale refused').length, 39)
  t.same(
    http.breakers().map(({ upstream, state }) => [upstream, state]),
    [['3scale', 'closed']],
  )
})

t.test('a 4xx status is not a failure, except 429', async (t) => {
  const { state, send, stateOf } = await upstream(t)
  for (const status of [400, 401, 403, 404, 409, 422]) {
    state.answer = says(status)
    await many(12, send)
    t.equal(stateOf(), 'closed', `${status}`)
  }
  const ill = await upstream(t)
  ill.state.answer = says(429)
  await many(12, ill.send)
  t.equal(ill.stateOf(), 'open')
})

t.test(
  '500 responses to one caller do not open the circuit for others; those to several callers or to background work do',
  async (t) => {
    const { url, state, stateOf, http } = await upstream(t)
    const by = (owner: string) => async () => String((await http.send({ method: 'POST', url, owner })).status)
    state.answer = says(500)
    t.same(new Set(await many(40, by('one'))), new Set(['500']), 'each was sent and answered')
    t.equal(state.seen, 40)
    t.equal(stateOf(), 'closed')
    state.answer = says(200)
    t.same(await many(1, by('two')), ['200'])

    const ill = await upstream(t)
    const at = (owner: string) => async () =>
      String((await ill.http.send({ method: 'GET', url: ill.url, owner })).status)
    ill.state.answer = says(500)
    for (const owner of ['a', 'b', 'c']) await many(8, at(owner))
    t.equal(ill.stateOf(), 'closed', 'nine count')
    await many(1, at('d'))
    t.equal(ill.stateOf(), 'open', 'one of the fourth caller is enough')

    const down = await upstream(t)
    down.state.answer = says(503)
    await many(12, async () => String((await down.http.send({ method: 'GET', url: down.url, owner: 'one' })).status))
    t.equal(down.stateOf(), 'open', '503 is not caused by the request')
  },
)

t.test('a failure rate of 80 percent does not open the circuit', async (t) => {
  const { state, send, stateOf } = await upstream(t)
  await many(4, send)
  state.answer = says(502)
  await many(16, send)
  t.equal(stateOf(), 'closed')
  await send()
  t.equal(stateOf(), 'open')
})

t.test(
  'an unresponsive host opens the circuit; calls with too little time or a disconnected caller do not count',
  async (t) => {
    const { url, state, send, stateOf, http } = await upstream(t)
    state.answer = hangs
    t.same(new Set(await many(12, () => send(100))), new Set(['timeout']))
    const callers = Array.from({ length: 12 }, () => new AbortController())
    const open = Promise.all(
      callers.map(({ signal }) =>
        http.open({ method: 'GET', url, signal }).then(
          () => 'opened',
          (error: unknown) => (error as HttpError).kind,
        ),
      ),
    )
    while (state.seen < 24) await sleep(20)
    for (const caller of callers) caller.abort()
    t.same(new Set(await open), new Set(['cancelled']))
    t.equal(stateOf(), 'closed')
    t.same(new Set(await many(12, () => send(1000))), new Set(['timeout']))
    t.equal(stateOf(), 'open')
    const failure = await http.send({ method: 'GET', url }).catch((error: unknown) => error as Error)
    t.match(
      (failure as Error).message,
      /none is sent for a second: .* did not respond in time/,
      'the reason is included',
    )
  },
)

t.test('another host has its own circuit breaker, and a 500 is no failure there', async (t) => {
  const named = await upstream(t)
  const model = await upstream(t)
  const to = (url: URL) => () =>
    named.http.send({ method: 'GET', url }).then(
      ({ status }) => String(status),
      (error: HttpError) => error.kind,
    )
  model.state.answer = says(500)
  t.same(new Set(await many(20, to(model.url))), new Set(['500']), 'a model may fail on the input of one user')
  model.state.answer = (request) => request.socket.destroy()
  await many(100, to(model.url))
  t.equal(await to(model.url)(), 'circuit_open')
  t.same(named.http.breakers(), [
    { upstream: '3scale', host: named.url.host, state: 'closed' },
    { upstream: 'other', host: model.url.host, state: 'open' },
  ])
  t.equal(await to(named.url)(), '200')
})

t.test('fetch for libraries uses the same circuit breaker, and reports it as a fetch error', async (t) => {
  const { url, state, send, http } = await upstream(t)
  state.answer = says(503)
  await many(10, async () => String((await http.fetch(url)).status))
  await t.rejects(http.fetch(url), TypeError)
  t.equal(await send(), 'circuit_open')
})

t.test('a call without a waiting caller is neither stopped nor counted', async (t) => {
  const { url, state, send, stateOf, http } = await upstream(t)
  const behind = async () => String((await http.send({ method: 'GET', url, bypassBreaker: true })).status)
  state.answer = says(500)
  await many(12, behind)
  t.equal(stateOf(), 'closed')
  await many(12, send)
  t.equal(stateOf(), 'open')
  state.answer = says(200)
  t.equal(await behind(), '200')
})

t.test('a slow read is hedged with a second request, and the first response counts', async (t) => {
  const { url, state, http } = await upstream(t)
  const read = (timeoutMs: number) => sendHedged(http.send, { method: 'GET', url, timeoutMs }, 300)
  state.answer = hangs
  const back = read(20_000)
  while (state.seen < 2) await sleep(20)
  state.answer = says(200)
  t.equal((await back).status, 200, 'the host has recovered: the next call is answered')
  t.ok(state.seen >= 3)

  state.seen = 0
  state.answer = (_request, response) => void setTimeout(() => response.writeHead(200).end(), 700)
  t.equal((await read(20_000)).status, 200, 'a slow host is not unavailable')

  state.seen = 0
  state.answer = hangs
  await t.rejects(read(1000), HttpError)
  t.equal(state.seen, 3, 'at most three in its time')

  state.answer = (request) => request.socket.destroy()
  await t.rejects(read(1000), HttpError, 'a broken connection is reported immediately')
})

t.test(
  'late responses keep the circuit closed; once the host has not responded for a while, one failure opens it',
  async (t) => {
    const { state, send, stateOf, events } = await upstream(t, { slowAfterMs: 2500 })
    state.answer = (_request, response) => void setTimeout(() => response.writeHead(200).end(), 1300)
    for (let n = 0; n < 2; n++) {
      const late = many(20, () => send(1000))
      const inTime = many(1, () => send(2000))
      t.same(new Set(await late), new Set(['timeout']))
      t.same(await inTime, ['200'])
    }
    t.equal(stateOf(), 'closed', 'it responds late')
    for (let n = 0; n < 4; n++) t.same(new Set(await many(20, () => send(1000))), new Set(['timeout']))
    t.equal(stateOf(), 'closed', 'also if every response is late')

    state.answer = hangs
    const waiting = send(4000)
    t.same(new Set(await many(20, () => send(1000))), new Set(['timeout']))
    t.equal(stateOf(), 'closed', 'no response for one second')
    await sleep(1000)
    await send(1000)
    t.equal(stateOf(), 'open', 'no response for three seconds')
    t.equal(await send(), 'circuit_open')
    await sleep(1100)
    t.equal(await send(1000), 'timeout', 'the probe fails')
    t.equal(stateOf(), 'open')
    await waiting
    state.answer = says(200)
    await sleep(1100)
    t.equal(await send(), '200')
    t.equal(stateOf(), 'closed', 'recovers as quickly as after any other outage')
    t.same(
      events.filter((event) => !event.endsWith('refused')),
      ['3scale opened', '3scale closed'],
    )
  },
)
