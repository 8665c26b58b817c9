import t from 'tap'
import type { MappingRule } from '../../src/clients/threescale/nouns.js'
import { letsThrough, rulesFor } from '../../src/clients/threescale/patterns.js'
import { probeFor } from '../../src/features/applications/probes.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

const rule = (method: string, pattern: string, more: Partial<MappingRule> = {}) =>
  ({ method, pattern, metric: 'hits', delta: 1, last: false, ...more }) as MappingRule

t.test('patterns are read as APIcast reads them', async (t) => {
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
    t.equal(letsThrough([rule('GET', pattern)], 'GET', path), fits, `${pattern} ${path}`)
    t.equal(rulesFor([rule('GET', pattern)], 'GET', path).length, fits ? 1 : 0, `${pattern} ${path}, by the other way`)
  }
  t.equal(letsThrough([rule('GET', '/x')], 'HEAD', '/x'), false, 'HEAD is not covered by GET')
  t.equal(letsThrough([rule('ANY', '/x')], 'HEAD', '/x'), true)
  t.equal(letsThrough([rule('GET', '/%zz')], 'GET', '/%zz'), false, 'no path at all')
})

t.test('rules of many placeholders and long paths take no longer than they are', async (t) => {
  const long = 'a-'.repeat(4000)
  const rules = ['{x}'.repeat(80), '{x}-'.repeat(60), '{'.repeat(250), `${'{x}'.repeat(80)}/{y}b`].map((pattern) =>
    rule('GET', `/${pattern}$`),
  )
  const { value, blockedMs } = await strainHere(() =>
    [`/${long}`, `/${long}/x`].map((path) => letsThrough(rules, 'GET', path)),
  )
  t.strictSame(value, [true, false])
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
  t.equal(
    letsThrough([rule('GET', '/a'.repeat(1500))], 'GET', '/a'.repeat(1500)),
    false,
    '3scale stores no such pattern',
  )
})

t.test('parameters of a pattern must be there, and the last of a name counts', async (t) => {
  const asks = [rule('GET', '/x?mode=fast&n={n}')]
  t.equal(letsThrough(asks, 'GET', '/x', new URLSearchParams('mode=slow&mode=fast&n=')), true)
  t.equal(letsThrough(asks, 'GET', '/x', new URLSearchParams('mode=fast')), false)
  t.equal(letsThrough(asks, 'GET', '/x'), true, 'not looked at')
  t.equal(rulesFor(asks, 'GET', '/x', 'mode=fast&n=1').length, 1)
  t.equal(rulesFor(asks, 'GET', '/x').length, 0, 'a call without parameters')
})

t.test('all rules that match count, until one says that it is the last', async (t) => {
  const rules = [
    rule('POST', '/v1/chat', { metric: 'a' }),
    rule('GET', '/v1', { metric: 'b' }),
    rule('POST', '/v1', { metric: 'c', last: true }),
    rule('POST', '/', { metric: 'd' }),
  ]
  t.same(
    rulesFor(rules, 'POST', '/v1/chat/completions').map(({ metric }) => metric),
    ['a', 'c'],
  )
})

t.test(
  'a removed key is checked by a request that the gateway counts like a real one and that runs no model',
  async (t) => {
    const asked = (rules: MappingRule[], options?: Parameters<typeof probeFor>[1]) => {
      const probe = probeFor(rules, options)
      return probe && `${probe.method} ${probe.path}`
    }
    const chat = rule('POST', '/{team}/v1/chat/completions', { metric: 'chat' })
    const list = rule('GET', '/v1//models$', { metric: 'list' })
    t.equal(asked([chat, list]), 'GET /v1/models', 'a list of models is the cheapest')
    t.equal(asked([chat]), 'POST /x/v1/chat/completions/maas-portal-probe')
    t.equal(
      asked([list, chat], { limited: new Set(['list']) }),
      'POST /x/v1/chat/completions/maas-portal-probe',
      'rather one that adds to no limited metric',
    )
    t.equal(asked([list, chat], { limited: new Set(['list', 'chat']) }), 'GET /v1/models', 'both are limited')
    const both = [rule('POST', '/', { metric: 'hits' }), rule('GET', '/', { metric: 'hits' })]
    t.equal(asked(both, { callPath: '/v1/chat/completions' }), 'GET /maas-portal-probe')
    t.equal(asked(both.slice(0, 1), { callPath: '/v1/embeddings' }), 'POST /v1/embeddings/maas-portal-probe')
    for (const unfit of [
      [rule('POST', '/v1/embeddings', { metric: 'embed' }), rule('POST', '/v1/embeddings/{x}', { metric: 'other' })],
      [rule('POST', '/predict?mode={m}')],
      [rule('POST', '/predict')],
      [rule('POST', '/v1/chat/completions$')],
      [],
    ])
      t.equal(asked(unfit), undefined, JSON.stringify(unfit.map(({ pattern }) => pattern)))
    const many = Array.from({ length: 500 }, (_, index) => rule('POST', `/t${index}/v1/chat/completions`))
    t.match(asked([...many, list]), /^POST /, 'twelve candidates are compared')
  },
)
