import t from 'tap'
import { createTrial } from '../../src/features/applications/trial.js'
import type { Model } from '../../src/features/models/schemas.js'
import { callsWithoutToken, tokenCredentials } from '../helper/without-token.js'
import { modelOf } from '../snippets/fuzz.js'

const application = { state: 'live' } as Parameters<ReturnType<typeof createTrial>['run']>[1]

/** What a test says of a model whose server answers so. */
async function tested(type: Model['type'], status: number, text: string) {
  const paths = [{ method: 'POST', pattern: '/v1/chat/completions', path: '/v1/chat/completions' }]
  const model = { ...modelOf({ type }), paths, model_id: 'm' } as Model
  const trial = createTrial({
    calls: { call: async () => ({ status, text, headers: {}, ms: 1 }) },
    learnModelId: async () => {},
    learnUnlisted: async () => {},
    learnFormat: async () => {},
    exampleIdOf: () => undefined,
  })
  return trial.run(model, application)
}

t.test('an empty answer is a failure of a model, and may be all that a service of its own kind says', async (t) => {
  for (const status of [200, 204]) {
    const empty = { ok: false, status, words: 'The model server sent an empty answer.', answer: '' }
    t.match(await tested('chat', status, ''), empty)
    t.match(await tested('custom', status, ''), { ...empty, ok: true })
  }
  t.match(await tested('chat', 200, '{"choices":[{"message":{"content":"Hi"}}]}'), { ok: true, answer: 'Hi' })
})
t.test('what the gateway refuses says nothing about the model server, whatever its texts are', async (t) => {
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
    const trial = createTrial({
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
    const { words } = await trial.run(model, application)
    return { events, words }
  }
  for (const text of ['Kein Pfad', 'No Mapping Rule matched']) {
    const { events, words } = await sent(text)
    t.notOk(events.includes('has no list'), text)
    t.match(words, /^No mapping rule of the gateway matches this path\./, text)
    t.notMatch(words, /is assumed/, text)
    t.equal(events.filter((event) => event.startsWith('POST')).length, 1, text)
  }
  const { events, words } = await sent('{"detail":"Not Found"}')
  t.ok(events.includes('has no list'))
  t.match(words, /does not know this path.*is assumed/)
})

t.test('an application without a token says so, whether its model id is known or not', async (t) => {
  const paths = ['GET', 'POST'].map((method) => ({ method, pattern: '/v1', path: '/v1' }))
  const trial = createTrial({
    calls: callsWithoutToken,
    learnModelId: async () => {},
    learnUnlisted: async () => {},
    learnFormat: async () => {},
    exampleIdOf: () => undefined,
  })
  const tokens = { ...application, credentials: tokenCredentials } as typeof application
  for (const model_id of ['m', null]) {
    const model = { ...modelOf({ type: 'chat' }), paths, model_id } as Model
    t.match(await trial.run(model, tokens), { ok: false, words: /^No access token could be obtained/ })
  }
  const unlisted = { ...modelOf({ type: 'chat' }), paths, model_id: null } as Model
  await t.rejects(trial.modelIdOf(unlisted, tokens), { code: 'gateway_unavailable' })
})
