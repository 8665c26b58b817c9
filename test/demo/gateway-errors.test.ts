import { once } from 'node:events'
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import t from 'tap'
import {
  bearer,
  check,
  checkRows,
  closedPort,
  type Expected,
  expected,
  type Row,
  startGateway,
  withHeaders,
} from '../helper/gateway.js'
import { raw } from '../helper/raw.js'

/** Behaviour measured on APIcast 2.16 for hosts, rejected calls, CORS and the debug headers, row by row. */
const gateway = await startGateway()
t.teardown(() => gateway.close())

const KEY = '0123456789abcdef0123456789abcdef'
const GET = 'GET /v1/models'
const good = [bearer(KEY)]
const { ok, missing, failed, noRule, notFound, page } = expected
const apicast = { name: 'apicast', version: 'builtin', configuration: {} }
const seed = {
  location: 'authorization',
  names: { user_key: 'Authorization' },
  rules: [['GET', '/v1', 'hits']],
  policies: [apicast],
  proxy: { api_backend: gateway.upstream },
}
const shared = gateway.stack.port + 6

const plain = await gateway.product(seed)
const withCors = await gateway.product({ ...seed, policies: [{ ...apicast, name: 'cors' }, apicast] })
// An unavailable model server, and one that closes the connection.
const refusing = await gateway.product({ ...seed, proxy: { api_backend: `http://127.0.0.1:${await closedPort()}` } })
const dropper = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1')
await once(dropper, 'listening')
t.teardown(() => dropper.close())
const dropped = await gateway.product({
  ...seed,
  proxy: { api_backend: `http://127.0.0.1:${(dropper.address() as { port: number }).port}` },
})
const HOSTS = ['granite.apicast.example', 'granite-staging.apicast.example']
const elsewhere = await gateway.product({
  ...seed,
  endpoint: `https://${HOSTS[0]}:443`,
  proxy: { api_backend: gateway.upstream, hosts: HOSTS },
})
for (const product of [plain, withCors, refusing, dropped, elsewhere])
  await gateway.application(product, { user_key: KEY })

const badGateway = withHeaders(page(502, 'Bad Gateway'), { 'content-length': '150' })

t.test('rejected calls: their status, text, content type and framing', async (t) => {
  await checkRows(t, [
    ['no credentials', plain.port, GET, [], missing],
    ['wrong key', plain.port, GET, [bearer('wrong')], failed],
    ['no mapping rule, good key', plain.port, 'GET /nope', good, noRule],
    ['no mapping rule, wrong key', plain.port, 'GET /nope', [bearer('wrong')], noRule],
    ['no mapping rule, without a key', plain.port, 'GET /nope', [], missing],
    ['DELETE without a rule', plain.port, 'DELETE /v1/models', good, noRule],
    ['OPTIONS without a rule', plain.port, 'OPTIONS /v1/models', good, noRule],
    ['PUT without a rule', plain.port, 'PUT /v1/models', good, noRule],
    ['an unknown method, FOO', plain.port, 'FOO /v1/models', good, noRule],
    ['FOO without a key', plain.port, 'FOO /v1/models', [], missing],
    ['TRACE', plain.port, 'TRACE /v1/models', good, page(405, 'Not Allowed')],
    ['model server refuses the connection', refusing.port, GET, good, badGateway],
    ['model server drops the connection', dropped.port, GET, good, badGateway],
    ['model server 500', plain.port, 'GET /v1/answer/500', good, { status: 500, text: 'the model says 500' }],
    ['model server 404', plain.port, 'GET /v1/answer/404', good, { status: 404, text: 'the model says 404' }],
  ])
  const bodiless: Row[] = [
    ['HEAD: a GET rule does not cover it', plain.port, 'HEAD /v1/models', good, noRule],
    ['HEAD without a key', plain.port, 'HEAD /v1/models', [], missing],
  ]
  for (const [name, port, first, lines, one] of bodiless) {
    const framing = { 'transfer-encoding': undefined, 'content-length': undefined }
    check(t, `${name}: not chunked, no body`, await raw(port, first, lines), { ...withHeaders(one, framing), text: '' })
  }
  const head = await raw(refusing.port, 'HEAD /%00', good)
  t.same(
    [head.status, head.header('content-length'), head.text],
    [400, '150', ''],
    'an nginx page has a Content-Length for HEAD',
  )
})

t.test(
  'hosts match with any case, any port, a trailing dot, and as the staging host; an unknown one is 404',
  async (t) => {
    const row = (name: string, port: number, host: string, one: Expected): Row => [
      name,
      port,
      GET,
      [`Host: ${host}`, ...good],
      one,
    ]
    await checkRows(t, [
      row('unknown host', plain.port, 'other.example', notFound),
      row('host in other case', plain.port, 'LocalHost', ok),
      row('with a trailing dot', plain.port, 'localhost.', ok),
      row('with a trailing dot and a port', plain.port, 'localhost.:80', ok),
      row('any port', plain.port, 'localhost:1', ok),
      row('the production host', shared, HOSTS[0] ?? '', ok),
      row("the product's STAGING host at the production gateway", shared, HOSTS[1] ?? '', ok),
      row('staging host in other case, dot and port', shared, `${HOSTS[1]?.toUpperCase()}.:443`, ok),
      row('unknown host on the shared port', shared, 'nobody.example', notFound),
      row('a product with a separate port is not on the shared port', shared, 'localhost', notFound),
    ])
    for (const host of ['localhost', 'any.example'])
      check(t, '/_threescale/healthz', await raw(plain.port, 'GET /_threescale/healthz', [`Host: ${host}`]), {
        status: 200,
        text: '',
        headers: { 'content-type': 'text/plain', 'content-length': '0' },
      })
  },
)

t.test('with two products of one host, only one of them is used', async (t) => {
  const one = (path: string) => ({
    ...seed,
    endpoint: 'https://one.example:443',
    rules: [['GET', path, 'hits']],
    proxy: { api_backend: gateway.upstream, hosts: ['one.example'] },
  })
  for (const path of ['/granite/v1', '/mistral/v1'])
    await gateway.application(await gateway.product(one(path)), { user_key: KEY })
  const lines = ['Host: one.example', ...good]
  await checkRows(t, [
    ['its own paths', shared, 'GET /granite/v1/models', lines, ok],
    ['paths of the other', shared, 'GET /mistral/v1/models', lines, noRule],
  ])
})

t.test('a web page can read responses only with a CORS policy', async (t) => {
  const origin = 'Origin: https://app.example'
  const preflight = [
    origin,
    'Access-Control-Request-Method: POST',
    'Access-Control-Request-Headers: authorization, x-a',
  ]
  const none = { 'access-control-allow-origin': undefined, 'access-control-allow-methods': undefined }
  const echoed = {
    'access-control-allow-origin': 'https://app.example',
    'access-control-allow-credentials': 'true',
    'access-control-max-age': '600',
  }
  await checkRows(t, [
    ['CORS preflight, no CORS policy', plain.port, 'OPTIONS /v1/models', preflight, withHeaders(missing, none)],
    ['with a key: 404 no rule', plain.port, 'OPTIONS /v1/models', [...preflight, ...good], withHeaders(noRule, none)],
    ['GET with Origin, no CORS policy', plain.port, GET, [origin, ...good], withHeaders(ok, none)],
    [
      'CORS policy with empty settings before apicast: preflight',
      withCors.port,
      'OPTIONS /v1/models',
      preflight,
      {
        status: 204,
        text: '',
        headers: {
          ...echoed,
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'authorization, x-a',
        },
      },
    ],
    ['same, 403 answers', withCors.port, GET, [origin, bearer('wrong')], withHeaders(failed, echoed)],
  ])
})

t.test('X-3scale-Debug with the service token returns the debug headers', async (t) => {
  const debug = `X-3scale-Debug: ${plain.serviceToken}`
  await checkRows(t, [
    [
      '200 plus six headers',
      plain.port,
      GET,
      [debug, ...good],
      withHeaders(ok, {
        'x-3scale-matched-rules': '/v1',
        'x-3scale-credentials': `user_key=${KEY}`,
        'x-3scale-usage': 'usage%5Bhits%5D=1',
        'x-3scale-hostname': hostname(),
        'x-3scale-service-id': String(plain.id),
        'x-3scale-service-name': /^added/,
      }),
    ],
    ['nothing on a 404 no rule', plain.port, 'GET /nope', [debug, ...good], noRule],
  ])
})

t.test('a header line over 8 kB is rejected with 400, a shorter one is accepted', async (t) => {
  const line = (bytes: number) => `x-long: ${'a'.repeat(bytes - 'x-long: '.length)}`
  const tooLarge = page(400, 'Request Header Or Cookie Too Large')
  await checkRows(t, [
    ['header line over 8 kB', plain.port, GET, [line(8200), ...good], tooLarge],
    ['header line of 8 kB', plain.port, GET, [line(8190), ...good], ok],
  ])
})
