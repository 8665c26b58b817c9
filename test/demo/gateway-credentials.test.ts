import t from 'tap'
import {
  basic,
  bearer,
  checkRows,
  echoOf,
  expected,
  form,
  type GatewayProduct,
  json,
  type Row,
  sentAs,
  startGateway,
} from '../helper/gateway.js'
import { raw } from '../helper/raw.js'

/** Behaviour measured on APIcast 2.16 for the Authorization header, the other headers and the query, row by row. */
const gateway = await startGateway()
t.teardown(() => gateway.close())

const KEY = '0123456789abcdef0123456789abcdef'
const GET = 'GET /v1/models'
const POST = 'POST /v1/models'
const { ok, missing, failed, notFound, page } = expected
const badRequest = page(400, 'Bad Request')
const apicast = [{ name: 'apicast', version: 'builtin', configuration: {} }]
const rules = [
  ['GET', '/', 'hits'],
  ['POST', '/', 'hits'],
]

async function byUserKey(location: string, user_key = 'user_key'): Promise<GatewayProduct> {
  const proxy = { api_backend: gateway.upstream }
  const product = await gateway.product({ location, names: { user_key }, rules, policies: apicast, proxy })
  await gateway.application(product, { user_key: KEY })
  return product
}

async function byAppId(location: string, names: object = {}): Promise<GatewayProduct> {
  const proxy = { api_backend: gateway.upstream }
  const product = await gateway.product({ version: '2', location, names, rules, policies: apicast, proxy })
  await gateway.application(product, { application_id: 'APPL', application_key: ['SEC12'] })
  return product
}

const authorization = await byUserKey('authorization', 'Authorization')
const pair = await byAppId('authorization')
const header = await byUserKey('headers')
const custom = await byUserKey('headers', 'X-Model-Key')
const underscored = await byUserKey('headers', 'my_model_key')
const query = await byUserKey('query')
const token = await byUserKey('query', 'api_token')
const pairHeaders = await byAppId('headers')
const pairNamed = await byAppId('headers', { app_id: 'X-Model-Id', app_key: 'x_model_secret' })
const pairQuery = await byAppId('query')
const pairQueryNamed = await byAppId('query', { app_id: 'client', app_key: 'secret' })

const unpadded = (text: string) => basic(text).replace(/=+$/, '')
const own = (scheme: string, text: string) => basic(text).replace('Basic', scheme)

t.test('Authorization header, user_key', async (t) => {
  const row = (name: string, value: string, one: Row[4]): Row => [
    name,
    authorization.port,
    GET,
    [`Authorization: ${value}`],
    one,
  ]
  await checkRows(t, [
    row('Bearer KEY', `Bearer ${KEY}`, ok),
    row('two spaces after Bearer', `Bearer  ${KEY}`, ok),
    row('trailing space', `Bearer ${KEY} `, ok),
    row('bearer KEY', `bearer ${KEY}`, missing),
    row('BEARER KEY', `BEARER ${KEY}`, missing),
    row('Basic KEY:', basic(`${KEY}:`), ok),
    row('Basic KEY:x', basic(`${KEY}:x`), ok),
    row('Basic without base64 padding', unpadded(`${KEY}:`), ok),
    row('Basic KEY (no colon)', basic(KEY), missing),
    row('Basic, not base64', 'Basic !!!', missing),
    row('Basic :KEY', basic(`:${KEY}`), failed),
    row('Basic x:KEY', basic(`x:${KEY}`), failed),
    row('basic KEY:', own('basic', `${KEY}:`), missing),
    row('BASIC KEY:', own('BASIC', `${KEY}:`), missing),
    row('raw KEY', KEY, missing),
    row('Token KEY', `Token ${KEY}`, missing),
    row('Bearer without a key', 'Bearer', failed),
    row('Bearer empty', 'Bearer ', failed),
    ['header name in lower case', authorization.port, GET, [`authorization: Bearer ${KEY}`], ok],
    ['two Authorization headers', authorization.port, GET, [bearer(KEY), bearer('bad')], badRequest],
    [
      'two Authorization headers, in the other order',
      authorization.port,
      GET,
      [bearer('bad'), bearer(KEY)],
      badRequest,
    ],
    ['KEY in query instead', authorization.port, `${GET}?user_key=${KEY}`, [], missing],
    ['KEY in a user_key header instead', authorization.port, GET, [`user_key: ${KEY}`], missing],
  ])
  const answer = await raw(authorization.port, `${GET}?user_key=wrong`, [bearer(KEY)])
  t.same(
    [answer.status, answer.header('x-url')],
    [200, '/v1/models?user_key=wrong'],
    'with a wrong user_key in the query',
  )
})

t.test('Authorization header, app_id and app_key', async (t) => {
  const row = (name: string, value: string, one: Row[4]): Row => [
    name,
    pair.port,
    GET,
    [`Authorization: ${value}`],
    one,
  ]
  await checkRows(t, [
    row('Basic id:key', basic('APPL:SEC12'), ok),
    row('basic id:key', own('basic', 'APPL:SEC12'), missing),
    row('Basic id (no colon)', basic('APPL'), missing),
    row('Bearer key', 'Bearer SEC12', missing),
    row('Bearer id', 'Bearer APPL', missing),
    row('Bearer id:key', 'Bearer APPL:SEC12', missing),
    row('Bearer base64(id:key)', own('Bearer', 'APPL:SEC12'), missing),
    row('raw', 'APPL:SEC12', missing),
    row('Basic id:', basic('APPL:'), failed),
    row('Basic id:wrong', basic('APPL:wrong'), failed),
    row('Basic wrong:key', basic('wrong:SEC12'), failed),
    row('Basic :key', basic(':SEC12'), failed),
    row('Basic id:key:z', basic('APPL:SEC12:z'), failed),
  ])
})

t.test('headers: - and _ are equivalent, case is ignored, the first one counts', async (t) => {
  const at = ({ port }: GatewayProduct, one: Row[4], ...lines: string[]): Row => [
    lines.join(', '),
    port,
    GET,
    lines,
    one,
  ]
  await checkRows(t, [
    ...['user_key', 'User_Key', 'user-key', 'User-Key'].map((name) => at(header, ok, `${name}: ${KEY}`)),
    at(custom, ok, `x_model_key: ${KEY}`),
    at(underscored, ok, `my-model-key: ${KEY}`),
    at(underscored, ok, `MY_MODEL_KEY: ${KEY}`),
    at(custom, missing, `user_key: ${KEY}`),
    at(header, missing, bearer(KEY)),
    ['key in query', header.port, `${GET}?user_key=${KEY}`, [], missing],
    at(header, failed, 'user_key: bad', `user_key: ${KEY}`),
    at(header, failed, 'user-key: bad', `user_key: ${KEY}`),
    at(header, failed, 'USER_KEY: bad', `user-key: ${KEY}`),
    at(header, failed, 'user_key:'),
    at(header, failed, 'user_key:', `user_key: ${KEY}`),
    at(pairHeaders, ok, 'app_id: APPL', 'app_key: SEC12'),
    at(pairHeaders, ok, 'App-Id: APPL', 'app-key: SEC12'),
    at(pairNamed, ok, 'X-Model-Id: APPL', 'X-Model-Secret: SEC12'),
    at(pairHeaders, missing, 'app_id: APPL'),
    at(pairHeaders, missing, 'app_key: SEC12'),
    at(pairHeaders, failed, 'app_id: APPL', 'app_key: wrong'),
    at(pairHeaders, failed, 'app_id: APPL', 'app_key: wrong', 'app-key: SEC12'),
  ])
  for (const second of ['user_key', 'user-key']) {
    const answer = await raw(header.port, GET, [`user_key: ${KEY}`, `${second}: bad`])
    t.equal(answer.status, 200, `good, bad in ${second}: 200`)
    t.same(
      [...sentAs(echoOf(answer), 'user_key'), ...sentAs(echoOf(answer), 'user-key')],
      [KEY, 'bad'],
      'both are forwarded',
    )
  }
})

t.test('query and form body: case is ignored, the first one counts, a JSON body is not searched', async (t) => {
  const at = ({ port }: GatewayProduct, first: string, one: Row[4], lines: string[] = [], body = ''): Row => [
    [first, ...lines, body].join(' '),
    port,
    first,
    lines,
    one,
    body,
  ]
  await checkRows(t, [
    at(query, `${GET}?user_key=${KEY}`, ok),
    at(query, `${GET}?USER_KEY=${KEY}`, ok),
    at(token, `${GET}?api_token=${KEY}`, ok),
    at(query, `${GET}?user_key=${KEY}&user_key=bad`, ok),
    at(query, `${GET}?user_key=bad&user_key=${KEY}`, failed),
    at(query, GET, missing, [`user_key: ${KEY}`]),
    at(query, GET, missing, [bearer(KEY)]),
    at(query, POST, ok, [form], `user_key=${KEY}`),
    at(query, POST, missing, [json], `{"user_key":"${KEY}"}`),
    at(query, POST, notFound, [form], `user_key=${KEY}&user_key=${KEY}`),
    at(pairQuery, `${GET}?app_id=APPL&app_key=SEC12`, ok),
    at(pairQueryNamed, `${GET}?client=APPL&secret=SEC12`, ok),
    at(pairQuery, `${GET}?app_id=APPL`, missing),
    at(pairQuery, `${GET}?app_key=SEC12`, missing),
    at(pairQuery, `${GET}?app_id=APPL&app_key=wrong`, failed),
  ])
  // Parameters next to a key that the body contains twice.
  await checkRows(t, [
    at(query, 'PUT /v1/models', expected.noRule, [form], `user_key=${KEY}`),
    at(query, 'PATCH /v1/models', notFound, [form], `user_key=bad&user_key=${KEY}`),
    at(query, POST, notFound, [form], 'user_key'),
    at(query, POST, failed, [form], 'user_key='),
    at(query, `${POST}?user_key=${KEY}`, ok, [form], 'user_key=bad&user_key=worse'),
    at(pairQuery, POST, notFound, [form], 'app_id=APPL&app_key=SEC12&app_key=SEC12'),
    at(pairQuery, POST, missing, [form], 'app_key=SEC12&app_key=SEC12'),
  ])
})

t.test('everything that the client sent is forwarded to the model server, including the credential', async (t) => {
  const all = [
    [authorization, GET, [bearer(KEY)]],
    [header, GET, [`user_key: ${KEY}`, bearer('sk-own')]],
    [query, `${GET}?user_key=${KEY}&x=%zz&y=a%2Fb`, [bearer('sk-own')]],
  ] as const
  for (const [product, first, lines] of all) {
    const echo = echoOf(
      await raw(product.port, first, [
        ...lines,
        'X-Forwarded-For: 1.2.3.4',
        'cookie: a=b',
        'X-REQUEST-id: r',
        'x-a: 1',
        'x-a: 2',
      ]),
    )
    t.equal(echo.url, first.replace('GET ', ''), 'query unchanged byte for byte')
    for (const line of lines) t.same(sentAs(echo, line.split(': ')[0] ?? ''), [line.split(': ')[1]], line)
    t.same(sentAs(echo, 'X-Forwarded-For'), ['1.2.3.4'], 'X-Forwarded-For is forwarded unchanged')
    t.same(sentAs(echo, 'cookie'), ['a=b'], 'Cookie is forwarded with its spelling unchanged')
    t.same(sentAs(echo, 'X-REQUEST-id'), ['r'], 'X-Request-Id is forwarded with its spelling unchanged')
    t.same(sentAs(echo, 'x-a'), ['1', '2'], 'repeated client headers are not joined')
    t.same(sentAs(echo, 'X-Real-IP'), ['127.0.0.1'], 'added: X-Real-IP')
    t.same(sentAs(echo, 'X-3scale-proxy-secret-token'), [product.secretToken], 'added: the secret token')
    t.same(sentAs(echo, 'Host'), [`127.0.0.1:${gateway.model.port}`], 'added: Host of the private endpoint')
  }
})

t.test('removed: Connection, Expect, TE, Upgrade and Keep-Alive; none is added', async (t) => {
  const lines = [
    bearer(KEY),
    'TE: trailers',
    'Upgrade: websocket',
    'Expect: 200-ok',
    'Keep-Alive: 5',
    'X-Real-IP: 9.9.9.9',
  ]
  const { headers } = echoOf(await raw(authorization.port, GET, [...lines, 'x-3scale-debug: guess']))
  t.same(Object.keys(headers).sort(), ['authorization', 'host', 'x-3scale-proxy-secret-token', 'x-real-ip'])
  t.equal(headers['x-real-ip'], '127.0.0.1', "the client's own value is replaced")
})

t.test('an empty POST is forwarded without a length, or with the one that the client sent', async (t) => {
  const without = echoOf(await raw(authorization.port, POST, [bearer(KEY)]))
  t.same([without.headers['content-length'], without.headers['transfer-encoding']], [undefined, undefined])
  const input = echoOf(await raw(authorization.port, POST, [bearer(KEY), 'Content-Length: 0']))
  t.equal(input.headers['content-length'], '0')
})
