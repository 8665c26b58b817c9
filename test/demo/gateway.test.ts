import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import {
  ACCOUNT,
  basic,
  bearer,
  check,
  closedPort,
  type Expected,
  expected,
  form,
  type GatewayProduct,
  json,
  startGateway,
  withHeaders,
} from '../helper/gateway.js'
import { raw } from '../helper/raw.js'

/** The 92 cases of the gateway's reference, in its order; later measurements are in the other files of this folder. */
const signing = await generateKeyPair('RS256')
const foreign = await generateKeyPair('RS256')
const gateway = await startGateway({ respond: await signInService() })
t.teardown(() => gateway.close())
const { stack, model, upstream, product, application, api, used, counted } = gateway
// Each case states the immediate result; the delay of the backend's counts is covered by another test.
await stack.behave({ count_delay_ms: 0 })

const K = '0123456789abcdef0123456789abcdef'
const DASHED = 'key-with-dashes-0123456789'
const cors = {
  name: 'cors',
  version: 'builtin',
  configuration: {
    allow_headers: ['Authorization', 'Content-type', 'Accept'],
    allow_origin: '*',
    allow_credentials: true,
  },
}
const apicast = { name: 'apicast', version: 'builtin', configuration: {} }
const llm = { name: 'llm-metrics', version: '0.1', configuration: { enable_sse_support: true } }
const chain = [cors, llm, apicast]
const guide = [
  ['GET', '/health', 'health'],
  ['GET', '/v1/models', 'list-models'],
  ['POST', '/v1/completions', 'completions'],
  ['POST', '/v1/chat/completions', 'chat-completions'],
]
const proxy = { api_backend: upstream }
const seed = { location: 'authorization', names: { user_key: 'Authorization' }, rules: guide, policies: chain, proxy }
const errorColumns = ['auth_failed', 'auth_missing', 'no_match', 'limits_exceeded'].flatMap((name) =>
  ['error_', 'error_status_', 'error_headers_'].map((prefix) => [prefix + name, null]),
)
const issuer = `http://client:secret@127.0.0.1:${model.port}/issuer`

const S = await product(seed)
const P = await product({ ...seed, policies: [apicast] })
const B = await product({
  ...seed,
  policies: [apicast],
  rules: [['GET', '/', 'hits']],
  proxy: { api_backend: `${upstream}/base/v9` },
})
const H = await product({ ...seed, location: 'headers', names: { user_key: 'user_key' } })
const HA = await product({ ...seed, location: 'headers' })
const Q = await product({ ...seed, location: 'query', names: { user_key: 'user_key' } })
const A2 = await product({ ...seed, version: '2' })
const H2 = await product({ ...seed, version: '2', location: 'headers' })
const Q2 = await product({ ...seed, version: '2', location: 'query' })
const O = await product({ ...seed, version: 'oidc', proxy: { ...proxy, oidc_issuer_endpoint: issuer } })
const OQ = await product({
  ...seed,
  version: 'oidc',
  location: 'query',
  proxy: { ...proxy, oidc_issuer_endpoint: issuer },
})
const R = await product({
  ...seed,
  rules: [
    ['GET', '/a/{id}/b', 'm1', 1],
    ['GET', '/a/{id}', 'm2', 2],
    ['GET', '/exact$', 'm3'],
    ['GET', '/q?x={v}', 'm4'],
    ['GET', '/q?x=1', 'm5'],
    ['GET', '/last', 'm6', 1, true],
    ['GET', '/last', 'hits'],
    ['POST', '/form?kind={k}', 'm7'],
    ['GET', '/dot.json', 'm8'],
  ],
})
const G = await product({ ...seed, rules: guide.map(([, pattern, metric]) => ['GET', pattern, metric]) })
const F = await product({
  ...seed,
  location: 'query',
  names: { user_key: 'user_key' },
  proxy: { ...proxy, ...Object.fromEntries(errorColumns) },
})
const X = await product({ ...seed, proxy: { api_backend: `http://127.0.0.1:${await closedPort()}` } })

for (const each of [S, P, B, H, HA, Q, R, G, F, X]) await application(each, { user_key: K })
const pending = await application(S, { user_key: 'PEND' }, { approval_required: 'true' })
const suspended = await application(S, { user_key: 'SUSP' })
await api('PUT', `/admin/api/accounts/${ACCOUNT}/applications/${suspended}/suspend.json`)
const colon = await application(S, { user_key: 'colon' })
await stack.put(`/_demo/applications/${colon}`, { user_key: 'a:b' })
await application(Q, { user_key: DASHED })
for (const each of [A2, H2, Q2]) {
  const application_key = ['SEC12', 'SEC22']
  await application(each, { application_id: 'APPL', application_key })
  const bare = await application(each, { application_id: 'NOKEYS' })
  await stack.put(`/_demo/applications/${bare}`, { keys: [] })
}
for (const each of [O, OQ]) await application(each, { application_id: 'client1' })
await application(S, { user_key: 'D' }, {}, [['chat-completions', 'day', 0]])
const L3 = await application(S, { user_key: 'L3' }, {}, [['hits', 'day', 3]])
await application(S, { user_key: 'E2' }, {}, [['chat-completions', 'eternity', 2]])
const T10 = await application(S, { user_key: 'T10' }, {}, [['total_tokens', 'day', 10]])
await application(F, { user_key: 'L1' }, {}, [['hits', 'day', 1]])

type Row = [number: number, to: GatewayProduct, first: string, lines: string[], expected: Expected, body?: string]

const { ok: OK, missing: MISS, failed: FAIL, noRule: NOMAP, limited: LIM, refusal } = expected
const corsAlways = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': ['Authorization', 'Content-type', 'Accept'],
  'access-control-allow-credentials': 'true',
  'access-control-max-age': '600',
}
const noCors = Object.fromEntries(Object.keys(corsAlways).map((name) => [name, undefined]))
const GET = 'GET /v1/models'
const CHAT = 'POST /v1/chat/completions'
const origin = 'Origin: https://app.example'
const preflight = [origin, 'Access-Control-Request-Method: POST']

/** The usage that R counts is in the debug header, for callers with the service token. */
const debug = ({ serviceToken }: GatewayProduct) => `X-3scale-debug: ${serviceToken}`
const counts = (usage: Record<string, number>): Expected => {
  const text = Object.entries(usage)
    .map(([metric, amount]) => `usage%5B${metric}%5D=${amount}`)
    .join('&')
  return withHeaders(OK, { 'x-3scale-usage': text })
}
const rule = (first: string, expected: Expected, lines: string[] = [], body = ''): Row => [
  0,
  R,
  first,
  [bearer(K), debug(R), ...lines],
  expected,
  body,
]
const numbered = (number: number, rows: Row[]): Row[] => rows.map(([, ...rest]): Row => [number, ...rest])

const rows: Row[] = [
  [1, S, GET, [bearer(K)], OK],
  [2, S, GET, [`authorization: Bearer ${K}`], OK],
  [3, S, GET, [`Authorization: ${basic(`${K}:`)}`], OK],
  [4, S, GET, [`Authorization: ${basic(`${K}:anything`)}`], OK],
  [5, S, GET, [`Authorization: ${basic(`:${K}`)}`], FAIL],
  [6, S, GET, [`Authorization: ${basic(`user:${K}`)}`], FAIL],
  [7, S, GET, [`Authorization: ${basic(K)}`], MISS],
  [8, S, GET, ['Authorization: Basic !!!'], MISS],
  [9, S, GET, [`Authorization: ${basic(`${K}:`).replace('Basic', 'BASIC')}`], MISS],
  [9, S, GET, [`Authorization: ${basic(`${K}:`).replace('Basic', 'basic')}`], MISS],
  [10, S, GET, [`Authorization: bearer ${K}`], MISS],
  [10, S, GET, [`Authorization: BEARER ${K}`], MISS],
  [11, S, GET, [`Authorization: ${K}`], MISS],
  [12, S, GET, ['Authorization:'], MISS],
  [13, S, GET, ['Authorization: Bearer'], FAIL],
  [13, S, GET, ['Authorization: Bearer  '], FAIL],
  [14, S, GET, [`Authorization: Bearer   ${K}  `], OK],
  [14, S, GET, [`Authorization: Bearer\t${K}`], OK],
  [15, S, GET, [`Authorization: Bearer${K}`], MISS],
  [16, S, GET, [`Authorization: Bearer: ${K}`], FAIL],
  [17, S, GET, [], MISS],
  [18, S, `${GET}?user_key=${K}`, [], MISS],
  [18, S, `${GET}?Authorization=${K}`, [], MISS],
  [18, S, `${GET}?api_key=${K}`, [], MISS],
  [19, S, GET, [`user_key: ${K}`], MISS],
  [19, S, GET, [`X-API-Key: ${K}`], MISS],
  [20, S, GET, [bearer('nope')], FAIL],
  [21, S, GET, [bearer('SUSP')], FAIL],
  [21, S, GET, [bearer('PEND')], FAIL],
  [22, S, GET, [`Authorization: ${basic('a:b:c')}`], OK],
  [23, S, 'GET /nope', [], MISS],
  [24, S, 'GET /nope', [bearer('nope')], NOMAP],
  [25, S, 'GET /nope', [bearer(K)], NOMAP],
  [26, S, GET, ['Host: other.example', bearer(K)], { status: 404, text: '' }],
  [27, S, GET, ['Host: localhost:8080', bearer(K)], OK],
  [27, S, GET, ['Host: LOCALHOST', bearer(K)], OK],
  [28, S, 'GET /_threescale/healthz', [], { status: 200, text: '' }],
  [28, S, 'GET /_threescale/healthz', ['Host: other.example'], { status: 200, text: '' }],
  [29, S, 'GET /v1/chat/completions', [bearer(K)], NOMAP],
  [30, S, CHAT, [bearer(K), json], OK, '{"model":"m"}'],
  [31, S, 'POST /chat/completions', [bearer(K)], NOMAP, '{}'],
  [32, S, 'POST /v1/v1/chat/completions', [bearer(K)], NOMAP, '{}'],
  [33, S, `${CHAT}/extra`, [bearer(K)], OK, '{}'],
  [33, S, `${GET}x`, [bearer(K)], OK],
  [33, S, `${GET}/`, [bearer(K)], OK],
  [34, S, 'GET /V1/models', [bearer(K)], NOMAP],
  [35, S, 'GET //v1//models', [bearer(K)], withHeaders(OK, { 'x-url': '//v1//models' })],
  [35, S, 'GET /./v1/models', [bearer(K)], OK],
  [35, S, 'GET /v1/x/../models', [bearer(K)], OK],
  [35, S, 'GET /v1/%6Dodels', [bearer(K)], OK],
  [36, S, `${GET}?x=1`, [bearer(K)], withHeaders(OK, { 'x-url': '/v1/models?x=1' })],
  [37, S, 'HEAD /v1/models', [bearer(K)], { status: 404, text: '' }],
  [38, S, 'POST /v1/embeddings', [bearer(K)], NOMAP, '{}'],
  [39, G, CHAT, [bearer(K)], NOMAP, '{}'],
  [40, G, 'GET /v1/chat/completions', [bearer(K)], OK],
  [
    41,
    S,
    'OPTIONS /v1/chat/completions',
    preflight,
    { status: 204, text: '', headers: { ...corsAlways, 'access-control-allow-methods': 'POST' } },
  ],
  [42, S, 'OPTIONS /nope', preflight, { status: 204, text: '', headers: corsAlways }],
  [
    43,
    S,
    'OPTIONS /v1/chat/completions',
    [origin],
    withHeaders(MISS, { ...corsAlways, 'access-control-allow-methods': undefined }),
  ],
  [44, S, 'OPTIONS /v1/models', [bearer(K)], NOMAP],
  [45, S, GET, [origin], withHeaders(MISS, corsAlways)],
  [46, S, GET, [origin, bearer(K)], withHeaders(OK, corsAlways)],
  [46, S, GET, [bearer(K)], withHeaders(OK, noCors)],
  [47, P, 'OPTIONS /v1/chat/completions', preflight, withHeaders(MISS, noCors)],
  [48, H, GET, [`user_key: ${K}`], OK],
  [48, H, GET, [`user-key: ${K}`], OK],
  [48, H, GET, [`USER_KEY: ${K}`], OK],
  [49, H, GET, [`user_key: Bearer ${K}`], FAIL],
  [50, H, GET, ['user_key:'], FAIL],
  [51, H, GET, [bearer(K)], MISS],
  [51, H, `${GET}?user_key=${K}`, [], MISS],
  [52, HA, GET, [`Authorization: ${K}`], OK],
  [53, HA, GET, [bearer(K)], FAIL],
  [53, HA, GET, [`Authorization: ${basic(`${K}:`)}`], FAIL],
  [54, Q, `${GET}?user_key=${K}`, [], OK],
  [54, Q, `${GET}?USER_KEY=${K}`, [], OK],
  [55, Q, `${GET}?user_key=${K}&user_key=nope`, [], OK],
  [56, Q, `${GET}?user_key=${DASHED}`, [], OK],
  [56, Q, `${GET}?user_key=${DASHED.replaceAll('-', '%2D')}`, [], FAIL],
  [57, Q, `${GET}?user%5Fkey=${K}`, [], MISS],
  [57, Q, `${GET}?user_key`, [], MISS],
  [58, Q, `${GET}?user_key=`, [], FAIL],
  [59, Q, CHAT, [form], OK, `user_key=${K}`],
  [59, Q, CHAT, [`${form}; charset=utf-8`], OK, `user_key=${K}`],
  [60, Q, CHAT, [json], MISS, `{"user_key":"${K}"}`],
  [60, Q, 'DELETE /v1/models', [form], MISS, `user_key=${K}`],
  [60, Q, GET, [bearer(K)], MISS],
  [60, Q, GET, [`user_key: ${K}`], MISS],
  [61, A2, GET, [`Authorization: ${basic('APPL:SEC12')}`], OK],
  [61, A2, GET, [`Authorization: ${basic('APPL:SEC22')}`], OK],
  [62, A2, GET, [bearer('APPL')], MISS],
  [62, A2, GET, ['app_id: APPL', 'app_key: SEC12'], MISS],
  ...['APPL:', ':SEC12', 'SEC12:APPL', 'APPL:bad', 'nope:SEC12'].map(
    (pair): Row => [63, A2, GET, [`Authorization: ${basic(pair)}`], FAIL],
  ),
  [64, H2, GET, ['app_id: APPL', 'app_key: SEC12'], OK],
  [64, H2, GET, ['app-id: APPL', 'App-Key: SEC12'], OK],
  [64, H2, GET, ['app_id: APPL', 'app_key: SEC12', bearer('x')], OK],
  [65, H2, GET, ['app_id: APPL'], MISS],
  [66, Q2, `${GET}?app_id=APPL&app_key=SEC12`, [], OK],
  [66, Q2, `${CHAT}?app_id=APPL`, [form], OK, 'app_key=SEC12'],
  [67, Q2, `${GET}?app_id=APPL`, [], MISS],
  [67, Q2, `${GET}?app_key=SEC12`, [], MISS],
  [68, Q2, `${GET}?app_id=APPL&app_key=`, [], FAIL],
  [68, Q2, `${GET}?app_id=APPL&app_key=wrong`, [], FAIL],
  [68, Q2, `${GET}?app_id=nobody&app_key=SEC12`, [], FAIL],
  [69, Q2, `${GET}?app_id=NOKEYS&app_key=whatever`, [], OK],
  [69, Q2, `${GET}?app_id=NOKEYS&app_key=`, [], OK],
  [70, O, GET, [bearer(await token())], OK],
  [70, O, GET, [bearer(await token({ aud: 'anybody' }))], OK],
  [70, O, GET, [bearer(await token({ typ: undefined }))], OK],
  [71, O, GET, [], MISS],
  [71, O, GET, [`Authorization: bearer ${await token()}`], MISS],
  [71, O, GET, [`Authorization: ${basic('client1:cs')}`], MISS],
  [71, O, `${GET}?access_token=${await token()}`, [], MISS],
  ...(await badTokens()).map((bad): Row => [72, O, GET, [bearer(bad)], FAIL]),
  [73, O, 'GET /nope', [bearer(await token())], NOMAP],
  [73, O, 'GET /nope', [bearer('not.a.token')], FAIL],
  [74, OQ, `${GET}?access_token=${await token()}`, [], OK],
  [74, OQ, GET, [bearer(await token())], OK],
  ...numbered(75, [
    rule('GET /a/1/b', counts({ m1: 1, m2: 2 })),
    rule('GET /a/1', counts({ m2: 2 })),
    rule('GET /a/x/y/b', counts({ m2: 2 })),
    rule('GET /a/', NOMAP),
    rule('GET /a', NOMAP),
  ]),
  ...numbered(76, [rule('GET /exact', counts({ m3: 1 })), rule('GET /exact/', NOMAP), rule('GET /exactly', NOMAP)]),
  ...numbered(77, [
    rule('GET /q?x=1', counts({ m4: 1, m5: 1 })),
    rule('GET /q?x=2', counts({ m4: 1 })),
    rule('GET /q?x', counts({ m4: 1 })),
    rule('GET /q', NOMAP),
    rule('GET /q?X=1', NOMAP),
    rule('GET /q?x=2&x=1', counts({ m4: 1, m5: 1 })),
  ]),
  ...numbered(78, [
    rule('GET /last', counts({ m6: 1 })),
    rule('GET /dot.json', counts({ m8: 1 })),
    rule('GET /dotXjson', NOMAP),
  ]),
  ...numbered(79, [
    rule('POST /form', counts({ m7: 1 }), [form], 'kind=7'),
    rule('POST /form?kind=7', counts({ m7: 1 }), [json], '{}'),
    rule('POST /form', NOMAP, [json], '{"kind":7}'),
  ]),
  [80, S, CHAT, [bearer('D')], FAIL, '{}'],
  [80, S, 'GET /health', [bearer('D')], OK],
  [81, S, CHAT, [bearer('L3')], OK, '{}'],
  [81, S, GET, [bearer('L3')], OK],
  [81, S, CHAT, [bearer('L3')], OK, '{}'],
  [82, S, CHAT, [bearer('L3')], OK, '{}'],
  [82, S, CHAT, [bearer('L3')], withHeaders(LIM, { 'retry-after': /^\d+$/ }), '{}'],
  [82, S, 'GET /health', [bearer('L3')], withHeaders(LIM, { 'retry-after': /^\d+$/ })],
  [83, S, CHAT, [bearer('E2')], OK, '{}'],
  [83, S, CHAT, [bearer('E2')], OK, '{}'],
  [83, S, CHAT, [bearer('E2')], OK, '{}'],
  [83, S, CHAT, [bearer('E2')], withHeaders(LIM, { 'retry-after': '-1' }), '{}'],
  [83, S, 'GET /health', [bearer('E2')], OK],
  [87, F, GET, [], refusal(401, 'Authentication parameters missing', 'text/plain; charset=utf-8')],
  [87, F, `${GET}?user_key=nope`, [], refusal(403, 'Authentication failed', 'text/plain; charset=utf-8')],
  [87, F, `${GET}?user_key=L1`, [], OK],
  [87, F, `${GET}?user_key=L1`, [], OK],
  [87, F, `${GET}?user_key=L1`, [], refusal(429, 'Limits exceeded', 'text/plain; charset=utf-8')],
  [87, F, `GET /nope?user_key=${K}`, [], refusal(404, 'No Mapping Rule matched', 'text/plain; charset=utf-8')],
  [88, B, 'GET /v1/x?q=1', [bearer(K)], withHeaders(OK, { 'x-url': '/base/v9/v1/x?q=1' })],
  [88, B, 'GET /', [bearer(K)], withHeaders(OK, { 'x-url': '/base/v9' })],
  ...[401, 429, 500].map(
    (status): Row => [
      89,
      B,
      `GET /v1/answer/${status}`,
      [bearer(K)],
      { status, text: `the model says ${status}`, headers: { 'x-model': 'own', 'content-type': 'text/x-model' } },
    ],
  ),
  [90, X, GET, [bearer(K)], { status: 502, text: /<html>/, headers: { 'content-type': 'text/html' } }],
  [92, S, GET, [bearer(K), bearer(K)], { status: 400, text: /<html>/ }],
]

const seen = new Set<number>()

t.test('the 92 cases of the reference return the same response', async (t) => {
  for (const [number, to, first, lines, expected, body] of rows) {
    const answer = await raw(to.port, first, lines, body)
    seen.add(number)
    check(t, `${number}: ${first} ${lines.join(', ')}`, answer, expected)
  }

  const untilMidnight = Math.ceil((Date.UTC(...utcDay(1)) - Date.now()) / 1000)
  const limited = await raw(S.port, CHAT, [bearer('L3')], '{}')
  t.ok(Math.abs(Number(limited.header('retry-after')) - untilMidnight) < 120, '82: until midnight, UTC')

  for (let call = 0; call < 6; call++) {
    const answer = await raw(S.port, CHAT, [bearer('T10'), json], '{"answer_usage":7}')
    t.equal(answer.status, 200, '84: a limit on tokens rejects no request')
    if (call === 0) await counted('total_tokens', T10, 7)
  }
  // Every second call is answered from the cache, and the report after it is over the limit.
  t.equal(await used('total_tokens', T10), 21, '84: a report over the limit is rejected as a whole')
  seen.add(84)

  t.equal(await used('hits', L3), 3, '85: methods count as hits, and rejected calls do not')
  t.equal(await used('chat-completions', L3), 2, '85: a separate method')
  seen.add(85)

  const rotated = await application(S, { user_key: 'beforehand' })
  t.equal((await raw(S.port, GET, [bearer('beforehand')])).status, 200)
  await api('PUT', `/admin/api/accounts/${ACCOUNT}/applications/${rotated}.json`, { user_key: 'afterwards' })
  await raw(S.port, GET, [bearer('beforehand')])
  check(t, '86: the previous key, second call', await raw(S.port, GET, [bearer('beforehand')]), FAIL)
  check(t, '86: the new key', await raw(S.port, GET, [bearer('afterwards')]), OK)
  seen.add(86)

  const passed = JSON.parse((await raw(S.port, GET, [bearer(K), debug(S)])).text) as { headers: object }
  t.match(passed.headers, {
    authorization: `Bearer ${K}`,
    'x-3scale-proxy-secret-token': S.secretToken,
    host: `127.0.0.1:${model.port}`,
    'x-real-ip': '127.0.0.1',
  })
  t.notOk('x-3scale-debug' in passed.headers, '91: the debug header is not forwarded')
  seen.add(91)

  const missing = Array.from({ length: 92 }, (_, index) => index + 1).filter((number) => !seen.has(number))
  t.same(missing, [], 'every row of the table')
})

t.test('pending applications have keys, which are accepted after approval', async (t) => {
  await api('PUT', `/admin/api/accounts/${ACCOUNT}/applications/${pending}/accept.json`)
  t.equal((await raw(S.port, GET, [bearer('PEND')])).status, 200)
})

t.test('the debug headers return rules and credentials only to callers with the service token', async (t) => {
  const reported = await raw(R.port, 'GET /a/1/b', [bearer(K), debug(R)])
  t.equal(reported.header('x-3scale-matched-rules'), '/a/{id}/b, /a/{id}')
  t.equal(reported.header('x-3scale-credentials'), `user_key=${K}`)
  t.equal(reported.header('x-3scale-service-id'), String(R.id))
  const guessed = await raw(R.port, 'GET /a/1/b', [bearer(K), 'X-3scale-debug: guess'])
  t.notOk(guessed.headers.some(([name]) => /^x-3scale/i.test(name)))
})

function utcDay(offset: number): [number, number, number] {
  const now = new Date()
  return [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + offset]
}

async function token(claims: Record<string, unknown> = {}, key = signing.privateKey, kid = 'one'): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const all = { iss: issuerUrl(), sub: 'x', aud: 'y', azp: 'client1', typ: 'Bearer', exp: now + 300, ...claims }
  const stored = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return new SignJWT(stored).setProtectedHeader({ alg: 'RS256', kid }).sign(key)
}

async function badTokens(): Promise<string[]> {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: issuerUrl(), sub: 'x', aud: 'y', azp: 'client1', exp: now + 300 }
  return [
    await token({ exp: now - 10 }),
    await token({ iss: 'http://elsewhere.example' }),
    await token({ sub: undefined }),
    await token({ aud: undefined }),
    await token({ typ: 'ID' }),
    await token({ nbf: now + 300 }),
    await token({}, foreign.privateKey),
    await token({}, signing.privateKey, 'unknown'),
    `${part({ alg: 'none' })}.${part(claims)}.`,
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(new TextEncoder().encode(K + K)),
    await token({ azp: 'nobody' }),
    await token({ azp: undefined }),
    'not-a-token',
  ]
}

function issuerUrl(): string {
  return `http://127.0.0.1:${model.port}/issuer`
}

/** The issuer of the OpenID Connect products, on the model server's port. */
async function signInService() {
  const keys = [{ ...(await exportJWK(signing.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }]
  return ({ url = '' }: IncomingMessage, response: ServerResponse): boolean => {
    const send = (body: object) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const isDocument = url.endsWith('/openid-configuration')
    const document = { issuer: issuerUrl(), jwks_uri: `${issuerUrl()}/jwks` }
    if (isDocument) send({ ...document, id_token_signing_alg_values_supported: ['RS256'] })
    else if (url.endsWith('/jwks')) send({ keys })
    else return false
    return true
  }
}
