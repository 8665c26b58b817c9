import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { problem } from '../../../src/errors.js'
import { createPlayground, type PlaygroundDeps } from '../../../src/features/playground/playground.js'
import { HttpError } from '../../../src/infra/http/http-error.js'
import { createModelCallLimit } from '../../../src/web/limits/concurrency-limit.js'
import { modelOf } from '../../helper/models.js'
import { streamedIn } from '../../helper/playground-events.js'
import { callsWithoutToken, tokenCredentials } from '../../helper/without-token.js'

type Sent = Record<string, unknown>
interface Reply {
  status: number
  text: string
  type?: string
  /** Delay before the response headers, in ms. */
  afterMs?: number
}

const caller = { username: 'mary' } as never
const required = { applications: [1], system: '', prompt: 'hello', turns: [], parameters: {} }
const says = (text: string): Reply => ({
  status: 200,
  type: 'text/event-stream',
  text: `data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\ndata: [DONE]\n\n`,
})
const json = (value: unknown, status = 200): Reply => ({
  status,
  text: JSON.stringify(value),
  type: 'application/json',
})
const error = (message: string, status = 400) => json({ error: { message } }, status)

/** A playground with a model server that responds as `reply` returns; `sent` are the bodies that it received. */
function playgroundBefore(reply: (body: Sent, attempt: number) => Reply, more: Partial<PlaygroundDeps> = {}) {
  const sent: Sent[] = []
  const limits: { headMs?: number; idleMs?: number; timeoutMs?: number }[] = []
  const answerTo = async (body: string | undefined, signal?: AbortSignal) => {
    const read = JSON.parse(body ?? '{}') as Sent
    sent.push(read)
    const { afterMs = 0, ...answer } = reply(read, sent.length)
    await sleep(afterMs, undefined, { signal }).catch((cause: unknown) => {
      throw problem('gateway_unavailable', { cause })
    })
    return { ...answer, headers: { 'content-type': answer.type ?? '' } }
  }
  const model = modelOf({ type: 'chat', name: 'A model', system_name: 'a-model', model_id: 'org/model' })
  const modelCallLimit = createModelCallLimit()
  const playground = createPlayground({
    applications: {
      list: async () => [],
      read: async () => ({ application: { id: 1 } as never, model }),
    },
    models: { list: async () => ({ models: [model] }) },
    calls: {
      prepare: async (_model, _application, { method, body }) => ({
        ...{ method, url: new URL('http://model.example/'), headers: {}, secrets: ['sk-secret'] },
        body: JSON.stringify(body),
      }),
    },
    gateway: {
      async call({ body, timeoutMs }) {
        limits.push({ ...(timeoutMs === undefined ? {} : { timeoutMs }) })
        return { ms: 1, ...(await answerTo(body)) }
      },
      async open({ body, signal, headMs, idleMs }) {
        limits.push({ ...(headMs && { headMs }), ...(idleMs && { idleMs }) })
        const answer = await answerTo(body, signal)
        return { ...answer, body: Readable.from([Buffer.from(answer.text)], { objectMode: false }) }
      },
    },
    modelCallLimit,
    learnFormat: async () => {},
    modelIdOf: async () => 'org/learned',
    refusalsOf: () => undefined,
    ...more,
  })
  const signal = () => new AbortController().signal
  return {
    playground,
    sent,
    limits,
    modelCallLimit,
    async stream(requested: object = {}, ended = signal()) {
      const answer = await playground.stream(caller, { ...required, ...requested }, 0, ended)
      if ('message' in answer) return answer
      let text = ''
      for await (const chunk of answer) text += String(chunk)
      return streamedIn(text)
    },
    ask: (requested: object = {}) => playground.ask(caller, { ...required, ...requested }, 0),
  }
}

t.test('a request contains only the parameters that the user entered', async (t) => {
  const { stream, ask, sent } = playgroundBefore(() => says('Hi'))
  await stream()
  await ask()
  await stream({ parameters: { temperature: 0 } })
  const first = { model: 'org/model', messages: [{ role: 'user', content: 'hello' }] }
  const streaming = { stream: true, stream_options: { include_usage: true } }
  t.same(sent, [{ ...first, ...streaming }, first, { ...first, temperature: 0, ...streaming }])
})

t.test('an added parameter that the server rejects is omitted from then on', async (t) => {
  const { stream, sent } = playgroundBefore((body) =>
    body.stream_options
      ? json({ detail: [{ loc: ['body', 'stream_options'], msg: 'Extra inputs' }] }, 422)
      : says('Hi'),
  )
  const first = await stream()
  t.match(first, { text: 'Hi', notices: [/does not accept stream_options\. The request was sent again without it/] })
  t.equal(sent.length, 2, 'one more request')
  t.match(await stream(), { text: 'Hi', notices: [] })
  t.equal(sent.length, 3, 'no further request')
  t.equal(sent[2]?.stream, true)
})

t.test('a server that names a replacement for a parameter receives the replacement', async (t) => {
  const refuses = (body: Sent) =>
    'max_tokens' in body
      ? error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
      : says('Hi')
  const { stream, ask, sent } = playgroundBefore(refuses)
  const said = await ask({ parameters: { max_tokens: 7 } })
  t.match(said, { text: 'Hi', notice: /sent again with max_completion_tokens/ }, 'without scripts')
  t.match(await stream({ parameters: { max_tokens: 7 } }), { text: 'Hi', notices: [] })
  t.same(
    sent.map(({ max_tokens, max_completion_tokens }) => [max_tokens, max_completion_tokens]),
    [
      [7, undefined],
      [undefined, 7],
      [undefined, 7],
    ],
  )
})

t.test('a server that does not stream receives a request without streaming', async (t) => {
  const { stream } = playgroundBefore(({ stream }) =>
    stream ? error('Streaming is not supported') : json({ choices: [{ message: { content: 'Hi' } }] }),
  )
  t.match(await stream(), { text: 'Hi', notices: [/does not stream answers/] })
})

t.test('a repeated rejection is returned after one more request, and is not remembered', async (t) => {
  const { stream, sent } = playgroundBefore(() => error('Unknown parameter'))
  for (const requests of [2, 4]) {
    t.match(await stream(), {
      status: 400,
      message: /did not accept the request\. The model server reports: “Unknown parameter”/,
    })
    t.equal(sent.length, requests)
  }
  t.ok(sent[2]?.stream_options, 'stream_options is not the cause')
})

t.test('two rejected parameters are handled one after the other', async (t) => {
  const { stream, sent } = playgroundBefore((body) => {
    if (body.stream_options) return error('stream_options is not supported')
    return 'max_tokens' in body ? error('use max_completion_tokens') : says('Hi')
  })
  t.match(await stream({ parameters: { max_tokens: 7 } }), { status: 400, message: /use max_completion_tokens/ })
  t.match(await stream({ parameters: { max_tokens: 7 } }), { text: 'Hi' })
  t.equal(sent.length, 4)
})

t.test('a parameter that the user entered is named and never omitted', async (t) => {
  const { stream, sent } = playgroundBefore(() => error("'temperature' does not support 0.2 with this model."))
  const refused = await stream({ parameters: { temperature: 0.2 } })
  t.match(refused, {
    message: /“'temperature' does not support.*Change or clear temperature, then send the request again\.$/,
  })
  t.equal(sent.length, 1)
})

t.test('a rejection for another reason leads to no further request', async (t) => {
  for (const refusal of [
    error('maximum context length is 4096'),
    error('Wrong key', 401),
    error('Busy', 429),
    error('x', 500),
  ]) {
    const { stream, sent } = playgroundBefore(() => refusal)
    t.match(await stream(), { status: refusal.status })
    t.equal(sent.length, 1, String(refusal.status))
  }
})

t.test('the playground waits for a model that scales up from zero, and reports the wait', async (t) => {
  const { stream, limits, ask } = playgroundBefore(() => ({ ...says('Hi'), afterMs: 150 }), { progressMs: 40 })
  const answer = await stream()
  t.match(answer, { text: 'Hi', finish: { message: '' } })
  t.ok('progress' in answer && answer.progress.length >= 1)
  await ask()
  t.ok((limits[0]?.headMs ?? 0) >= 120_000 && (limits[0]?.idleMs ?? 0) >= 60_000)
  t.ok((limits[1]?.timeoutMs ?? 0) >= 120_000, 'also without scripts')
})

t.test('a rejection after a reported wait is an event with the same message', async (t) => {
  const late = playgroundBefore(() => ({ ...error('Loading model', 503), afterMs: 100 }), { progressMs: 20 })
  t.match(await late.stream(), { failure: /^The model is starting.*“Loading model” \(503\)$/, text: '' })
  const down = playgroundBefore(
    () => {
      throw problem('gateway_unavailable', { detail: 'It is down.' })
    },
    { progressMs: 20, modelIdOf: async () => 'x' },
  )
  await t.rejects(down.stream(), { message: 'It is down.' })
})

t.test('an endpoint that fails after a reported wait ends the stream with an event', async (t) => {
  let fail = () => {}
  const { playground } = playgroundBefore(() => says('Hi'), {
    progressMs: 20,
    calls: {
      prepare: () =>
        new Promise((_resolve, reject) => {
          fail = () => reject(problem('gateway_unavailable', { detail: 'It is down.' }))
        }),
    },
  })
  const answer = await playground.stream(caller, required, 0, new AbortController().signal)
  fail()
  let text = ''
  for await (const chunk of answer as Readable) text += String(chunk)
  t.equal(streamedIn(text).failure, 'It is down.')
})

t.test('a user leaving while the model starts ends the request and releases the concurrency slot', async (t) => {
  const leaving = new AbortController()
  const { stream, modelCallLimit } = playgroundBefore(() => ({ ...says('Hi'), afterMs: 60_000 }), { progressMs: 20 })
  setTimeout(() => leaving.abort(), 100)
  t.match(await stream({}, leaving.signal), { failure: /\S/ })
  for (let place = 0; place < 6; place++) modelCallLimit.take(caller)
  t.throws(() => modelCallLimit.take(caller), { code: 'too_many_requests' }, 'all six slots were free')

  const early = playgroundBefore(() => ({ ...says('Hi'), afterMs: 60_000 }))
  const removed = new AbortController()
  setTimeout(() => removed.abort(), 50)
  await t.rejects(early.stream({}, removed.signal), { code: 'gateway_unavailable' })
})

t.test('a model that lists no model yet is called without an id', async (t) => {
  const model = modelOf({ type: 'chat', name: 'A model', system_name: 'a-model', model_id: null })
  const applications = { list: async () => [], read: async () => ({ application: { id: 1 } as never, model }) }
  const fails = (kind: 'timeout' | 'network') => async () => {
    throw problem('gateway_unavailable', { cause: new HttpError(kind, 'model.example') })
  }
  const slow = playgroundBefore(() => says('Hi'), { applications, modelIdOf: fails('timeout') })
  t.match(await slow.stream(), { text: 'Hi' })
  t.notOk('model' in (slow.sent[0] ?? {}))
  const down = playgroundBefore(() => says('Hi'), { applications, modelIdOf: fails('network') })
  await t.rejects(down.stream(), { code: 'gateway_unavailable' })
  t.equal(down.sent.length, 0)
})

t.test('an application without a token is reported as such', async (t) => {
  const { stream, ask } = playgroundBefore(() => says('Hi'), {
    calls: {
      prepare: (model, application, call) =>
        callsWithoutToken.prepare(model, { ...application, credentials: tokenCredentials } as never, call),
    },
  })
  const failure = { code: 'gateway_unavailable', message: /No access token could be obtained/ }
  await t.rejects(stream(), failure)
  await t.rejects(ask(), failure)
})

t.test('every success status with a body is a reply, and one without a body is not', async (t) => {
  for (const status of [200, 201, 206]) {
    const { stream } = playgroundBefore(() => ({ ...says('Hi'), status }))
    t.match(await stream(), { text: 'Hi' }, String(status))
  }
  for (const status of [204, 205, 302]) {
    const { stream, ask } = playgroundBefore(() => ({ status, text: '' }))
    t.match(await stream(), { status, message: /\S/ })
    t.match(await ask(), { status, message: /\S/ })
  }
})

t.test('a complete response is parsed in the same way as a stream', async (t) => {
  const requested = async (reply: Reply) => playgroundBefore(() => reply).ask()
  t.match(await requested(says('Hi')), { text: 'Hi' }, 'a stream that was not requested')
  t.match(
    await requested(
      json({ choices: [{ message: { content: 'sk-secret', reasoning: 'Hm' }, finish_reason: 'length' }] }),
    ),
    {
      ...{ text: '•••', reasoning: 'Hm', finish: 'length', notice: /cut off at the token limit/ },
    },
  )
  t.match(await requested(json({ error: { message: 'no room' } })), { status: 200, message: /“no room”/ })
  t.match(await requested({ status: 200, text: '<html>', type: 'text/html' }), { status: 200, message: /a web page/ })
  t.match(await requested({ status: 200, text: '' }), {
    status: 200,
    message: 'The model server sent an empty answer.',
  })
})
