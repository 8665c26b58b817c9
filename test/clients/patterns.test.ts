import t from 'tap'
import type { MappingRule } from '../../src/clients/threescale/nouns.js'
import { letsThrough, rulesFor } from '../../src/clients/threescale/patterns.js'
import { probesFor } from '../../src/features/applications/probes.js'

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

t.test('a receipt asks where the gateway counts as it does for the real call', async (t) => {
  const { probes, not } = probesFor([
    rule('GET', '/v1//models$', { metric: 'list' }),
    rule('POST', '/{team}/v1/chat/completions', { metric: 'chat' }),
    rule('POST', '/v1/embeddings', { metric: 'embed' }),
    rule('POST', '/v1/embeddings/{x}', { metric: 'other' }),
    rule('POST', '/predict?mode={m}'),
  ])
  t.same(
    probes.map(({ method, asked }) => `${method} ${asked}`),
    ['GET /v1/models', 'POST /x/v1/chat/completions/maas-portal-probe'],
  )
  t.match(not, [
    { path: '/v1/embeddings', why: /counts what is below it in another way/ },
    { path: '/v1/embeddings/{x}', why: /Only a real call/ },
    { path: '/predict?mode={m}', why: /parameters/ },
  ])
})
