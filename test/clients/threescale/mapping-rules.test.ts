import t from 'tap'
import { acceptsRequest, matchingRules } from '../../../src/clients/threescale/tenant-rules/mapping-rules.js'
import type { MappingRule } from '../../../src/clients/threescale/types.js'
import { findProbeRequest } from '../../../src/features/applications/keys/gateway-sync/probe-requests.js'
import { LONGEST_BLOCK_MS, strainHere } from '../../helper/event-loop.js'

const rule = (method: string, pattern: string, more: Partial<MappingRule> = {}) =>
  ({ method, pattern, metric: 'hits', delta: 1, last: false, ...more }) as MappingRule

t.test('patterns match the same paths as in APIcast', async (t) => {
  for (const [pattern, path, fits] of [
    ['/v1/models', '/v1/models/x', true],
    ['/v1/models', '/v1/modelsfoo', true],
    ['/v1/models$', '/v1/models/x', false],
    ['/v1/models$', '/v1/models/', false],
    ['/v1/models', '//v1//models', true],
    ['/v1//models', '/v1/models', true],
    ['/v1/models', '/v1/x/../models', true],
    ['/a.json', '/aXjson', false],
    ['/m/{id}$', '/m/org%2Fname', false],
    ['/m/{id}$', '/m/name', true],
    ['/m/{id}$', '/m/a@b:1', true],
    ['/m/{id}$', '/m/%C3%A9', true],
    ['/m/{id}$', '/m/é', true],
    ['/m/{id}', '/m/', false],
    ['/m/{id}', '/m/a/b', true],
    ['/{a}{b}$', '/x', false],
    ['/{a}{b}$', '/xy', true],
    ['/{a}x{b}/y$', '/axxb/y', true],
    ['/{a}/a$', '/a/a/a', false],
    ['/{a}-a$', '/a-a-a', true],
    ['/{a}-a', '/-a', false],
    ['/\ud800', '/\ufffd', false],
    ['/', '/\ud800', true],
    ['/a%20b', '/a b', true],
    ['/a b', '/a b', false],
    ['/x', '/%78', true],
    ['/x', '/X', false],
    ['/x', 'y/x', false],
    ['/x', '', false],
    ['/', '/a/../../x', false],
  ] as const) {
    t.equal(acceptsRequest([rule('GET', pattern)], 'GET', path), fits, `${pattern} ${path}`)
    t.equal(
      matchingRules([rule('GET', pattern)], 'GET', path).length,
      fits ? 1 : 0,
      `${pattern} ${path}, by the other implementation`,
    )
  }
  t.equal(acceptsRequest([rule('GET', '/x')], 'HEAD', '/x'), false, 'GET does not include HEAD')
  t.equal(acceptsRequest([rule('ANY', '/x')], 'HEAD', '/x'), true)
  t.equal(acceptsRequest([rule('GET', '/%zz')], 'GET', '/%zz'), false, 'not a path')
})

t.test('matching takes time linear in the number of placeholders and the length of the path', async (t) => {
  const long = 'a-'.repeat(4000)
  const rules = ['{x}'.repeat(80), '{x}-'.repeat(60), '{'.repeat(250), `${'{x}'.repeat(80)}/{y}b`].map((pattern) =>
    rule('GET', `/${pattern}$`),
  )
  const { value, blockedMs } = await strainHere(() =>
    [`/${long}`, `/${long}/x`].map((path) => acceptsRequest(rules, 'GET', path)),
  )
  t.strictSame(value, [true, false])
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
  t.equal(
    acceptsRequest([rule('GET', '/a'.repeat(1500))], 'GET', '/a'.repeat(1500)),
    false,
    '3scale stores no such pattern',
  )
})

t.test('query parameters of a pattern are required, and the last value of a name counts', async (t) => {
  const asks = [rule('GET', '/x?mode=fast&n={n}')]
  t.equal(acceptsRequest(asks, 'GET', '/x', new URLSearchParams('mode=slow&mode=fast&n=')), true)
  t.equal(acceptsRequest(asks, 'GET', '/x', new URLSearchParams('mode=fast')), false)
  t.equal(acceptsRequest(asks, 'GET', '/x'), true, 'not evaluated')
  t.equal(matchingRules(asks, 'GET', '/x', 'mode=fast&n=1').length, 1)
  t.equal(matchingRules(asks, 'GET', '/x').length, 0, 'a call without parameters')
})

t.test('all matching rules count, up to one that is marked as the last', async (t) => {
  const rules = [
    rule('POST', '/v1/chat', { metric: 'a' }),
    rule('GET', '/v1', { metric: 'b' }),
    rule('POST', '/v1', { metric: 'c', last: true }),
    rule('POST', '/', { metric: 'd' }),
  ]
  t.same(
    matchingRules(rules, 'POST', '/v1/chat/completions').map(({ metric }) => metric),
    ['a', 'c'],
  )
})

t.test('the revocation check of a key uses a request that the gateway counts and that runs no model', async (t) => {
  const requested = (rules: MappingRule[], options?: Parameters<typeof findProbeRequest>[1]) => {
    const probe = findProbeRequest(rules, options)
    return probe && `${probe.method} ${probe.path}`
  }
  const chat = rule('POST', '/{team}/v1/chat/completions', { metric: 'chat' })
  const list = rule('GET', '/v1//models$', { metric: 'list' })
  t.equal(requested([chat, list]), 'GET /v1/models', 'a list of models has the lowest cost')
  t.equal(requested([chat]), 'POST /x/v1/chat/completions/maas-portal-probe')
  t.equal(
    requested([list, chat], { limited: new Set(['list']) }),
    'POST /x/v1/chat/completions/maas-portal-probe',
    'preferably one that adds to no limited metric',
  )
  t.equal(requested([list, chat], { limited: new Set(['list', 'chat']) }), 'GET /v1/models', 'both metrics are limited')
  const both = [rule('POST', '/', { metric: 'hits' }), rule('GET', '/', { metric: 'hits' })]
  t.equal(requested(both, { callPath: '/v1/chat/completions' }), 'GET /maas-portal-probe')
  t.equal(requested(both.slice(0, 1), { callPath: '/v1/embeddings' }), 'POST /v1/embeddings/maas-portal-probe')
  for (const unfit of [
    [rule('POST', '/v1/embeddings', { metric: 'embed' }), rule('POST', '/v1/embeddings/{x}', { metric: 'other' })],
    [rule('POST', '/predict?mode={m}')],
    [rule('POST', '/predict')],
    [rule('POST', '/v1/chat/completions$')],
    [],
  ])
    t.equal(requested(unfit), undefined, JSON.stringify(unfit.map(({ pattern }) => pattern)))
  const many = Array.from({ length: 500 }, (_, index) => rule('POST', `/t${index}/v1/chat/completions`))
  t.match(requested([...many, list]), /^POST /, 'twelve candidates are compared')
})
