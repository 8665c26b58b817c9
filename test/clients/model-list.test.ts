import t from 'tap'
import { firstModel, modelIds } from '../../src/clients/model-list.js'

t.test('the first model of a list, with its type where the server states it', async (t) => {
  const listOf = (...data: unknown[]) => JSON.stringify({ object: 'list', data })
  for (const [entry, type] of [
    [{ id: 'org/m', max_model_len: 4096 }, undefined],
    [{ id: 'mistral-small', capabilities: { completion_chat: true } }, 'chat'],
    [{ id: 'mistral-embed', capabilities: { completion_chat: false } }, undefined],
    [{ id: 'bge', owned_by: 'infinity', capabilities: ['embed'] }, 'embedding'],
    [{ id: 'bge-reranker', owned_by: 'infinity', capabilities: ['rerank', 'classify'] }, 'rerank'],
    [{ id: 'odd', capabilities: 'embed' }, undefined],
    [{ id: 'odd', capabilities: null }, undefined],
    [{ id: 'odd', capabilities: { completion_chat: 'true' } }, undefined],
  ] as const) {
    const first = firstModel(listOf(entry, { id: 'another', capabilities: ['embed'] }))
    t.same(first, { id: entry.id, contextLength: 'max_model_len' in entry ? 4096 : undefined, type }, entry.id)
  }
  t.same(modelIds(listOf({ id: 'a' }, { id: 7 }, null, { id: 'b' })), ['a', 'b'])
  for (const text of ['', '[]', '{}', '{"data":{}}', '{"data":[]}', '{"data":[null]}', '<html>'])
    t.equal(firstModel(text), undefined, text)
})
