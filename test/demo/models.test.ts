import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import t from 'tap'
import { raw } from '../helper/raw.js'
import { startStack } from '../helper/stack.js'

/** The small model servers behind the gateway, and the tokens that the gateway counts. */
const stack = await startStack(['threescale', 'gateway'])
t.teardown(() => stack.close())

const ACCOUNT = 503
const { services, plans } = (await stack.state()) as unknown as {
  services: { id: number; system_name: string; endpoint: string; promoted: boolean; backend_version: string }[]
  plans: { id: number; service_id: number }[]
}
const GRANITE = 'ibm-granite/granite-3.3-8b-instruct'
const granite = await open('granite-chat')
const client = new OpenAI({ baseURL: `${granite.endpoint}/v1`, apiKey: granite.key, maxRetries: 0 })
const hello = [{ role: 'user' as const, content: 'Hello there' }]
const post = (body: object) => raw(granite.port, 'POST /v1/chat/completions', json(granite.key), JSON.stringify(body))

t.test('a chat is answered in one response with its usage, which 3scale counts', async (t) => {
  const before = await settled(granite.application)
  const answer = await client.chat.completions.create({ model: GRANITE, messages: hello })
  t.match(answer.choices[0]?.message.content, /^Hello! I am .* and you said: Hello there$/)
  const { prompt_tokens = 0, completion_tokens = 0, total_tokens = 0 } = answer.usage ?? {}
  t.ok(prompt_tokens > 0 && completion_tokens > 0)
  t.equal(total_tokens, prompt_tokens + completion_tokens)
  await until(granite.application, {
    hits: before.hits + 1,
    'v1-chat-completions': before['v1-chat-completions'] + 1,
    prompt_tokens: before.prompt_tokens + prompt_tokens,
    total_tokens: before.total_tokens + total_tokens,
  })
  const again = await client.chat.completions.create({ model: GRANITE, messages: hello })
  t.equal(again.choices[0]?.message.content, answer.choices[0]?.message.content, 'deterministic')
})

t.test('a streamed chat arrives in chunks that form the same answer', async (t) => {
  const pieces: string[] = []
  let finished: string | null = null
  for await (const chunk of await client.chat.completions.create({ model: GRANITE, messages: hello, stream: true })) {
    pieces.push(chunk.choices[0]?.delta.content ?? '')
    finished = chunk.choices[0]?.finish_reason ?? finished
  }
  t.ok(pieces.length > 5)
  t.match(pieces.join(''), 'and you said: Hello there')
  t.equal(finished, 'stop')
  const answer = await post({ model: GRANITE, messages: hello, stream: true })
  t.equal(answer.header('content-type'), 'text/event-stream; charset=utf-8')
  t.ok(answer.text.endsWith('data: [DONE]\n\n'))
})

t.test('usage of a stream is returned as requested, and requested by the gateway otherwise', async (t) => {
  const requested = async (options: object) => {
    const { text } = await post({ model: GRANITE, messages: hello, stream: true, ...options })
    const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(
      ([, event = '']) => JSON.parse(event) as { usage?: { total_tokens: number }; choices: object[] },
    )
    return { events, withUsage: events.filter(({ usage }) => usage), last: events.at(-1) }
  }
  const before = await settled(granite.application)
  const silent = await requested({})
  t.ok(silent.withUsage.length > 2, 'the policy requests it for every event')
  t.same(silent.last?.choices, [], 'the last event has no choices')
  const tokens = silent.last?.usage?.total_tokens ?? 0
  await until(granite.application, { total_tokens: before.total_tokens + tokens })

  const once = await requested({ stream_options: { include_usage: true } })
  t.equal(once.withUsage.length, 1, 'requested for the end: at the end')
  const no = await requested({ stream_options: { include_usage: false } })
  t.equal(no.withUsage.length, 1, 'an opt-out is overridden')
  await until(granite.application, { total_tokens: before.total_tokens + 3 * tokens })
  const empty = await requested({ stream_options: {} })
  t.equal(empty.withUsage.length, 0, 'unchanged, and not counted')
  t.notSame(empty.last?.choices, [])
  await until(granite.application, {
    hits: before.hits + 4,
    total_tokens: before.total_tokens + 3 * tokens,
  })
})

t.test(
  'requests outside the OpenAI API: wrong method 405, unknown path and model 404, invalid bodies 400',
  async (t) => {
    const wide = await added({
      server: 'granite',
      modelId: GRANITE,
      rules: [
        ['GET', '/', 'hits'],
        ['POST', '/', 'hits'],
      ],
    })
    const at = (first: string, body = '') => raw(wide.port, first, json(wide.key), body)
    t.same([(await at('GET /v1/chat/completions')).status, (await at('POST /v1/models', '{}')).status], [405, 405])
    for (const path of ['/v1/embeddings', '/v2/chat/completions', '/', '/docs']) {
      const answer = await at(`POST ${path}`, '{}')
      t.same([answer.status, answer.text], [404, '{"detail":"Not Found"}'], path)
    }
    for (const model of ['granite-chat', 'gpt-4', '', undefined]) {
      const answer = await at('POST /v1/chat/completions', JSON.stringify({ model, messages: hello }))
      t.equal(answer.status, 404, String(model))
      t.match(JSON.parse(answer.text), { error: { type: 'NotFoundError', code: 404 } })
    }
    t.equal((await at('POST /v1/chat/completions', '{"model":')).status, 400, 'invalid JSON')
    t.equal((await at('POST /v1/chat/completions', JSON.stringify({ model: GRANITE }))).status, 400, 'no messages')
  },
)

t.test(
  'an empty list in a body is damaged by the token policy, and a strict server then rejects the request',
  async (t) => {
    const damaged = await post({ model: GRANITE, messages: hello, stop: [] })
    t.equal(damaged.status, 400)
    t.match(damaged.text, 'stop must be')
    const plain = await added({ server: 'granite', modelId: GRANITE, policies: [apicast()] })
    const body = JSON.stringify({ model: GRANITE, messages: hello, stop: [] })
    t.equal((await raw(plain.port, 'POST /v1/chat/completions', json(plain.key), body)).status, 200)
  },
)

t.test('without streaming support the policy buffers a stream until it is complete, and counts nothing', async (t) => {
  const policy = { name: 'llm-metrics', version: '0.1', configuration: { enable_sse_support: false } }
  const present = await added({ server: 'granite', modelId: GRANITE, policies: [policy, apicast()] })
  const answer = await fetch(`${present.endpoint}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${present.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: GRANITE, messages: hello, stream: true }),
  })
  let chunks = 0
  for await (const _chunk of answer.body ?? []) chunks++
  t.equal(chunks, 1)
  await until(present.application, { hits: 1 })
  t.equal((await totals(present.application)).total_tokens, 0)
})

t.test('tokens of a cached key are reported together with the hits of their call', async () => {
  // Any change clears the cache, so that the first call is not answered from it.
  await fetch(`http://127.0.0.1:${stack.port + 4}/_demo/gateway`, { method: 'PUT', body: '{}' })
  const before = await settled(granite.application)
  const first = await client.chat.completions.create({ model: GRANITE, messages: hello })
  const tokens = first.usage?.total_tokens ?? 0
  await until(granite.application, { hits: before.hits + 1, total_tokens: before.total_tokens + tokens })
  await client.chat.completions.create({ model: GRANITE, messages: hello })
  await until(granite.application, { hits: before.hits + 2, total_tokens: before.total_tokens + 2 * tokens })
})

t.test('every type of model returns its kind of response', async (t) => {
  const ask = async (product: string, path: string, body: object) => {
    const model = await open(product)
    const answer = await raw(model.port, `POST ${path}${model.query}`, model.lines, JSON.stringify(body))
    t.equal(answer.status, 200, answer.status === 200 ? product : `${product}: ${answer.text}`)
    return answer
  }
  const id = {
    coder: 'Qwen/Qwen2.5-Coder-7B',
    embed: 'nomic-ai/nomic-embed-text-v2-moe',
    rerank: 'BAAI/bge-reranker-v2-m3',
    image: 'stabilityai/sdxl-turbo',
    speech: 'hexgrad/Kokoro-82M',
    bare: 'deepseek-ai/DeepSeek-R1-Distill',
  }
  const completed = await ask('qwen-coder', '/v1/completions', { model: id.coder, prompt: 'San Francisco is a' })
  t.match(JSON.parse(completed.text), { object: 'text_completion', choices: [{ text: /California/ }] })
  const streamed = await ask('qwen-coder', '/v1/completions', { model: id.coder, prompt: 'San', stream: true })
  t.match(streamed.text, 'data: [DONE]')

  const input = ['one', 'two']
  const floats = await ask('nomic-embed', '/v1/embeddings', { model: id.embed, input, encoding_format: 'float' })
  const { data } = JSON.parse(floats.text) as { data: { embedding: number[] }[] }
  t.equal(data.length, 2)
  const packed = await ask('nomic-embed', '/v1/embeddings', { model: id.embed, input, encoding_format: 'base64' })
  const [row] = (JSON.parse(packed.text) as { data: { embedding: string }[] }).data
  const bytes = Buffer.from(row?.embedding ?? '', 'base64')
  t.equal(bytes.length / 4, data[0]?.embedding.length)
  t.ok(Math.abs(bytes.readFloatLE(0) - (data[0]?.embedding[0] ?? 9)) < 1e-6, 'the same numbers')

  const ranked = await ask('bge-reranker', '/v1/rerank', { model: id.rerank, query: 'q', documents: ['a', 'b', 'c'] })
  const scores = (JSON.parse(ranked.text) as { results: { relevance_score: number }[] }).results
  t.same(
    scores.map(({ relevance_score }) => relevance_score),
    scores.map(({ relevance_score }) => relevance_score).sort((a, b) => b - a),
    'the best first',
  )
  const drawn = await ask('sdxl-image', '/v1/images/generations', { model: id.image, prompt: 'a cat' })
  const picture = (JSON.parse(drawn.text) as { data: { b64_json: string }[] }).data[0]?.b64_json ?? ''
  t.equal(Buffer.from(picture, 'base64').subarray(1, 4).toString(), 'PNG')
  const spoken = await ask('kokoro-tts', '/v1/audio/speech', { model: id.speech, input: 'Hello', voice: 'a' })
  t.equal(spoken.header('content-type'), 'audio/wav')
  await ask('hostile-name', '/predict', { anything: 1 })
  await ask('deepseek-v1', '/chat/completions', { model: id.bare, messages: hello })

  const whisper = await open('whisper-stt')
  const recording = new FormData()
  recording.set('model', 'openai/whisper-large-v3')
  recording.set('file', new Blob(['RIFF']), 'audio.wav')
  const announced = await fetch(`${whisper.endpoint}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${whisper.key}` },
    body: recording,
  })
  t.match(await announced.json(), { text: /recording/ })
})

t.test("every product with a list of models names one, which differs from the product's name", async (t) => {
  for (const service of services.filter(({ promoted, endpoint }) => promoted && endpoint.includes('localhost'))) {
    if (service.backend_version === 'oidc' || service.system_name === 'hostile-name') continue
    const model = await open(service.system_name)
    const path = service.system_name === 'deepseek-v1' ? '/models' : '/v1/models'
    const answer = await raw(model.port, `GET ${path}${model.query}`, model.lines)
    t.equal(answer.status, 200, service.system_name)
    const [only] = (JSON.parse(answer.text) as { data: { id: string }[] }).data
    t.not(only?.id, service.system_name)
  }
})

function json(key: string): string[] {
  return [`Authorization: Bearer ${key}`, 'Content-Type: application/json']
}

function apicast() {
  return { name: 'apicast', version: 'builtin', configuration: {} }
}

/** An application of that product, and where its key is sent. */
async function open(systemName: string) {
  const service = ((await stack.state()).services as unknown as ServiceRow[]).find(
    ({ system_name }) => system_name === systemName,
  )
  if (!service) throw new Error(`no product ${systemName}`)
  const { plans: current } = (await stack.state()) as unknown as { plans: typeof plans }
  const plan = current.find(({ service_id }) => service_id === service.id)
  const created = await fetch(`${stack.threescale}/admin/api/accounts/${ACCOUNT}/applications.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('demo-token:').toString('base64')}` },
    body: new URLSearchParams({ plan_id: String(plan?.id), application_key: 'model-test-key', name: 'models' }),
  })
  const { application } = (await created.json()) as {
    application: { id: number; state: string; user_key?: string; application_id?: string }
  }
  if (application.state === 'pending') await stack.put(`/_demo/applications/${application.id}`, { state: 'live' })
  await stack.settled()
  const key = application.user_key ?? application.application_id ?? ''
  const { names, location, backend_version } = service
  const pairs: [string, string][] =
    backend_version === '1'
      ? [[names.user_key, key]]
      : [
          [names.app_id, key],
          [names.app_key, 'model-test-key'],
        ]
  const basic = `Authorization: Basic ${Buffer.from(`${key}:${backend_version === '1' ? '' : 'model-test-key'}`).toString('base64')}`
  const headers = location === 'headers' ? pairs.map(([name, value]) => `${name}: ${value}`) : [basic]
  return {
    endpoint: service.endpoint,
    port: Number(new URL(service.endpoint).port),
    key,
    application: application.id,
    query: location === 'query' ? `?${new URLSearchParams(pairs)}` : '',
    lines: [...(location === 'query' ? [] : headers), 'Content-Type: application/json'],
  }
}

interface ServiceRow {
  id: number
  system_name: string
  endpoint: string
  backend_version: string
  location: string
  names: { user_key: string; app_id: string; app_key: string }
}

async function added(sketch: object) {
  const answer = await fetch(`${stack.threescale}/_demo/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sketch),
  })
  const { products } = (await answer.json()) as { products: { system_name: string }[] }
  return open(products[0]?.system_name ?? '')
}

type Totals = Record<'hits' | 'v1-chat-completions' | 'prompt_tokens' | 'total_tokens', number>

async function totals(application: number): Promise<Totals> {
  const names = ['hits', 'v1-chat-completions', 'prompt_tokens', 'total_tokens'] as const
  const values = await Promise.all(
    names.map(async (name) => {
      const url = `${stack.threescale}/stats/applications/${application}/usage.json?metric_name=${name}&period=day`
      const answer = await fetch(`${url}&access_token=demo-token`)
      return [name, ((await answer.json()) as { total: number }).total] as const
    }),
  )
  return Object.fromEntries(values) as Totals
}

/** The totals after all reports of earlier calls, which follow their responses, have arrived. */
async function settled(application: number): Promise<Totals> {
  for (let before = await totals(application); ; ) {
    await sleep(1500)
    const now = await totals(application)
    if (JSON.stringify(now) === JSON.stringify(before)) return now
    before = now
  }
}

/** Reports follow the response; then nothing more. */
async function until(application: number, required: Partial<Totals>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const now = await totals(application)
    if (Object.entries(required).every(([name, value]) => now[name as keyof Totals] === value)) return
    await sleep(50)
  }
  t.match(await totals(application), required)
}
