import t from 'tap'
import { firstModel, modelIds } from '../../../src/clients/gateway/model-list.js'

t.test('the first model of a list is returned, with its type if the server states it', async (t) => {
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
  for (const [text, reported] of [
    [
      '{"model_id":"BAAI/bge-reranker","model_type":{"reranker":{"id2label":{"0":"LABEL_0"}}},"max_input_length":512}',
      { id: 'BAAI/bge-reranker', contextLength: 512, type: 'rerank', format: 'tei' },
    ],
    [
      '{"model_id":"BAAI/bge","model_type":{"embedding":{"pooling":"cls"}},"max_input_length":512}',
      { id: 'BAAI/bge', contextLength: 512, type: 'embedding', format: 'tei' },
    ],
    [
      '{"model_id":"org/labels","model_type":{"classifier":{}}}',
      { id: 'org/labels', contextLength: undefined, type: undefined, format: 'tei' },
    ],
    [
      '{"model_id":"org/chat","max_total_tokens":4096,"router":"text-generation-router"}',
      { id: 'org/chat', contextLength: 4096, type: undefined, format: 'tgi' },
    ],
    ['{"model_id":"org/m","model_type":"llama"}', { id: 'org/m', contextLength: undefined, type: undefined }],
    [
      '{"models":[{"name":"llama3.2:latest","model":"llama3.2:latest"}]}',
      { id: 'llama3.2:latest', contextLength: undefined, type: undefined },
    ],
    ['{"models":[{"name":"bge-m3"}]}', { id: 'bge-m3', contextLength: undefined, type: undefined }],
  ] as const)
    t.same(firstModel(text), reported, text)
  for (const text of ['{"model_id":7}', '{"models":[null]}', '{"models":[{}]}', '{"models":{}}', '{"model_id":""}'])
    t.equal(firstModel(text)?.id || undefined, undefined, text)
  t.same(modelIds(listOf({ id: 'a' }, { id: 7 }, null, { id: 'b' })), ['a', 'b'])
  for (const text of ['', '[]', '{}', '{"data":{}}', '{"data":[]}', '{"data":[null]}', '<html>'])
    t.equal(firstModel(text), undefined, text)
})
