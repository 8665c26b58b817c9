import t from 'tap'
import {
  bearer,
  checkRows,
  echoOf,
  expected,
  type GatewayProduct,
  type Row,
  startGateway,
  withHeaders,
} from '../helper/gateway.js'
import { raw } from '../helper/raw.js'

/** Behaviour measured on APIcast 2.16 for mapping rules, paths and backends at a path, row by row. */
const gateway = await startGateway()
t.teardown(() => gateway.close())

const KEY = '0123456789abcdef0123456789abcdef'
const { ok, failed, noRule, notFound, page } = expected
const apicast = { name: 'apicast', version: 'builtin', configuration: {} }
const seed = { location: 'authorization', policies: [apicast], proxy: { api_backend: gateway.upstream } }

async function withRules(...rules: unknown[][]): Promise<GatewayProduct> {
  const product = await gateway.product({ ...seed, rules })
  await gateway.application(product, { user_key: KEY })
  return product
}

const prefix = await withRules(['GET', '/v1', 'm_v1', 2])
const three = await withRules(
  ['GET', '/v1', 'm_v1', 2],
  ['GET', '/v1/models', 'm_models'],
  ['GET', '/v1/models$', 'm_dollar'],
)
const queries = await withRules(['GET', '/q?model={m}', 'm_q'], ['GET', '/q?model=granite', 'm_granite'])
const last = await withRules(['GET', '/last/a', 'm_last', 1, true], ['GET', '/last', 'm_afterlast'])
const segment = await withRules(['GET', '/x/{id}/y', 'm_par'])
const anything = await withRules(['GET', '/', 'hits'])

/** The configuration that porta deploys for backends at a path (porta, app/lib/backend_api_logic/routing_policy.rb). */
function routing(...backends: [path: string, url: string, id: number][]): object {
  const rules = backends.map(([path, url, owner_id]) => ({
    url,
    owner_id,
    owner_type: 'BackendApi',
    condition: {
      operations: [{ match: 'path', op: 'matches', value: path === '/' ? '^(/.*)' : `^(${path}/.*|${path}/?)` }],
    },
    ...(path === '/' ? {} : { replace_path: `{{uri | remove_first: '${path}'}}` }),
  }))
  return { name: 'routing', version: 'builtin', enabled: true, configuration: { rules } }
}

async function withBackends(policy: object, rules: ReturnType<typeof ruleOf>[]): Promise<GatewayProduct> {
  const proxy = { api_backend: null, proxy_rules: rules }
  // The rules of the draft define its metrics, and are replaced by those of the proxy.
  const metrics = [...new Set(rules.map(({ metric_system_name }) => metric_system_name))]
  const product = await gateway.product({
    location: 'authorization',
    policies: [policy, apicast],
    rules: metrics.map((metric) => ['GET', '/', metric]),
    proxy,
  })
  await gateway.application(product, { user_key: KEY })
  return product
}

const ruleOf = (pattern: string, metric: string, owner?: number) => ({
  http_method: 'GET',
  pattern,
  metric_system_name: metric,
  delta: 1,
  last: false,
  querystring_parameters: {},
  ...(owner === undefined ? { owner_type: 'Proxy', owner_id: 1 } : { owner_type: 'BackendApi', owner_id: owner }),
})

const backends = await withBackends(
  routing(['/embed', `${gateway.upstream}/base`, 25], ['/chat', gateway.upstream, 24]),
  [ruleOf('/', 'hits')],
)

t.test('mapping rules: the paths that match, and the reported usage', async (t) => {
  const rows = (product: GatewayProduct, paths: string[], usage: Record<string, number> | undefined): Row[] => {
    const text = Object.entries(usage ?? {})
      .map(([metric, amount]) => `usage%5B${metric}%5D=${amount}`)
      .join('&')
    const lines = [bearer(KEY), `X-3scale-debug: ${product.serviceToken}`]
    const one = usage ? withHeaders(ok, { 'x-3scale-usage': text }) : noRule
    return paths.map((path) => [`${path}: ${text || 'no rule'}`, product.port, `GET ${path}`, lines, one])
  }
  const both = { m_granite: 1, m_q: 1 }
  await checkRows(t, [
    ...rows(prefix, ['/v1', '/v1/', '/v1x'], { m_v1: 2 }),
    ...rows(three, ['/v1/models', '/v1/models?x=1'], { m_dollar: 1, m_models: 1, m_v1: 2 }),
    ...rows(three, ['/v1/models/', '/v1/models/granite', '/v1/modelsx'], { m_models: 1, m_v1: 2 }),
    ...rows(three, ['//v1/models', '/%76%31/models'], { m_dollar: 1, m_models: 1, m_v1: 2 }),
    ...rows(three, ['/V1/models', '/a/v1', '/v1/../metrics'], undefined),
    ...rows(queries, ['/q?model=abc'], { m_q: 1 }),
    ...rows(queries, ['/q?model=granite', '/q?other=1&model=granite', '/qx?model=granite'], both),
    ...rows(queries, ['/q?model='], { m_q: 1 }),
    ...rows(queries, ['/q'], undefined),
    ...rows(last, ['/last/a'], { m_last: 1 }),
    ...rows(last, ['/last/b'], { m_afterlast: 1 }),
    ...rows(segment, ['/x/1/y', '/x/1/y/z'], { m_par: 1 }),
    ...rows(segment, ['/x//y', '/x/1/2/y', '/x/1/z'], undefined),
  ])
})

/** Each request and the address that the model server received. */
async function received(
  t: { equal(found: unknown, required: unknown, name: string): unknown },
  { port }: GatewayProduct,
  addresses: Record<string, string>,
): Promise<void> {
  for (const [sent, address] of Object.entries(addresses)) {
    const answer = await raw(port, `GET ${sent}`, [bearer(KEY)])
    t.equal(answer.status === 200 ? echoOf(answer).url : answer.status, address, `${sent} -> ${address}`)
  }
}

t.test('one backend at /: the path is forwarded unchanged', async (t) => {
  const asSent = [
    '/v1/a%2Fb',
    '//v1//models',
    '/%76%31/models',
    '/v1/x/../models',
    '/v1/%7Ex',
    '/v1/a|b',
    '/v1?x=%zz&y=a%2Fb',
  ]
  await received(t, anything, Object.fromEntries(asSent.map((path) => [path, path])))
  const badRequest = page(400, 'Bad Request')
  await checkRows(
    t,
    ['/%zz', '/%4', '/%00', '/v1/a%00b', '/..', '/../v1', '/%2e%2e/v1', '/v1/../../x'].map((path) => [
      path,
      anything.port,
      `GET ${path}`,
      [bearer(KEY)],
      badRequest,
    ]),
  )
})

t.test('one backend at / whose private address has a path: normalized, decoded and escaped again', async (t) => {
  const proxy = { api_backend: `${gateway.upstream}/base/v9` }
  const product = await gateway.product({ ...seed, rules: [['GET', '/', 'hits']], proxy })
  await gateway.application(product, { user_key: KEY })
  await received(t, product, {
    '/': '/base/v9',
    '/v1/x?q=a%2Fb': '/base/v9/v1/x?q=a%2Fb',
    '//v1/a%2Fb/./c': '/base/v9/v1/a/b/c',
    '/%7Ea%20b|c': '/base/v9/~a%20b%7Cc',
    '/%e2%82%ac': '/base/v9/%E2%82%AC',
  })
  const slash = { api_backend: `${gateway.upstream}/` }
  const root = await gateway.product({ ...seed, rules: [['GET', '/', 'hits']], proxy: slash })
  await gateway.application(root, { user_key: KEY })
  await received(t, root, { '//v1/a%2Fb': '//v1/a%2Fb' })
})

t.test('backends by path', async (t) => {
  await received(t, backends, {
    '/chat/v1/models?x=1&user=a%2Fb': '/v1/models?x=1&user=a%2Fb',
    '/embed/v1/models': '/base/v1/models',
    '/chat': '/',
    '/chat/': '/',
    '/chatx/v1/models': '/x/v1/models',
    '/chat//v1/models': '/v1/models',
    '/chat/v1/a%20b%2Fc': '/v1/a%20b/c',
    // Special cases: only the first is removed, the decoded path counts, a decoded question mark ends it.
    '/chat/chat/v1': '/chat/v1',
    '/%63hat/v1': '/v1',
    '/chat/a%3Fb?c=1': '/a?c=1',
    '/embed': '/base',
    '/embed/': '/base/',
    '/embedded': '/base/ded',
  })
  await checkRows(t, [
    ['/v1/models: no backend, although a rule matched', backends.port, 'GET /v1/models', [bearer(KEY)], notFound],
    ['/Chat/v1/models: no backend', backends.port, 'GET /Chat/v1/models', [bearer(KEY)], notFound],
    ['no backend, wrong key', backends.port, 'GET /v1/models', [bearer('wrong')], failed],
  ])
})

t.test('a backend at / receives the remaining paths unchanged if another backend has a path', async (t) => {
  const policy = routing(['/chat', `${gateway.upstream}/chat-server`, 24], ['/', gateway.upstream, 25])
  const product = await withBackends(policy, [ruleOf('/', 'hits')])
  await received(t, product, { '/chat/v1': '/chat-server/v1', '/x/chat/v1': '/x/chat/v1', '//v1/a%2Fb': '//v1/a%2Fb' })
})

t.test('rules of a backend count only for its own requests', async (t) => {
  const product = await withBackends(routing(['/embed', gateway.upstream, 25], ['/chat', gateway.upstream, 24]), [
    ruleOf('/embed/v1', 'embedded', 25),
    ruleOf('/', 'chatted', 24),
  ])
  const lines = [bearer(KEY), `X-3scale-debug: ${product.serviceToken}`]
  const counted = (metric: string, matched: string) =>
    withHeaders(ok, { 'x-3scale-usage': `usage%5B${metric}%5D=1`, 'x-3scale-matched-rules': matched })
  await checkRows(t, [
    ['its own rule', product.port, 'GET /chat/v1', lines, counted('chatted', '/')],
    ['two match, its own counts', product.port, 'GET /embed/v1', lines, counted('embedded', '/embed/v1, /')],
    ["only the other backend's rule matches", product.port, 'GET /embed/v2', lines, noRule],
  ])
})
