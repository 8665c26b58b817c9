import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Eta } from 'eta'
import t from 'tap'
import { readSpec } from '../../../src/clients/threescale/specs/spec.js'
import type { Threescale } from '../../../src/clients/threescale/types.js'
import { problem } from '../../../src/errors.js'
import { createModelServers } from '../../../src/features/models/catalogue/model-servers.js'
import { modelView } from '../../../src/features/models/pages/detail-view.js'
import { specFacts } from '../../../src/features/models/specs/spec-facts.js'
import { createCache } from '../../../src/infra/cache.js'
import { createHttp } from '../../../src/infra/http/http.js'
import { projectRoot } from '../../../src/project-root.js'
import type { Caller } from '../../../src/web/auth/caller.js'
import { catalogue, log, tenant, until } from './in-memory-catalogue.js'

const first = async (models: ReturnType<typeof catalogue>) => (await models.list({}, undefined)).models[0]

t.test('the catalogue reads limits and prices, then the required names, four at a time', async (t) => {
  const { threescale, count, total, atOnce } = tenant(Array.from({ length: 30 }, (_, index) => `m${index}`))
  const models = catalogue(threescale)
  t.equal((await first(models))?.plans[0]?.limits, null, 'the first page does not wait for details')
  await until(() => count('metrics') === 30)
  await until(async () => ((await first(models))?.plans[0]?.limits?.[0]?.metric_name ?? '') === 'Hits')
  t.same([count('limits'), count('prices'), count('metrics')], [30, 30, 30])
  t.ok(atOnce() <= 6, 'six bulk calls, then four details at the same time')
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
  t.equal(total(), before, 'a cached page sends no call')
})

t.test('an outage of 3scale stops the refresh, and the remaining details are read later', async (t) => {
  const { threescale, state, count } = tenant(Array.from({ length: 50 }, (_, index) => `m${index}`))
  let clock = Date.now()
  const models = catalogue(threescale, { ttlSeconds: 1, now: () => clock })
  await first(models)
  state.down = true
  await until(() => count('limits') > 0)
  await sleep(60)
  t.ok(count('limits') + count('prices') < 40, 'failed calls stop the refresh')
  state.down = false
  clock += 20_000
  models.start()
  t.teardown(() => models.stop())
  await until(async () =>
    (await models.list({}, undefined)).models.every(({ plans }) => plans.every(({ limits }) => limits !== null)),
  )
})

t.test('restricted, hidden and subscription-only models are visible only to the permitted callers', async (t) => {
  const person = (groups: string[]): Caller => ({ accountId: 7, groups }) as Caller
  const { threescale, state, count } = tenant(['open', 'research', 'switched-off', 'no-plan', 'custom-plan'])
  const plan = (id: number) =>
    state.plans.find((candidate) => candidate.id === id) as { state: string; custom: boolean }
  plan(4).state = 'hidden'
  plan(5).custom = true
  const notes = { research: { visible_to: ['science'] }, 'switched-off': { hidden: true } }
  const models = catalogue(threescale, { overrides: notes })
  const names = async (caller: Caller | undefined) =>
    (await models.list({}, caller)).models.map(({ system_name }) => system_name)
  t.same(await names(undefined), ['open'])
  t.same(await names(person([])), ['open'])
  t.same(await names(person(['science'])), ['open', 'research'])
  await t.rejects(models.find('research', person(['other'])), { code: 'not_found' })
  await t.rejects(models.find('no-plan', person(['science'])), { code: 'not_found' })
  t.same((await models.list({ mine: true }, person([]))).models.length, 1, 'an application of the caller')
  await models.list({ mine: true }, person([]))
  t.equal(count('applications'), 1, 'requested once, then cached')
  await t.rejects(models.list({ mine: true }, undefined), { code: 'sign_in_required' })

  const subscribed = tenant(['open', 'other'])
  subscribed.state.servicePlansVisible = true
  subscribed.state.subscriptions = [
    { id: 1, productId: 1, state: 'live' },
    { id: 2, productId: 2, state: 'pending' },
  ]
  const shown = catalogue(subscribed.threescale)
  t.same((await shown.list({}, undefined)).models, [], 'service plans: an anonymous visitor has no subscription')
  const live = await shown.list({}, person([]))
  t.same(
    live.models.map(({ system_name }) => system_name),
    ['open'],
    'only with a live subscription',
  )
  await t.rejects(shown.find('other', person([])), { code: 'not_found' })
})

t.test('facts have a source: PORTAL_CONFIG, then the spec, the gateway and the model server', async (t) => {
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
            languages: ['de', 'pt-BR', 7, 'not a tag'],
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
  const models = catalogue(threescale, { overrides: notes })
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
  const reported = (await models.find('told', undefined)).model
  t.match(reported, {
    type: 'chat',
    model_id: 'org/other',
    context_length: 8192,
    capabilities: ['tools'],
    languages: ['de', 'pt-BR'],
    license: { name: 'Apache-2.0', url: 'https://example.com/licence' },
    owner: { name: 'Platform', url: 'mailto:team@example.com' },
    description: 'From the spec.',
    links: [],
    state: 'deprecated',
    retires_on: '2099-01-31',
    successor: 'plain',
  })
  t.match(reported.sources, {
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
  const later = catalogue(threescale, { overrides: notes, now: () => Date.parse('2099-02-01') })
  t.equal((await later.find('told', undefined)).model.state, 'retired', 'the retirement date has passed')
  const hidden = catalogue(threescale, { overrides: { ...notes, plain: { visible_to: ['some'] } } })
  t.equal((await hidden.find('told', undefined)).model.successor, null, 'a restricted successor is not named')
})

t.test(
  'a type that is only likely from the mapping rules is used without another source, and is reported as assumed',
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
    const models = catalogue(threescale, { overrides: { noted: { type: 'image' } } })
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
    t.match(fact('Type'), { value: 'Chat', source: 'assumed, because the mapping rules are prefixes' })
    t.match(fact('Base URL'), { value: 'https://model-1.example.com/v1', source: /assumed/ })
    t.match(fact('Model ID'), { value: 'Unknown. The code looks it up from the model server.' })
    t.same(view.paths[1], { method: 'POST', path: '/', note: 'and every path that begins with it' })
  },
)

t.test('malformed specs result in the facts that they contain, and never in an error', async (t) => {
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

t.test('incorrect, endless and slow responses of a model server do not affect the catalogue', async (t) => {
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
  const announced: unknown[] = []
  let preferred: string | undefined
  const servers = (notes: Record<string, object>, privateAddresses: boolean) =>
    createModelServers({
      http,
      overrides: notes,
      privateAddresses,
      queryAs: async () => {
        throw problem('gateway_unavailable')
      },
      storeReport: async (...reported) => {
        announced.push(reported)
      },
      storeUnlisted: async (name) => {
        announced.push([name, 'no list'])
      },
      exampleIdOf: () => preferred,
      storeFormat: async (...reported) => {
        announced.push(reported)
      },
      log,
    })
  t.equal(servers({}, false).mayQuery('m'), false, 'no model server is called without permission of the operator')
  t.equal(servers({ m: { model_server: { private_address: false } } }, true).mayQuery('m'), false)
  t.equal(servers({ m: { model_server: { application: { account: 1, id: 2 } } } }, false).mayQuery('m'), true)
  await servers({ m: { model_server: { application: { account: 1, id: 2 } } } }, false).query(model, undefined)

  const ask = () => servers({}, true).query(model, address)
  answer = (path, response) => response.end(JSON.stringify({ data: [{ id: path, max_model_len: 7 }] }))
  await ask()
  t.same(
    announced.splice(0),
    [['m', '/base/v1/models', 7, undefined]],
    'the path of the rule below the private address',
  )
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
    t.same(announced.splice(0), [], name)
  }
  await until(() => left.length === 2)
  t.same(left, ['endless', 'slow'], 'the portal closed the connection')
  await servers({}, true).query(model, 'not an address')
  t.same(announced, [])
  answer = (_path, response) => response.end(listOf(5000, ''))
  await ask()
  t.same(announced.splice(0), [['m', 'org/0-', undefined, undefined]], 'the first of many valid ids')
  preferred = 'org/7-'
  await ask()
  t.same(announced.splice(0), [['m', 'org/7-', undefined, undefined]], 'or the id in the API document of the product')
  preferred = 'org/gone'
  await ask()
  t.same(announced.splice(0), [['m', 'org/0-', undefined, undefined]])
  for (const [status, text, expected] of [
    [404, '{"detail":"Not Found"}', [['m', 'no list']]],
    [405, '', [['m', 'no list']]],
    [404, 'No Mapping Rule matched', []],
    [503, '', []],
  ] as const) {
    answer = (_path, response) => response.writeHead(status).end(text)
    await ask()
    t.same(announced.splice(0), expected, `${status} ${text}`)
  }
})

t.test('a missing model list is recorded only if the server never returned one, until it does', async (t) => {
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
  t.equal(await id(), 'org/listed', 'the listed id is preserved')
})

t.test('facts from a model server are used only if they are text of one line', async (t) => {
  const { threescale } = tenant(['told'])
  const models = catalogue(threescale)
  await first(models)
  const reported = async (id: unknown, contextLength: unknown) => {
    await models.learnModelId('told', id, contextLength)
    return (await models.find('told', undefined)).model
  }
  for (const id of [7, null, {}, ['x'], '', ' x', 'a\nb', 'a\u0000b', 'x'.repeat(256)])
    t.equal((await reported(id, 4096)).model_id, null, JSON.stringify(id))
  const script = '</script><script>alert(1)</script>'
  for (const length of [-1, 0, 1.5, '4096', Number.NaN, 1e12, null])
    t.equal((await reported(script, length)).context_length, null, String(length))
  const learned = await reported(script, 4096)
  t.match(learned, { model_id: script, context_length: 4096, sources: { model_id: 'model_server' } })
  const eta = new Eta({ views: join(projectRoot, 'views'), autoTrim: false })
  const html = eta.render('models/show', {
    ...modelView({ model: learned, successor: undefined, descriptionHtml: '', snippets: [], staleSeconds: undefined }),
    groups: [],
  })
  t.match(html, '&lt;/script&gt;')
  t.notMatch(html, '<script>alert')
})

t.test('a promoted configuration is reported as ready five minutes after the catalogue detected it', async (t) => {
  let at = Date.parse('2026-03-01T10:00:00Z')
  const now = () => at
  const start = (threescale: Threescale) =>
    catalogue(threescale, { cache: createCache({ prefix: 'test', log, now }), now, ttlSeconds: 60 })
  const readyAt = async (models: ReturnType<typeof catalogue>) => (await first(models))?.gateway_ready_at

  const { threescale, state, count } = tenant(['a'])
  const models = start(threescale)
  t.equal(await readyAt(models), null, 'without a recent change, the promotion is assumed to be long ago')
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
  t.equal(await readyAt(models), '2026-03-01T10:05:40.000Z', 'the same version and time after a refresh')
  at += 200_000
  t.equal(await readyAt(models), null, 'expired, with or without a refresh')

  state.changedAt = new Date(at - 100_000).toISOString()
  t.equal(
    await readyAt(start(threescale)),
    new Date(at + 300_000).toISOString(),
    'a new catalogue detects a recent change',
  )
})
