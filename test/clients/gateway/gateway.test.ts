import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createGateway } from '../../../src/clients/gateway/gateway.js'
import type { PortalError } from '../../../src/errors.js'
import { createHttp } from '../../../src/infra/http/http.js'

const requested: string[] = []
const server = createServer((request, response) => {
  requested.push(request.url ?? '')
  if (request.url === '/moved') response.writeHead(302, { location: '/elsewhere' }).end()
  else if (request.url === '/large') response.end(Buffer.alloc(2_000_000, 120))
  else if (request.url === '/broken') response.destroy()
  else if (request.url !== '/slow') response.writeHead(418, { 'x-model': 'own' }).end('teapot')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const http = createHttp()
t.teardown(async () => {
  server.closeAllConnections()
  server.close()
  await http.close()
})
const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
const gateway = createGateway({ http, isAllowed: (url) => url.host === host })
const call = (path: string, timeoutMs?: number) =>
  gateway.call({
    method: 'POST',
    url: new URL(path, `http://${host}`),
    headers: { authorization: 'Bearer canary-model-key' },
    body: '{}',
    ...(timeoutMs ? { timeoutMs } : {}),
  })

t.test('a response of an endpoint is returned with its duration, whatever its status', async (t) => {
  const answer = await call('/anything')
  t.match(answer, { status: 418, text: 'teapot', headers: { 'x-model': 'own' } })
  t.type(answer.ms, 'number')
})

t.test('a redirect is not followed, so the key is not sent to another server', async (t) => {
  requested.length = 0
  t.equal((await call('/moved')).status, 302)
  t.same(requested, ['/moved'])
})

t.test('an address that is not in the catalogue is not requested', async (t) => {
  requested.length = 0
  const other = { method: 'GET', url: new URL(`http://localhost:${host.split(':')[1]}/x`), headers: {} }
  await t.rejects(gateway.call(other), { code: 'gateway_unavailable', message: /not in the catalogue/ })
  const signal = new AbortController().signal
  await t.rejects(gateway.open({ ...other, signal }), { code: 'gateway_unavailable', message: /not in the catalogue/ })
  t.same(requested, [])
})

t.test('a failed call is reported with a message that does not contain the key', async (t) => {
  const cases: [path: string, timeoutMs: number | undefined, words: RegExp][] = [
    ['/slow', 200, /did not respond/],
    ['/large', undefined, /too large to show/],
    ['/broken', undefined, /could not be reached/],
  ]
  for (const [path, timeoutMs, words] of cases) {
    const error = await call(path, timeoutMs).then(
      () => undefined,
      (reason: PortalError) => reason,
    )
    t.match(error, { code: 'gateway_unavailable', status: 502, message: words }, path)
    t.notMatch(String(error?.stack) + JSON.stringify(error?.cause), 'canary-model-key', path)
  }
})
