import t from 'tap'
import { createTrial } from '../../src/features/applications/trial.js'
import type { Model } from '../../src/features/models/schemas.js'
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
