import t from 'tap'
import { sendsText, startModelServer } from '../../helper/model-server.js'
import { startStack } from '../../helper/stack.js'
import { createVisitor, decode } from '../../helper/visitor.js'

/** Pages identify which component rejected a request by the error texts in the product's configuration. */
const stack = await startStack()
const server = await startModelServer()
t.teardown(async () => {
  await stack.close()
  server.close()
})
const texts = {
  error_auth_failed: 'Zugriff verweigert',
  error_status_auth_failed: 401,
  error_limits_exceeded: 'Kontingent verbraucht',
  error_status_limits_exceeded: 402,
}
await server.product(stack, 'chat', 'own-texts', {
  limits: [['hits', 'day', 5]],
  proxy: { api_backend: server.url, ...texts },
})
server.answers(sendsText('{"data":[{"id":"org/own"}]}'))
await stack.portal({ CATALOG_TTL: '3600' })
const mary = createVisitor(stack)
await mary.signIn('mary')
const created = await mary.submit(await mary.get('/applications/new?model=own-texts'), /^\/applications$/)
const application = new URL(created.url).pathname.split('/').pop() ?? ''
const call = { operation: 'post-v1-chat-completions', type: 'application/json', application, body: '{}' }

/** The text of each page about a rejected request. */
async function reported(): Promise<Record<string, string>> {
  const say = { application, kind: 'chat', prompt: 'hello', turns: '[]' }
  return {
    stream: (JSON.parse((await mary.post('/playground/stream', say)).text) as { message: string }).message,
    playground: decode((await mary.post('/playground', say)).text),
    'test it': decode((await mary.post(`/applications/${application}/test`, {})).text),
    'try it': decode((await mary.post('/models/own-texts/reference', call)).text),
  }
}

t.test('an error of the model server is attributed to the server and shown, not to the plan or the key', async (t) => {
  const refusals: [status: number, text: string, meaning: string][] = [
    [429, '{"error":"Model is overloaded","error_type":"overloaded"}', 'The model is busy'],
    [402, '{"error":{"message":"Insufficient credits"}}', 'has no quota or budget left'],
    [401, '{"detail":"Unauthorized by vLLM"}', 'The model server rejected the request'],
    [400, '{"error":{"message":"maximum context length is 4096"}}', 'The model server did not accept the request'],
    [503, '{"error":{"message":"Loading model","code":503}}', 'The model is starting'],
  ]
  for (const [status, text, meaning] of refusals) {
    // One request each; the plan has five a day.
    server.answers(sendsText(text, 'application/json', status))
    const words = (
      JSON.parse((await mary.post('/playground/stream', { ...call, prompt: 'x' })).text) as { message: string }
    ).message
    t.match(words, meaning, text)
    const own = /"(?:message|detail|error)":"([^"]+)"/.exec(text)?.[1] ?? 'none'
    t.match(words, `The model server reports: “${own}”`, text)
    t.notMatch(words, 'limit of your plan is exhausted', text)
  }
})

t.test('an exceeded plan limit is recognized by the error text of the product on every page', async (t) => {
  // The gateway answers from its cache first and counts afterwards.
  server.answers(sendsText('{"choices":[{"message":{"content":"Hi"}}]}'))
  for (let request = 0; request < 20; request++) {
    const { status } = await mary.post('/playground/stream', { ...call, prompt: 'x' })
    if (status === 402) break
  }
  for (const [page, words] of Object.entries(await reported())) {
    t.match(words, 'The limit of your plan is exhausted.', page)
    t.notMatch(words, 'The model server reports', page)
  }
})

t.test('a rejected key is recognized by the error text of the product', async (t) => {
  await stack.put(`/_demo/applications/${application}`, { state: 'suspended' })
  const refused = await mary.post('/playground/stream', { application, prompt: 'hello', turns: '[]' })
  t.equal(refused.status, 401)
  t.match(refused.text, 'The gateway rejected the credentials')
})
