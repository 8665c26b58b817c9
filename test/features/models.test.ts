import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Eta } from 'eta'
import t from 'tap'
import { createCache } from '../../src/clients/cache.js'
import { createHttp } from '../../src/clients/http.js'
import type { GatewayConfig, Plan, Product, Threescale } from '../../src/clients/threescale/nouns.js'
import { readSpec } from '../../src/clients/threescale/spec.js'
import { problem } from '../../src/errors.js'
import { modelView } from '../../src/features/models/model-view.js'
import { createModels, type ModelsDeps } from '../../src/features/models/models.js'
import { createServers } from '../../src/features/models/servers.js'
import { specFacts } from '../../src/features/models/spec-facts.js'
import { projectRoot } from '../../src/root.js'
import type { Caller } from '../../src/web/caller.js'

const log = { warn: () => {}, info: () => {} }
const quietServers = { mayAsk: () => false, ask: async () => {} }

const hits = { metricId: 11, metric: 'hits', delta: 1, last: false }

/** A tenant in memory; every call is counted and takes a moment. */
function tenant(names: string[]) {
  const calls: Record<string, number> = {}
  let running = 0
  let atOnce = 0
  const state = {
    products: names.map((systemName, index) => ({ id: index + 1, systemName, name: systemName, description: '' })),
    plans: names.map((_name, index) => ({
      id: index + 1,
      productId: index + 1,
      systemName: 'basic',
      name: 'Basic',
      state: 'published',
      isDefault: false,
      custom: false,
      updatedAt: '1',
    })),
    docs: [] as { id: number; productId: number; published: boolean; body: string }[],
    subscriptions: [] as { id: number; productId: number; state: string }[],
    servicePlansVisible: false,
    down: false,
    backend: '',
    version: 1,
    changedAt: '2026-01-01T00:00:00Z',
    /** verb and pattern, by product; those of a chat model where it is left out */
    rules: {} as Record<number, [method: string, pattern: string][]>,
  }
  const answer =
    <T>(name: string, make: (id: number) => T) =>
    async (id = 0): Promise<T> => {
      calls[name] = (calls[name] ?? 0) + 1
      atOnce = Math.max(atOnce, ++running)
      await sleep(1)
      running--
      if (state.down) throw problem('threescale_unavailable')
      return make(id)
    }
  const config = (product: { id: number }): GatewayConfig => ({
    productId: product.id,
    version: state.version,
    changedAt: state.changedAt,
    endpoint: `https://model-${product.id}.example.com:443`,
    credentials: {
      mode: 'user_key',
      location: 'authorization',
      names: { userKey: 'user_key', appId: 'app_id', appKey: 'app_key' },
    },
    rules: state.rules[product.id]?.map(([method, pattern]) => ({ ...hits, method, pattern })) ?? [
      { ...hits, method: 'POST', pattern: '/v1/chat/completions', metricId: 12, metric: 'chat.7' },
      { ...hits, method: 'GET', pattern: '/v1/models' },
    ],
    backends: [{ path: '/', versioned: false }],
    issuer: undefined,
    policies: [],
    tokenPolicy: undefined,
    refusals: {
      authFailed: { status: 403, text: 'Authentication failed' },
      authMissing: { status: 403, text: 'Authentication parameters missing' },
      noMatch: { status: 404, text: 'No Mapping Rule matched' },
      limitsExceeded: { status: 429, text: 'Usage limit exceeded' },
    },
    privateAddress: state.backend || undefined,
  })
  const threescale = {
    listProducts: answer('products', () => state.products as Product[]),
    listPlans: answer('plans', () => state.plans as unknown as Plan[]),
    listGatewayConfigs: answer('configs', () => state.products.map(config)),
    listApiDocs: answer('docs', () => state.docs),
    readApiDoc: answer('doc', (id) => state.docs.find((doc) => doc.id === id)),
    listFieldDefinitions: answer('fields', () => []),
    readSettings: answer('settings', () => ({ servicePlansVisible: state.servicePlansVisible })),
    listLimits: answer('limits', () => [
      { metricId: 11, period: 'day', value: 5 },
      { metricId: 12, period: 'day', value: 6 },
    ]),
    listPricingRules: answer('prices', () => [{ metricId: 11, costPerUnit: 0.5, from: 1, to: undefined }]),
    listMetrics: answer('metrics', () => [{ id: 11, systemName: 'hits', name: 'Hits', unit: 'hit' }]),
    listSubscriptions: answer('subscriptions', () => state.subscriptions),
    listApplications: answer('applications', () => [{ id: 9, name: 'mine', productId: 1, state: 'live' }]),
  } as unknown as Threescale
  return {
    state,
    threescale,
    count: (name: string) => calls[name] ?? 0,
    total: () => Object.values(calls).reduce((sum, n) => sum + n, 0),
    atOnce: () => atOnce,
  }
}

function catalogue(threescale: Threescale, extra: Partial<ModelsDeps> = {}) {
  const cache = createCache({ prefix: 'test', log })
  return createModels({
    threescale,
    cache,
    ttlSeconds: 3600,
    detailTtlSeconds: 3600,
    configurationSeconds: 300,
    notes: {},
    tokenEndpoint: async () => '',
    servers: quietServers,
    log,
    ...extra,
  })
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (await holds()) return
    await sleep(5)
  }
  throw new Error('it never came')
}

const first = async (models: ReturnType<typeof catalogue>) => (await models.list({}, undefined)).models[0]

t.test('one pass reads limits, prices, and then the names they need, four at a time', async (t) => {
  const { threescale, count, total, atOnce } = tenant(Array.from({ length: 30 }, (_, index) => `m${index}`))
  const models = catalogue(threescale)
  t.equal((await first(models))?.plans[0]?.limits, null, 'the first page does not wait')
  await until(() => count('metrics') === 30)
  await until(async () => ((await first(models))?.plans[0]?.limits?.[0]?.metric_name ?? '') === 'Hits')
  t.same([count('limits'), count('prices'), count('metrics')], [30, 30, 30])
  t.ok(atOnce() <= 6, 'six bulk calls, then four details at once')
  t.same((await first(models))?.plans[0]?.limits?.[1], {
    metric: 'chat.7',
    metric_name: 'chat',
    period: 'day',
    value: 6,
  })
  t.same((await first(models))?.plans[0]?.prices, [
    { metric: 'hits', metric_name: 'Hits', cost_per_unit: 0.5, from: 1, to: null },
  ])
  const before = total()
  await models.list({ q: 'm1' }, undefined)
  await models.find('m3', undefined)
  await sleep(20)
  t.equal(total(), before, 'warm pages make no call')
})

t.test('3scale goes away in the middle: the pass stops, the rest follows later', async (t) => {
  const { threescale, state, count } = tenant(Array.from({ length: 50 }, (_, index) => `m${index}`))
  let clock = Date.now()
  const models = catalogue(threescale, { ttlSeconds: 1, now: () => clock })
  await first(models)
  state.down = true
  await until(() => count('limits') > 0)
  await sleep(60)
  t.ok(count('limits') + count('prices') < 40, 'those that fail end it')
  state.down = false
  clock += 20_000
  models.start()
  t.teardown(() => models.stop())
  await until(async () =>
    (await models.list({}, undefined)).models.every(({ plans }) => plans.every(({ limits }) => limits !== null)),
  )
})

t.test('who may see and take a product', async (t) => {
  const person = (groups: string[]): Caller => ({ accountId: 7, groups }) as Caller
  const { threescale, state, count } = tenant(['open', 'research', 'switched-off', 'no-plan', 'custom-plan'])
  const plan = (id: number) =>
    state.plans.find((candidate) => candidate.id === id) as { state: string; custom: boolean }
  plan(4).state = 'hidden'
  plan(5).custom = true
  const notes = { research: { visible_to: ['science'] }, 'switched-off': { hidden: true } }
  const models = catalogue(threescale, { notes })
  const names = async (caller: Caller | undefined) =>
    (await models.list({}, caller)).models.map(({ system_name }) => system_name)
  t.same(await names(undefined), ['open'])
  t.same(await names(person([])), ['open'])
  t.same(await names(person(['science'])), ['open', 'research'])
  await t.rejects(models.find('research', person(['other'])), { code: 'not_found' })
  await t.rejects(models.find('no-plan', person(['science'])), { code: 'not_found' })
  t.same((await models.list({ mine: true }, person([]))).models.length, 1, 'an application of its own')
  await models.list({ mine: true }, person([]))
  t.equal(count('applications'), 1, 'asked once, kept for a while')
  await t.rejects(models.list({ mine: true }, undefined), { code: 'sign_in_required' })

  const subscribed = tenant(['open', 'other'])
  subscribed.state.servicePlansVisible = true
  subscribed.state.subscriptions = [
    { id: 1, productId: 1, state: 'live' },
    { id: 2, productId: 2, state: 'pending' },
  ]
  const shown = catalogue(subscribed.threescale)
  t.same((await shown.list({}, undefined)).models, [], 'service plans: a visitor has no subscription')
  const live = await shown.list({}, person([]))
  t.same(
    live.models.map(({ system_name }) => system_name),
    ['open'],
    'only with a live subscription',
  )
  await t.rejects(shown.find('other', person([])), { code: 'not_found' })
})

t.test('facts remember their source: PORTAL_CONFIG, then the spec, the gateway, the model server', async (t) => {
  const { threescale, state } = tenant(['plain', 'told'])
  state.docs = [
    {
      id: 5,
      productId: 2,
      published: true,
      body: JSON.stringify({
        openapi: '3.1.0',
        info: {
          description: 'From the spec.',
          license: { name: 'MIT', url: 'https://example.com/of-the-api' },
          contact: { name: 'Vendor', email: 'vendor@example.com' },
          termsOfService: 'https://example.com/terms',
          'x-maas': {
            context_length: 4096,
            license: { name: 'Apache-2.0', url: 'https://example.com/licence' },
            owner: { name: 'Platform', email: 'team@example.com' },
            capabilities: ['tools', 'flying'],
            state: 'deprecated',
            retires_on: '2099-01-31',
          },
        },
        paths: {
          '/v1/embeddings': { post: { requestBody: { content: { j: { example: { model: 'org/vectors' } } } } } },
          '/v1/chat/completions': { post: { requestBody: { content: { j: { example: { model: 'org/spec' } } } } } },
        },
      }),
    },
  ]
  const notes = { told: { context_length: 8192, successor: 'plain' } }
  const models = catalogue(threescale, { notes })
  const plain = (await models.find('plain', undefined)).model
  t.match(plain, {
    type: 'chat',
    model_id: null,
    context_length: null,
    capabilities: [],
    license: null,
    state: 'available',
  })
  t.equal(plain.sources.type, 'gateway')
  await models.learnModelId('plain', 'org/learned', 2048)
  await models.learnModelId('told', 'org/other', 1)
  const learned = (await models.find('plain', undefined)).model
  t.match(learned, { model_id: 'org/learned', context_length: 2048 })
  t.match(learned.sources, { model_id: 'model_server', context_length: 'model_server' })
  const told = (await models.find('told', undefined)).model
  t.match(told, {
    type: 'chat',
    model_id: 'org/other',
    context_length: 8192,
    capabilities: ['tools'],
    license: { name: 'Apache-2.0', url: 'https://example.com/licence' },
    owner: { name: 'Platform', url: 'mailto:team@example.com' },
    description: 'From the spec.',
    links: [],
    state: 'deprecated',
    retires_on: '2099-01-31',
    successor: 'plain',
  })
  t.match(told.sources, {
    type: 'gateway',
    model_id: 'model_server',
    context_length: 'portal_config',
    license: 'active_docs',
  })
  for (const [id, length] of [
    ['two\nlines', -1],
    ['', 1.5],
    [7, '9'],
    [{}, 1e12],
    ['x'.repeat(300), null],
  ])
    await models.learnModelId('plain', id, length)
  t.match((await models.find('plain', undefined)).model, { model_id: 'org/learned', context_length: 2048 })
  const later = catalogue(threescale, { notes, now: () => Date.parse('2099-02-01') })
  t.equal((await later.find('told', undefined)).model.state, 'retired', 'its day has come')
  const hidden = catalogue(threescale, { notes: { ...notes, plain: { visible_to: ['some'] } } })
  t.equal((await hidden.find('told', undefined)).model.successor, null, 'a restricted successor is not named')
})

t.test(
  'a type that mapping rules only make likely counts where nothing else tells, and is said to be assumed',
  async (t) => {
    const { threescale, state } = tenant(['plain', 'noted', 'spec', 'own', 'server', 'named', 'reads', 'below'])
    const [prefix, read] = [
      ['POST', '/'],
      ['GET', '/'],
    ] as [string, string][]
    state.rules = Object.fromEntries([1, 2, 3, 4, 5, 8].map((id) => [id, [read, prefix] as [string, string][]]))
    state.rules[6] = [...(state.rules[1] ?? []), ['POST', '/v1/embeddings']]
    state.rules[7] = [['GET', '/']]
    const doc = (productId: number, path: string) => ({
      id: productId,
      productId,
      published: true,
      body: JSON.stringify({ openapi: '3.0.3', paths: { [path]: { post: {} } } }),
    })
    state.docs = [doc(3, '/v1/rerank'), doc(4, '/analyse'), doc(8, '/openai/v1/chat/completions')]
    const models = catalogue(threescale, { notes: { noted: { type: 'image' } } })
    await models.learnModelId('server', 'org/e', undefined, 'embedding')
    await models.learnModelId('named', 'org/n', undefined, 'rerank')
    const seen = Object.fromEntries(
      (await models.list({}, undefined)).models.map(({ system_name, type, base_url, sources }) => [
        system_name,
        [type, sources.type, new URL(base_url).pathname, sources.base_url].join(' '),
      ]),
    )
    t.same(seen, {
      plain: 'chat assumed /v1 assumed',
      noted: 'image portal_config /v1 assumed',
      spec: 'rerank active_docs /v1 active_docs',
      own: 'custom active_docs / gateway',
      server: 'embedding model_server /v1 assumed',
      named: 'embedding gateway /v1 gateway',
      reads: 'custom  / gateway',
      below: 'chat active_docs /openai/v1 active_docs',
    })
    const { model } = await models.find('plain', undefined)
    const view = modelView({ model, successor: undefined, descriptionHtml: '', snippets: [], staleSeconds: undefined })
    const fact = (label: string) => view.facts.find((each) => each.label === label)
    t.match(fact('Type'), { value: 'Chat', source: 'assumed, because the mapping rules name no call' })
    t.match(fact('Base URL'), { value: 'https://model-1.example.com/v1', source: /assumed/ })
    t.match(fact('Model id'), { value: 'Not known yet; the code asks the model server for it' })
    t.same(view.paths[1], { method: 'POST', path: '/', note: 'and every path that begins with it' })
  },
)

t.test('odd specs tell what they can and never fail', async (t) => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const cases: [name: string, body: string, facts: object][] = [
    ['nothing', '', {}],
    ['a number', '7', {}],
    ['a list', '[]', {}],
    ['HTML', '<html><body>openapi: 3</body></html>', {}],
    ['broken JSON', '{"openapi": ', {}],
    ['wrong types', '{"info":[],"paths":7,"x-maas":"x"}', {}],
    [
      'wrong facts',
      '{"x-maas":{"model_id":7,"type":"chatty","context_length":"many","retires_on":"soon","links":7}}',
      {},
    ],
    ['bad links', '{"externalDocs":{"url":"javascript:alert(1)"},"info":{"termsOfService":"ftp://x"}}', {}],
    ['deep', deep(100_000), {}],
    ['deep paths', `{"paths":${deep(5000)}}`, {}],
    ['YAML', 'openapi: 3.0.0\ninfo:\n  x-maas:\n    model_id: org/yaml\n', { model_id: 'org/yaml' }],
    ['YAML in JSON', JSON.stringify('openapi: 3.0.0\nx-maas: {model_id: org/yaml}'), { model_id: 'org/yaml' }],
    ['JSON in JSON', JSON.stringify('{"x-maas":{"model_id":"org/json"}}'), { model_id: 'org/json' }],
    [
      'a YAML bomb',
      `openapi: 3.0.0\na: &a [1,2,3,4,5,6,7,8,9]\n${'bcdefghij'.replace(
        /./g,
        (c) =>
          `${c}: &${c} [${Array(9)
            .fill(`*${String.fromCharCode(c.charCodeAt(0) - 1)}`)
            .join(',')}]\n`,
      )}`,
      {},
    ],
    ['huge', `{"x-maas":{"model_id":"org/huge"},"pad":"${'x'.repeat(5_000_000)}"}`, {}],
    [
      'Swagger 2',
      '{"swagger":"2.0","paths":{"/v1/rerank":{"post":{"parameters":[{"in":"body","schema":{"properties":{"model":{"default":"org/two"},"stream":{"type":"boolean"}}}}]}}}}',
      { operations: [{ base: '', path: '/v1/rerank', modelId: 'org/two', streams: true }] },
    ],
  ]
  for (const [name, body, facts] of cases) {
    const { declared, operations } = specFacts(readSpec(body))
    t.same({ ...declared, ...(operations.length > 0 ? { operations } : {}) }, facts, name)
  }
})

t.test('a model server that lies, floods or dawdles spoils nothing', async (t) => {
  let answer: (path: string, response: import('node:http').ServerResponse) => void = () => {}
  const server = createServer((request, response) => answer(request.url ?? '', response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`
  const http = createHttp()
  t.teardown(() => http.close())
  const model = {
    system_name: 'm',
    type: 'chat',
    endpoint: 'https://m.example.com',
    base_url: 'https://m.example.com/v1',
    paths: [{ method: 'GET', path: '/v1/models', pattern: '/v1/models' }],
  } as never
  const heard: unknown[] = []
  let preferred: string | undefined
  const servers = (notes: Record<string, object>, privateAddresses: boolean) =>
    createServers({
      http,
      notes,
      privateAddresses,
      askAs: async () => {
        throw problem('gateway_unavailable')
      },
      learn: async (...told) => {
        heard.push(told)
      },
      learnUnlisted: async (name) => {
        heard.push([name, 'no list'])
      },
      exampleIdOf: () => preferred,
      learnFormat: async (...told) => {
        heard.push(told)
      },
      log,
    })
  t.equal(servers({}, false).mayAsk('m'), false, 'nobody is asked without the operator saying so')
  t.equal(servers({ m: { model_server: { private_address: false } } }, true).mayAsk('m'), false)
  t.equal(servers({ m: { model_server: { application: { account: 1, id: 2 } } } }, false).mayAsk('m'), true)
  await servers({ m: { model_server: { application: { account: 1, id: 2 } } } }, false).ask(model, undefined)

  const ask = () => servers({}, true).ask(model, address)
  answer = (path, response) => response.end(JSON.stringify({ data: [{ id: path, max_model_len: 7 }] }))
  await ask()
  t.same(heard.splice(0), [['m', '/base/v1/models', 7, undefined]], 'the path of the rule below the private address')
  const left: string[] = []
  const listOf = (count: number, rest: string) =>
    JSON.stringify({ data: Array.from({ length: count }, (_, n) => ({ id: `org/${n}-${rest}` })) })
  const hostile: [string, (response: import('node:http').ServerResponse) => void][] = [
    ['HTML', (response) => response.end('<html>')],
    ['an error', (response) => response.writeHead(500).end('{"data":[{"id":"x"}]}')],
    ['a redirect', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['a flood', (response) => response.end(`{"data":[{"id":"x"}],"pad":"${'x'.repeat(1_000_000)}"}`)],
    ['depth', (response) => response.end('['.repeat(100_000))],
    ['wrong types', (response) => response.end('{"data":{"0":{"id":"x"}}}')],
    ['a hang-up', (response) => response.destroy()],
    ['no list', (response) => response.end('{"data":null}')],
    ['an empty list', (response) => response.end('{"data":[]}')],
    ['a list of nothing', (response) => response.end('{"data":[null]}')],
    ['ten thousand long ids', (response) => response.end(listOf(10_000, 'x'.repeat(40)))],
    [
      'an answer without end',
      (response) => {
        response.once('close', () => left.push('endless'))
        const more = () => {
          while (response.write('x'.repeat(16_384)));
          response.once('drain', more)
        }
        more()
      },
    ],
    [
      'one byte at a time',
      (response) => {
        const drip = setInterval(() => response.write(' '), 100)
        response.once('close', () => {
          clearInterval(drip)
          left.push('slow')
        })
      },
    ],
  ]
  for (const [name, behave] of hostile) {
    answer = (_path, response) => behave(response)
    await ask()
    t.same(heard.splice(0), [], name)
  }
  await until(() => left.length === 2)
  t.same(left, ['endless', 'slow'], 'the portal hung up')
  await servers({}, true).ask(model, 'not an address')
  t.same(heard, [])
  answer = (_path, response) => response.end(listOf(5000, ''))
  await ask()
  t.same(heard.splice(0), [['m', 'org/0-', undefined, undefined]], 'of many ids that fit, the first')
  preferred = 'org/7-'
  await ask()
  t.same(heard.splice(0), [['m', 'org/7-', undefined, undefined]], 'or the one that the document of the product shows')
  preferred = 'org/gone'
  await ask()
  t.same(heard.splice(0), [['m', 'org/0-', undefined, undefined]])
  for (const [status, text, expected] of [
    [404, '{"detail":"Not Found"}', [['m', 'no list']]],
    [405, '', [['m', 'no list']]],
    [404, 'No Mapping Rule matched', []],
    [503, '', []],
  ] as const) {
    answer = (_path, response) => response.writeHead(status).end(text)
    await ask()
    t.same(heard.splice(0), expected, `${status} ${text}`)
  }
})

t.test('that a server has no list is learned where it never gave one, and forgotten when it does', async (t) => {
  const { threescale, state } = tenant(['listless'])
  const media = { j: { example: { model: 'org/example' } } }
  const body = JSON.stringify({ paths: { '/v1/chat/completions': { post: { requestBody: { content: media } } } } })
  state.docs = [{ id: 5, productId: 1, published: true, body }]
  const models = catalogue(threescale)
  const id = async () => (await first(models))?.model_id
  t.equal(await id(), null)
  t.equal(models.exampleIdOf('listless'), 'org/example')
  t.equal(models.exampleIdOf('nothing'), undefined)
  await models.learnUnlisted('listless')
  t.match(await first(models), { model_id: 'org/example', sources: { model_id: 'active_docs' } })
  await models.learnModelId('listless', 'org/listed', 4096)
  t.equal(await id(), 'org/listed')
  await models.learnUnlisted('listless')
  t.equal(await id(), 'org/listed', 'what it listed stays')
})

t.test('what a model server tells is text of one line, or it is nothing', async (t) => {
  const { threescale } = tenant(['told'])
  const models = catalogue(threescale)
  await first(models)
  const told = async (id: unknown, contextLength: unknown) => {
    await models.learnModelId('told', id, contextLength)
    return (await models.find('told', undefined)).model
  }
  for (const id of [7, null, {}, ['x'], '', ' x', 'a\nb', 'a\u0000b', 'x'.repeat(256)])
    t.equal((await told(id, 4096)).model_id, null, JSON.stringify(id))
  const script = '</script><script>alert(1)</script>'
  for (const length of [-1, 0, 1.5, '4096', Number.NaN, 1e12, null])
    t.equal((await told(script, length)).context_length, null, String(length))
  const learned = await told(script, 4096)
  t.match(learned, { model_id: script, context_length: 4096, sources: { model_id: 'model_server' } })
  const eta = new Eta({ views: join(projectRoot, 'views'), autoTrim: false })
  const html = eta.render('models/show', {
    ...modelView({ model: learned, successor: undefined, descriptionHtml: '', snippets: [], staleSeconds: undefined }),
    groups: [],
  })
  t.match(html, '&lt;/script&gt;')
  t.notMatch(html, '<script>alert')
})

t.test('a promoted configuration: gateways have it five minutes after the catalogue saw it', async (t) => {
  let at = Date.parse('2026-03-01T10:00:00Z')
  const now = () => at
  const start = (threescale: Threescale) =>
    catalogue(threescale, { cache: createCache({ prefix: 'test', log, now }), now, ttlSeconds: 60 })
  const readyAt = async (models: ReturnType<typeof catalogue>) => (await first(models))?.gateway_ready_at

  const { threescale, state, count } = tenant(['a'])
  const models = start(threescale)
  t.equal(await readyAt(models), null, 'not changed lately, so promoted long ago as far as is known')
  state.version = 2
  at += 40_000
  await first(models)
  await until(async () => (await readyAt(models)) !== null)
  t.equal(await readyAt(models), '2026-03-01T10:05:40.000Z')
  at += 100_000
  const before = count('configs')
  await first(models)
  await until(() => count('configs') > before)
  await sleep(20)
  t.equal(await readyAt(models), '2026-03-01T10:05:40.000Z', 'read again, the same version: the same time')
  at += 200_000
  t.equal(await readyAt(models), null, 'over, whether or not the catalogue was read again')

  state.changedAt = new Date(at - 100_000).toISOString()
  t.equal(await readyAt(start(threescale)), new Date(at + 300_000).toISOString(), 'a first catalogue: changed lately')
})
