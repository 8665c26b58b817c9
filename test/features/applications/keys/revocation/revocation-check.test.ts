import t from 'tap'
import type { MappingRule } from '../../../../../src/clients/threescale/types.js'
import { problem } from '../../../../../src/errors.js'
import type { CatalogueModel } from '../../../../../src/features/applications/applications.js'
import {
  createRevocationCheck,
  MAX_REQUESTS,
} from '../../../../../src/features/applications/keys/revocation/revocation-check.js'
import type { Application } from '../../../../../src/features/applications/schemas.js'
import type { PreparedRequest } from '../../../../../src/model-calls/gateway-requests.js'
import { modelOf } from '../../../../helper/models.js'

const rejected = { status: 403, text: 'Authentication failed' }
const accepted = { status: 200, text: '{}' }
type GatewayReply = { status: number; text: string } | Error

const names = { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }
const listRule = { method: 'GET', pattern: '/v1/models', metric: 'hits', delta: 1, last: false } as MappingRule
const entry: Pick<CatalogueModel, 'model' | 'rules'> = {
  model: modelOf({ credentials: { mode: 'user_key', location: 'query', names } }),
  rules: [listRule],
}
const application = {
  id: 7,
  plan: 'basic',
  credentials: { mode: 'user_key', location: 'query', names, user_key: 'the-revoked-key' },
} as Application

/** A gateway that sends one response to the unknown key, and the given responses to the revoked key in order. */
function setUp(unknownKeyReply: GatewayReply, ...revokedKeyReplies: GatewayReply[]) {
  const sent: string[] = []
  const waits: number[] = []
  let counted = 0
  const check = createRevocationCheck({
    calls: {
      prepare: async (_model, { credentials }, { method, path }) => {
        const isRevoked = credentials.user_key === 'the-revoked-key'
        return {
          method,
          url: new URL(`https://m${path}`),
          headers: { key: isRevoked ? 'revoked' : 'unknown' },
          secrets: [],
        }
      },
    },
    gateway: {
      call: async ({ headers }: PreparedRequest & { freshConnection: boolean }) => {
        const key = headers.key ?? 'token request'
        sent.push(key)
        const reply = key === 'unknown' ? unknownKeyReply : revokedKeyReplies.shift()
        if (reply === undefined || reply instanceof Error) throw reply ?? new Error('no further request expected')
        return reply
      },
    },
    wait: async (ms) => void waits.push(ms),
  })
  return {
    sent,
    waits,
    counted: () => counted,
    run: (earlier = 0, target = entry) =>
      check.run(target, application, earlier, async () => {
        counted++
      }),
  }
}

t.test('two consecutive rejections complete the check', async (t) => {
  const { run, sent, waits, counted } = setUp(rejected, rejected, rejected)
  t.same(await run(), { refused: true, reason: null, request: { method: 'GET', path: '/v1/models' } })
  t.same(sent, ['unknown', 'revoked', 'revoked'])
  t.same(waits, [200])
  t.equal(counted(), 2)
})

t.test('a cached key that is accepted once is sent again after a pause', async (t) => {
  const { run, sent, waits } = setUp(rejected, accepted, rejected, rejected)
  t.match(await run(), { refused: true, reason: null })
  t.equal(sent.length, 1 + MAX_REQUESTS)
  t.same(waits, [1000, 200])
})

t.test('a key that is accepted in the last request is reported as accepted', async (t) => {
  const { run, sent } = setUp(rejected, accepted, accepted, accepted)
  t.match(await run(), { refused: false, reason: null })
  t.equal(sent.length, 1 + MAX_REQUESTS, 'never more requests with the revoked key')
})

t.test('requests before an interruption count towards the limit', async (t) => {
  const { run, sent } = setUp(rejected, rejected)
  t.match(await run(MAX_REQUESTS - 1), { refused: true })
  t.same(sent, ['unknown', 'revoked'])
  const exhausted = setUp(rejected)
  t.match(await exhausted.run(MAX_REQUESTS), { refused: null, reason: 'interrupted' })
  t.same(exhausted.sent, [])
})

t.test('a gateway that does not respond to the unknown key never receives the revoked key', async (t) => {
  for (const reply of [problem('gateway_unavailable'), { status: 502, text: '' }]) {
    const { run, sent, counted } = setUp(reply)
    t.match(await run(), { refused: null, reason: 'no_response', isUnanswered: true })
    t.same([sent, counted()], [['unknown'], 0])
  }
})

t.test('a gateway that stops responding leaves the result unknown', async (t) => {
  const { run } = setUp(rejected, accepted, rejected, problem('gateway_unavailable'))
  t.same(await run(), { refused: null, reason: 'no_response', request: { method: 'GET', path: '/v1/models' } })
})

t.test('a gateway that accepts or redirects the unknown key leads to an inconclusive check', async (t) => {
  for (const reply of [accepted, { status: 404, text: '' }, { status: 302, text: '' }]) {
    const { run, sent } = setUp(reply)
    t.match(await run(), { refused: null, reason: 'inconclusive' })
    t.same(sent, ['unknown'])
  }
})

t.test('a product whose every request runs the model is not checked', async (t) => {
  const { run, sent } = setUp(rejected)
  t.same(await run(0, { ...entry, rules: [] }), { refused: null, reason: 'no_safe_request', request: null })
  t.same(sent, [])
})

t.test('a programming error is not reported as a result', async (t) => {
  await t.rejects(setUp(new TypeError('broken')).run(), { message: 'broken' })
})

t.test('a client secret is checked at its token endpoint', async (t) => {
  const sent: string[] = []
  const check = createRevocationCheck({
    calls: { prepare: async () => t.fail('the gateway is not called') as never },
    gateway: {
      call: async ({ url }) => {
        sent.push(url.href)
        return { status: 401, text: `{"error":"invalid_client","attempt":${sent.length}}` }
      },
    },
    wait: async () => {},
  })
  const credentials = {
    mode: 'oidc' as const,
    location: 'authorization' as const,
    names,
    client_id: 'client',
    client_secret: 'the-revoked-secret',
    token_url: 'https://sso.example.com/token',
  }
  const verdict = await check.run(entry, { ...application, credentials }, 0, async () => {})
  t.same(verdict, { refused: true, reason: null, request: { method: 'POST', path: '/token' } })
  t.same(new Set(sent), new Set(['https://sso.example.com/token']))
})
