import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startRedis, startStack } from '../../helper/stack.js'
import { type Answer, createVisitor, decode, type Visitor } from '../../helper/visitor.js'
import { changeAsOperator } from '../../helper/webhook.js'

const redis = await startRedis()
const stack = await startStack()
await stack.portal({ REDIS_URL: redis.url, CATALOG_TTL: '1' })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})

const idOf = async (visitor: Visitor, model: string) => {
  const page = await visitor.submit(await visitor.get(`/applications/new?model=${model}`), /^\/applications$/)
  return new URL(page.url).pathname.split('/').pop() ?? ''
}
const reference = (model: string) => `/models/${model}/reference`
/** Sends an operation with its form's values, overridden by `values`. */
const attempt = (visitor: Visitor, page: Answer, operation: string, values: Record<string, string> = {}) =>
  visitor.submit({ ...page, text: formOf(page, operation) }, /reference/, values)
const formOf = (page: Answer, operation: string) => {
  const form = page.text.split('<form').find((part) => part.includes(`name="operation" value="${operation}"`))
  if (!form) throw new Error(`${operation} cannot be tried on ${page.url}`)
  return `<form${form.slice(0, form.indexOf('</form>') + 7)}`
}
const bodyOf = (page: Answer) =>
  decode((/aria-label="Response body"><code>([\s\S]*?)<\/code>/.exec(page.text)?.[1] ?? '').replace(/<[^>]+>/g, ''))
const upload = async (model: string, body: string | null, published = true) => {
  const { services } = await stack.state()
  const service_id = services.find(({ system_name }) => system_name === model)?.id
  await stack.put('/_demo/active_docs', { service_id, body, published })
}
const until = async (path: string, words: RegExp) => {
  for (let look = 0; look < 300; look++) {
    const page = await visitor.get(path)
    if (words.test(page.text)) return page
    await sleep(100)
  }
  throw new Error(`${path} never says ${words}`)
}

const visitor = createVisitor(stack)
const mary = createVisitor(stack)
await mary.signIn('mary')
const granite = await idOf(mary, 'granite-chat')
const keys = async () =>
  (await stack.state()).applications.flatMap(({ user_key, keys }) => [user_key, ...keys.map(({ value }) => value)])

t.test('a page from an uploaded spec has operations, the deployed address, the credential and links', async (t) => {
  const model = await visitor.get('/models/granite-chat')
  t.match(model.text, `href="${reference('granite-chat')}"`)
  const page = await visitor.get(reference('granite-chat'))
  t.equal(page.status, 200)
  t.match(page.text, /From the uploaded spec: Granite/)
  t.match(page.text, 'id="post-v1-chat-completions"')
  t.match(page.text, 'href="#post-v1-chat-completions"', 'a table of contents')
  t.match(page.text, '<strong>the last message</strong>')
  for (const field of ['messages', 'messages.role', 'max_tokens']) t.match(page.text, `<code>${field}</code>`, field)
  t.match(page.text, 'Authorization: Bearer &lt;key&gt;')
  t.match(page.text, 'Sign in to try calls through your own application')
  t.notMatch(page.text, '<form class="form"')
  t.notMatch(page.text, /<script(?![^>]*src="\/static)|https?:\/\/(cdn|unpkg)/)
  const mistral = await visitor.get(reference('mistral-chat'))
  t.match(mistral.text, 'X-API-Key: &lt;key&gt;')
  t.match(mistral.text, 'The maximum number of output tokens; at least 1, default 256')
  t.match((await visitor.get(reference('qwen-coder'))).text, /The spec names the server https:\/\/Main_URL:443/)
  t.match(mistral.text, 'a different credential than the gateway requires')
  t.equal((await visitor.raw(reference('nothing'))).status, 404)
  t.equal((await visitor.raw(reference('restricted-research'))).status, 404)
})

t.test("Try it calls the gateway with the user's application, without scripts or showing the key", async (t) => {
  const page = await mary.get(reference('granite-chat'))
  await stack.resetCalls()
  const answered = await attempt(mary, page, 'post-v1-chat-completions', {
    body: '{"model":"ibm-granite/granite-3.3-8b-instruct","messages":[{"role":"user","content":"good <b>day"}]}',
  })
  t.equal(answered.status, 200)
  t.match(answered.text, /200 OK after [\d,]+ ms/)
  t.match(JSON.parse(bodyOf(answered)), { choices: [{ message: { content: /good <b>day/ } }] })
  t.match(answered.text, 'good &lt;b&gt;day', 'the input is preserved')
  t.match(answered.text, 'content-type: application/json')
  t.match(answered.headers.get('cache-control'), 'no-store')
  for (const key of await keys()) if (key) t.notOk(answered.text.includes(key))
  const own = Object.entries(await stack.calls()).filter(([call]) => call.includes('/accounts/'))
  const calls = own.reduce((sum, [, count]) => sum + count, 0)
  t.ok(calls <= 3, `${JSON.stringify(own)}: calls to 3scale`)

  const listed = await attempt(mary, page, 'get-v1-models')
  t.match(JSON.parse(bodyOf(listed)), { data: [{ id: 'ibm-granite/granite-3.3-8b-instruct' }] })
  const streamed = await attempt(mary, page, 'post-v1-chat-completions', {
    body: '{"model":"ibm-granite/granite-3.3-8b-instruct","stream":true,"messages":[{"role":"user","content":"hi"}]}',
  })
  t.match(streamed.text, 'The response was a stream of events.')
  t.match(bodyOf(streamed), /data: \[DONE\]/)

  await idOf(mary, 'kokoro-tts')
  const wav = await attempt(mary, await mary.get(reference('kokoro-tts')), 'post-v1-audio-speech', {
    body: JSON.stringify({ model: '', input: 'Hello', voice: 'alloy' }),
  })
  t.match(wav.text, /[\d,]+ bytes of audio\/wav, which is not shown/)
})

t.test('Try it sends the credential in each mode and location', async (t) => {
  for (const model of ['mistral-chat', 'llama-chat', 'qwen-coder', 'nomic-embed', 'oidc-chat']) {
    await idOf(mary, model)
    const page = await mary.get(reference(model))
    const operation = /name="operation" value="(get-[a-z0-9-]*models)"/.exec(page.text)?.[1] ?? ''
    let answered = await attempt(mary, page, operation)
    // A new client of OpenID Connect is sent to the identity provider a moment later.
    for (let look = 0; look < 100 && answered.text.includes('The issuer may not have its client yet'); look++) {
      await sleep(100)
      answered = await attempt(mary, page, operation)
    }
    t.match(answered.text, /200 OK after/, `${model}: ${answered.status}`)
    for (const key of await keys()) if (key) t.notOk(answered.text.includes(key), model)
  }
})

t.test('errors are described to the user, and the input is preserved', async (t) => {
  const page = await mary.get(reference('granite-chat'))
  const wrong = await attempt(mary, page, 'post-v1-chat-completions', { body: '{"model":' })
  t.equal(wrong.status, 422)
  t.match(wrong.text, /Enter valid JSON: /)
  t.match(decode(wrong.text), '{"model":')
  const unknown = await attempt(mary, page, 'post-v1-chat-completions', { body: '{"model":"other","messages":[]}' })
  t.match(unknown.text, /404 Not Found after/)
  t.match(unknown.text, 'does not know this path or model ID')

  await idOf(mary, 'tiny-limited')
  const tiny = await mary.get(reference('tiny-limited'))
  t.match(tiny.text, 'No spec was uploaded for this product. This page is generated from the model type')
  let limited = tiny
  for (let call = 0; call < 12 && !/429 Too Many/.test(limited.text); call++)
    limited = await attempt(mary, tiny, 'get-v1-models')
  t.match(limited.text, /429 Too Many Requests after/)
  t.match(limited.text, /The limit of your plan is exhausted\. Try again in \d+ seconds/)
  t.match(limited.text, /retry-after: \d+/)

  const falcon = await idOf(mary, 'two-plans-noselect')
  await changeAsOperator(stack, Number(falcon), { state: 'suspended' })
  const offered = await mary.get(reference('two-plans-noselect'))
  t.notMatch(offered.text, 'name="operation"', 'a suspended application is not offered')
  const ask = () => mary.post(reference('two-plans-noselect'), { operation: 'get-v1-models', application: falcon })
  // The gateway may have accepted this key before, and accepts it once more.
  await ask()
  const refused = await ask()
  t.match(refused.text, 'rejected the credentials', refused.text.slice(0, 200))

  await stack.faults([{ match: 'GET /admin/api/accounts/*', status: 500 }])
  const down = await attempt(mary, page, 'post-v1-chat-completions', { body: '{"kept":"words"}' })
  t.equal(down.status, 503)
  t.match(down.headers.get('retry-after'), /^\d+$/)
  t.match(decode(down.text), '{"kept":"words"}')
  t.equal((await mary.get(reference('granite-chat'))).status, 200, 'the page is served without 3scale')
  await stack.faults([])

  await stack.parts.gateway?.stop('SIGKILL')
  const removed = await attempt(mary, page, 'get-v1-models')
  t.equal(removed.status, 502)
  t.match(removed.text, 'could not be reached')
  await stack.part('gateway')
})

t.test('Try it requires sign-in, an application of the user and an operation of the page', async (t) => {
  const ada = createVisitor(stack)
  await ada.signIn('ada')
  const page = await ada.get(reference('granite-chat'))
  t.match(page.text, 'href="/applications/new?model=granite-chat"', 'without an application, a link creates one')
  const pending = await idOf(mary, 'phi-approval')
  const waiting = await mary.get(reference('phi-approval'))
  t.match(waiting.text, 'awaiting approval. You can try calls once it is live')
  t.match(waiting.text, new RegExp(`href="/applications/${pending}">View\\s+application`))
  t.notMatch(waiting.text, 'name="operation"')
  const call = { operation: 'get-v1-models', application: granite }
  t.equal((await ada.post(reference('granite-chat'), call)).status, 404, 'another account')
  t.equal((await mary.post(reference('llama-chat'), call)).status, 404, 'an application of another model')
  t.equal((await mary.post(reference('granite-chat'), { ...call, operation: 'delete-all' })).status, 404)
  t.equal((await mary.post(reference('granite-chat'), { ...call, application: 'x' })).status, 422)
  t.equal((await visitor.post(reference('granite-chat'), call)).status, 303)
  const foreign = { headers: { 'sec-fetch-site': 'cross-site' } }
  t.equal((await mary.post(reference('granite-chat'), call, foreign)).status, 403)
})

t.test('changed, invalid, hidden, hostile and deleted specs are each handled', async (t) => {
  const path = reference('granite-chat')
  await upload('granite-chat', '{"openapi":')
  await until(path, /cannot be read: it is not valid JSON or YAML/)
  const hostile = {
    openapi: '3.1.0',
    info: {
      title: '<img src=x onerror=alert(1)>',
      description: '<script>alert(1)</script> # x\n\n[a](javascript:alert(1))',
    },
    servers: [{ url: 'javascript:alert(1)' }],
    paths: {
      '/v1/models': {
        get: {
          summary: '"><script>alert(2)</script>',
          parameters: [{ in: 'query', name: '"><b>', schema: { type: '<i>', enum: ['<u>'] } }],
        },
      },
      '/elsewhere': { get: {} },
    },
  }
  await upload('granite-chat', JSON.stringify(hostile))
  const page = await until(path, /alert\(2\)/)
  t.notMatch(page.text, /<script>alert|<img src=x|"><b>|<u>|href="javascript/)
  t.match(page.text, '1 operation of the spec that the gateway rejects')
  t.match(page.text, '<code>GET /elsewhere</code>')
  const tried = await attempt(mary, await mary.get(path), 'get-v1-models', { 'query."><b>': '<u>' })
  t.match(tried.text, /200 OK after/)
  await upload('granite-chat', JSON.stringify(hostile), false)
  await until(path, /No spec was uploaded/)
  await upload(
    'granite-chat',
    `swagger: "2.0"\ninfo: {title: By YAML}\npaths: {/v1/models: {get: {summary: Read them}}}\n`,
  )
  await until(path, /By YAML[\s\S]*Read them/)
  await upload('granite-chat', null)
  await until(path, /No spec was uploaded/)
})
