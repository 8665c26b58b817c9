import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { createGateway } from '../../../src/clients/gateway/gateway.js'
import type { AddressGuardOptions } from '../../../src/infra/http/address-guard.js'
import { forbiddenAddressKind } from '../../../src/infra/http/address-ranges.js'
import { createHttp, type StreamingRequest } from '../../../src/infra/http/http.js'
import { HttpError } from '../../../src/infra/http/http-error.js'
import { connectProxy } from '../../helper/connect-proxy.js'

/** A server of this machine, which calls to an address from user input must not reach. */
let reached = 0
const server = createServer((_request, response) => {
  reached++
  response.end('secret metrics')
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
t.teardown(() => server.close())

/** Resolves names as a test defines, for each lookup. */
function names(answers: Record<string, string[][]>): { lookup: LookupFunction; asked: string[] } {
  const requested: string[] = []
  const lookup: LookupFunction = (hostname, _options, callback) => {
    requested.push(hostname)
    const rounds = answers[hostname] ?? []
    const now = (rounds.length > 1 ? rounds.shift() : rounds[0]) ?? []
    const found: LookupAddress[] = now.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    setImmediate(() => callback(null, found))
  }
  return { lookup, asked: requested }
}

function client(t: Test, guard: AddressGuardOptions = {}, more: { httpsProxy?: string; noProxy?: string } = {}) {
  const refused: string[] = []
  const http = createHttp({
    ...more,
    addressGuard: { onRefused: (host, reason) => refused.push(`${host}: ${reason}`), ...guard },
  })
  t.teardown(() => http.close())
  const ending = (call: Promise<{ status: number }>) =>
    call.then(
      ({ status }) => String(status),
      (error: unknown) => (error instanceof HttpError ? error.kind : String(error)),
    )
  const send = (url: string, freshConnection = false) =>
    ending(http.guarded.send({ method: 'GET', url: new URL(url), freshConnection }))
  const open = (url: string) =>
    ending(opened({ method: 'GET', url: new URL(url), signal: new AbortController().signal }))
  const opened = async (request: StreamingRequest) => {
    const answer = await http.guarded.open(request)
    answer.body.destroy()
    return answer
  }
  return { http, send, open, refused }
}

/** Each is this machine, the metadata service or the unspecified address. */
const literals = [
  ...['127.0.0.1', '127.1', '127.255.255.254', '2130706433', '0x7f000001', '0x7f.1', '017700000001', '0177.0.0.1'],
  ...['0', '0.0.0.0', '0.1.2.3', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
  ...['[::127.0.0.1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]'],
  ...['[2002:7f00:1::]', '[2002:7f00:1::1234]', '[2001:0:1::1]', '１２７.０.０.１', '127。0。0。1', '127.0.0.1.'],
  ...[
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
  ],
  ...['[fe80::1]', '[fd00:ec2::254]', '[fd20:ce::254]', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ...['224.0.0.1', '255.255.255.255', '240.0.0.1', '[ff02::1]', '[::ffff:255.255.255.255]'],
  ...[
    'localhost',
    'LOCALHOST',
    'localhost.',
    'anything.localhost',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ],
]

t.test(
  'addresses of this machine, of a metadata service and unspecified ones are blocked in every spelling',
  async (t) => {
    const { send, open, refused } = client(t)
    for (const host of literals) {
      const url = `http://${host}:${port}/metrics`
      t.equal(await send(url), 'forbidden', host)
      t.equal(await send(url, true), 'forbidden', `${host} with a separate connection`)
      t.equal(await open(url), 'forbidden', `${host} as a stream`)
    }
    t.equal(refused.length, 3 * literals.length, 'each is reported')
    t.equal(reached, 0)
  },
)

t.test('addresses of private and public networks are allowed', (t) => {
  for (const address of [
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '8.8.8.8',
    'fd12:3456::1',
    '2606:4700::1111',
  ])
    t.equal(forbiddenAddressKind(address), undefined, address)
  t.equal(forbiddenAddressKind('::ffff:10.1.2.3'), undefined)
  t.end()
})

t.test('an IPv4 address has the same result in every IPv6 form', (t) => {
  const byte = fc.integer({ min: 0, max: 255 })
  const first = fc.oneof(fc.constantFrom(0, 10, 100, 127, 168, 169, 192, 223, 224, 239, 240, 255), byte)
  const property = fc.property(first, byte, byte, byte, (a, b, c, d) => {
    const plain = [a, b, c, d].join('.')
    const expected = forbiddenAddressKind(plain)
    const hex = (high: number, low: number) => (high * 256 + low).toString(16)
    // ::0.0.0.1 is the loopback address of IPv6.
    const forms = [`::ffff:${plain}`, `::ffff:0:${plain}`, `64:ff9b::${plain}`, `2002:${hex(a, b)}:${hex(c, d)}::1`]
    return forms.every((form) => forbiddenAddressKind(form) === expected)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000, seed: 19 }))
  t.end()
})

t.test('a name is checked after it is resolved, and one forbidden address blocks it', async (t) => {
  const { lookup } = names({
    'loop.example': [['127.0.0.1']],
    'six.example': [['::1']],
    'mapped.example': [['::ffff:169.254.169.254']],
    'both.example': [['192.0.2.1', '127.0.0.1']],
    'none.example': [[]],
  })
  const { send, refused } = client(t, { lookup })
  for (const name of ['loop', 'six', 'mapped', 'both']) {
    t.equal(await send(`http://${name}.example:${port}/`), 'forbidden', name)
    t.equal(await send(`https://${name}.example:${port}/`), 'forbidden', `${name} with TLS`)
  }
  t.equal(await send(`http://none.example:${port}/`), 'network')
  t.match(refused[0], /^loop\.example: its name leads to an address of this machine$/)
  t.equal(reached, 0)
})

t.test('a name whose address changes is connected to at the address that was checked', async (t) => {
  // Local, so that the first response reaches the server: the second one is the metadata service.
  const { lookup, asked: requested } = names({ 'turns.example': [['127.0.0.1'], ['169.254.169.254']] })
  const { send } = client(t, { lookup, local: true })
  const before = reached
  t.equal(await send(`http://turns.example:${port}/`, true), '200')
  t.same(requested, ['turns.example'], 'one lookup for one connection, so the address cannot change in between')
  t.equal(await send(`http://turns.example:${port}/`, true), 'forbidden')
  t.equal(reached, before + 1)
  const back = names({ 'turns.example': [['192.0.2.1'], ['127.0.0.1']] })
  const remote = client(t, { lookup: back.lookup })
  const first = remote.http.guarded.send({
    method: 'GET',
    url: new URL(`http://turns.example:${port}/`),
    timeoutMs: 300,
  })
  t.match(await first.catch((error: unknown) => error), { kind: /^(timeout|network)$/ })
  t.equal(await remote.send(`http://turns.example:${port}/`), 'forbidden')
  t.equal(reached, before + 1)
})

t.test("the portal's own ports at its network addresses and the API server are blocked", async (t) => {
  const { lookup } = names({ 'pod.example': [['10.9.8.7']], 'api.example': [['10.0.0.1']] })
  const guard = {
    lookup,
    ownPorts: [3000, 9464],
    ownAddresses: () => ['10.9.8.7', 'fd12::7'],
    blockedHosts: ['10.0.0.1'],
  }
  const { send, refused } = client(t, guard)
  for (const host of ['10.9.8.7:3000', '10.9.8.7:9464', '[::ffff:10.9.8.7]:3000', '[fd12::7]:9464', 'pod.example:3000'])
    t.equal(await send(`http://${host}/metrics`), 'forbidden', host)
  t.ok(
    refused.every((line) => line.endsWith('the portal itself')),
    refused.join(),
  )
  for (const host of ['10.0.0.1', 'api.example', '[64:ff9b::10.0.0.1]'])
    t.equal(await send(`https://${host}/api`), 'forbidden', host)
  t.match(refused.at(-1), /the API server of the cluster/)
})

t.test('the address of PUBLIC_URL, and the metrics port at any address, are blocked', async (t) => {
  const { lookup, asked: requested } = names({ 'svc.example': [['10.9.9.9']] })
  const { send, refused } = client(t, { lookup, ownHost: 'models.example.com', metricsPort: 9464 })
  for (const url of [
    'https://models.example.com/v1',
    'https://MODELS.example.com.:443/',
    'http://svc.example:9464/metrics',
  ])
    t.equal(await send(url), 'forbidden', url)
  t.same(new Set(refused.map((line) => line.split(': ')[1])), new Set(['it is the portal itself']))
  t.same(requested, [], 'no name was resolved')
})

t.test('an address with a user name or password, or without http or https, is blocked', async (t) => {
  const { lookup } = names({ 'gw.example': [['127.0.0.1']] })
  const { send } = client(t, { lookup, local: true })
  const before = reached
  for (const url of [`http://a:b@gw.example:${port}/`, `http://a@gw.example:${port}/`, `ftp://gw.example:${port}/`])
    t.equal(await send(url), 'forbidden', url)
  t.equal(reached, before)
})

t.test('with listed domains, all others are blocked', async (t) => {
  const { lookup } = names({
    'gw.example': [['127.0.0.1']],
    'a.gw.example': [['127.0.0.1']],
    'agw.example': [['127.0.0.1']],
  })
  const { send } = client(t, { lookup, local: true, domains: ['GW.example', '10.0.0.0', '::1'] })
  t.equal(await send(`http://gw.example:${port}/`), '200')
  t.equal(await send(`http://A.gw.example:${port}/`), '200')
  for (const host of ['agw.example', 'gw.example.evil.test', '127.0.0.1', 'example', '10.0.0.1'])
    t.equal(await send(`http://${host}:${port}/`), 'forbidden', host)
  t.equal(await send(`http://[::1]:${port}/`), 'network', 'a listed address is allowed, in any spelling')
  t.equal(await send(`http://[0:0:0::1]:${port}/`), 'network')
})

t.test(
  'with the portal on this machine, other local ports are allowed and the metadata service is blocked',
  async (t) => {
    const { send } = client(t, { local: true, ownPorts: [port + 1] })
    t.equal(await send(`http://127.0.0.1:${port}/`), '200')
    t.equal(await send(`http://localhost:${port}/`), '200')
    t.equal(await send('http://169.254.169.254/'), 'forbidden')
    t.equal(await send(`http://0.0.0.0:${port}/`), 'forbidden')
  },
)

t.test('the ports of the portal are blocked in every spelling, also with local ports allowed', async (t) => {
  const { lookup } = names({ localhost: [['127.0.0.1']], 'me.example': [['::1']], 'pod.example': [['10.9.8.7']] })
  const { send } = client(t, { lookup, local: true, ownPorts: [port], ownAddresses: () => ['10.9.8.7'] })
  const before = reached
  for (const host of ['127.0.0.1', 'localhost', '127.9.9.9', '[::1]', '2130706433', 'me.example', 'pod.example'])
    t.equal(await send(`http://${host}:${port}/metrics`), 'forbidden', host)
  t.equal(reached, before)
})

t.test(
  'the API server is recognized in any cluster domain, and this machine by the names in its hosts file',
  async (t) => {
    const proxy = await connectProxy(() => ({ port }))
    t.teardown(() => proxy.close())
    // A proxy would resolve them.
    const { send } = client(t, {}, { httpsProxy: proxy.url })
    const servers = [
      'kubernetes',
      'kubernetes.default.svc',
      'kubernetes.default.svc.',
      'kubernetes.default.svc.corp.example',
    ]
    for (const host of [...servers, 'localhost4', 'localhost6', 'localhost6.localdomain6'])
      t.equal(await send(`http://${host}/`), 'forbidden', host)
    t.equal(await send('http://kubernetes.example/'), '200', 'a gateway may have such a name')
  },
)

t.test('a checked call does not follow a redirect to another address', async (t) => {
  const redirecting = createServer((_request, response) => {
    response.writeHead(302, { location: `http://other.example:${port}/metrics` }).end()
  }).listen(0, '127.0.0.1')
  await once(redirecting, 'listening')
  t.teardown(() => redirecting.close())
  const { lookup } = names({ 'other.example': [['127.0.0.1']] })
  const { http } = client(t, { lookup, local: true, domains: ['127.0.0.1'] })
  const before = reached
  const { port: there } = redirecting.address() as AddressInfo
  const answer = await http.guarded.fetch(`http://127.0.0.1:${there}/`, { redirect: 'follow' })
  t.equal(answer.status, 302)
  t.equal(reached, before)
})

t.test('calls to configured addresses are not checked', async (t) => {
  const { http } = client(t)
  const { text } = await http.send({ method: 'GET', url: new URL(`http://127.0.0.1:${port}/`) })
  t.equal(text, 'secret metrics')
  await t.rejects(http.guarded.fetch(`http://127.0.0.1:${port}/`), TypeError)
})

t.test(
  'with a proxy, the written address is checked, and connections that bypass the proxy are checked when they open',
  async (t) => {
    const proxy = await connectProxy(() => ({ port }))
    t.teardown(() => proxy.close())
    const { lookup } = names({ 'direct.example': [['127.0.0.1']] })
    const { send } = client(t, { lookup }, { httpsProxy: proxy.url, noProxy: 'direct.example' })
    const before = reached
    for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '[::ffff:127.0.0.1]', 'direct.example'])
      t.equal(await send(`http://${host}:${port}/`), 'forbidden', host)
    t.equal(reached, before)
  },
)

t.test("a blocked call opens no circuit breaker, and the error of the gateway's client states the fix", async (t) => {
  const { http, send } = client(t)
  for (let n = 0; n < 15; n++) t.equal(await send(`http://127.0.0.1:${port}/`), 'forbidden')
  t.same(http.breakers(), [])
  const gateway = createGateway({ http: http.guarded, isAllowed: () => true })
  const call = { method: 'GET', url: new URL(`http://127.0.0.1:${port}/metrics`), headers: {} }
  const expected = {
    code: 'gateway_unavailable',
    status: 502,
    message: /does not send requests to the address .* Report this/,
  }
  await t.rejects(gateway.call(call), expected)
  await t.rejects(gateway.open({ ...call, signal: new AbortController().signal }), expected)
})
