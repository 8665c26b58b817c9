import t from 'tap'
import type { Model } from '../../src/features/models/schemas.js'
import { createTestCall } from '../../src/model-calls/test-call.js'
import { modelOf } from '../helper/models.js'
import { callsWithoutToken, tokenCredentials } from '../helper/without-token.js'

const application = { state: 'live' } as Parameters<ReturnType<typeof createTestCall>['run']>[1]

/** The result of a test call for a model whose server sends this response. */
async function tested(type: Model['type'], status: number, text: string) {
  const paths = [{ method: 'POST', pattern: '/v1/chat/completions', path: '/v1/chat/completions' }]
  const model = { ...modelOf({ type }), paths, model_id: 'm' } as Model
  const testCall = createTestCall({
    calls: { call: async () => ({ status, text, headers: {}, ms: 1 }) },
    learnModelId: async () => {},
    learnUnlisted: async () => {},
    learnFormat: async () => {},
    exampleIdOf: () => undefined,
  })
  return testCall.run(model, application)
}

t.test('an empty response is a failure of a model, but can be a complete response of a custom service', async (t) => {
  for (const status of [200, 204]) {
    const empty = { ok: false, status, message: 'The model server sent an empty response.', output: '' }
    t.match(await tested('chat', status, ''), empty)
    t.match(await tested('custom', status, ''), { ...empty, ok: true })
  }
  t.match(await tested('chat', 200, '{"choices":[{"message":{"content":"Hi"}}]}'), { ok: true, output: 'Hi' })
})
t.test(
  'a rejection by the gateway states nothing about the model server, whatever its configured texts are',
  async (t) => {
    const paths = ['GET /v1', 'POST /v1'].map((rule) => {
      const [method = '', path = ''] = rule.split(' ')
      return { method, pattern: path, path }
    })
    const model = { ...modelOf({ type: 'rerank' }), paths, model_id: null, sources: { type: 'assumed' } } as Model
    const noMatch = { status: 404, text: 'Kein Pfad' }
    const other = { status: 403, text: 'Nein' }
    const refusals = { authFailed: other, authMissing: other, noMatch, limitsExceeded: other }
    const sent = async (text: string) => {
      const events: string[] = []
      const testCall = createTestCall({
        calls: {
          call: async (_model, _application, { method, path }) => {
            events.push(`${method} ${path}`)
            return { status: 404, text, headers: {}, ms: 1 }
          },
        },
        learnModelId: async () => {},
        learnUnlisted: async () => void events.push('has no list'),
        learnFormat: async () => {},
        exampleIdOf: () => undefined,
        refusalsOf: () => refusals,
      })
      const { message } = await testCall.run(model, application)
      return { events, message }
    }
    for (const text of ['Kein Pfad', 'No Mapping Rule matched']) {
      const { events, message } = await sent(text)
      t.notOk(events.includes('has no list'), text)
      t.match(message, /^No mapping rule of the gateway matches this path\./, text)
      t.notMatch(message, /is assumed/, text)
      t.equal(events.filter((event) => event.startsWith('POST')).length, 1, text)
    }
    const { events, message } = await sent('{"detail":"Not Found"}')
    t.ok(events.includes('has no list'))
    t.match(message, /does not know this path.*is assumed/)
  },
)

t.test('an application without a token is reported as such, whether its model id is known or not', async (t) => {
  const paths = ['GET', 'POST'].map((method) => ({ method, pattern: '/v1', path: '/v1' }))
  const testCall = createTestCall({
    calls: callsWithoutToken,
    learnModelId: async () => {},
    learnUnlisted: async () => {},
    learnFormat: async () => {},
    exampleIdOf: () => undefined,
  })
  const tokens = { ...application, credentials: tokenCredentials } as typeof application
  for (const model_id of ['m', null]) {
    const model = { ...modelOf({ type: 'chat' }), paths, model_id } as Model
    t.match(await testCall.run(model, tokens), { ok: false, message: /^No access token could be obtained/ })
  }
  const unlisted = { ...modelOf({ type: 'chat' }), paths, model_id: null } as Model
  await t.rejects(testCall.modelIdOf(unlisted, tokens), { code: 'gateway_unavailable' })
})
