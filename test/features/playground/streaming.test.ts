import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createGateway } from '../../../src/clients/gateway/gateway.js'
import { isProblem } from '../../../src/errors.js'
import {
  buildMessages,
  conversationLength,
  parseChatForm,
  parseLines,
  parseTurns,
  validateTexts,
} from '../../../src/features/playground/chat-form.js'
import { conversationCodeView, selectClient } from '../../../src/features/playground/code-view.js'
import { streamMessages } from '../../../src/features/playground/messages.js'
import { collectAnswer, readRanking, readVectors, similarity } from '../../../src/features/playground/results.js'
import { rankingView, similarityView } from '../../../src/features/playground/results-view.js'
import { relayEvents } from '../../../src/features/playground/sse-relay.js'
import { answerView } from '../../../src/features/playground/view.js'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { createHttp } from '../../../src/infra/http/http.js'
import { redactStream } from '../../../src/model-calls/responses/stream-redaction.js'
import { cachedCharacters } from '../../../src/web/pages/syntax-highlighting.js'

const http = createHttp()
t.teardown(() => http.close())

/** A model server that responds as the test defines; `gone` counts responses whose reader disconnected. */
async function modelServer(answer: (response: ServerResponse) => void) {
  const state = { gone: 0, sent: 0 }
  const server = createServer((_request, response) => {
    response.once('close', () => {
      if (!response.writableEnded) state.gone++
    })
    answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const gateway = createGateway({ http, isAllowed: () => true })
  const open = (signal = new AbortController().signal) =>
    gateway.open({ method: 'POST', url, headers: {}, body: '{}', signal })
  return { state, open }
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const says = (content: string, more: object = {}) => event({ choices: [{ index: 0, delta: { content, ...more } }] })
const from = (text: string, size = 1_000_000) => ({
  type: 'text/event-stream',
  body: Readable.from(
    Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
      Buffer.from(text.slice(at * size, (at + 1) * size)),
    ),
    { objectMode: false },
  ),
})
const SSE = { 'content-type': 'text/event-stream' }

/** The response of `open` as the browser receives it. */
async function relayed(open: (signal?: AbortSignal) => ReturnType<Awaited<ReturnType<typeof modelServer>>['open']>) {
  const leaving = new AbortController()
  const state = { ended: 0 }
  const { body } = await open(leaving.signal)
  const answer = redactStream([], { type: 'text/event-stream', body })
  const stream = relayEvents({ answer, cancel: () => leaving.abort(), done: () => state.ended++ })
  return { stream, state, leaving }
}

t.test('a response is forwarded as it arrives, after a comment that opens the stream through proxies', async (t) => {
  const { open } = await modelServer((response) => {
    response.writeHead(200, SSE)
    response.write(says('a\u2028', { reasoning: 'b' }))
    response.write(event({ choices: [{ delta: {}, finish_reason: 'length' }] }))
    response.write(event({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 6 } }))
    response.end('data: [DONE]\n\n')
  })
  const { stream, state } = await relayed(open)
  t.equal(
    await textOf(stream),
    [
      ': \n\n',
      'data: {"reasoning":"b","text":"a\\u2028"}\n\n',
      'event: usage\ndata: {"prompt_tokens":2,"completion_tokens":6,"reasoning_tokens":null}\n\n',
      'event: finish\ndata: {"reason":"length","message":"The answer was cut off at the token limit (length)."}\n\n',
    ].join(''),
  )
  t.equal(state.ended, 1, 'the concurrency slot is released once')
})

t.test('a server that keeps the connection open after its response does not delay the page', async (t) => {
  const { open, state: server } = await modelServer((response) => {
    response.writeHead(200, SSE)
    response.write(`${says('a')}data: [DONE]\n\n`)
  })
  const { stream, state } = await relayed(open)
  t.match(await textOf(stream), /event: finish/)
  t.equal(state.ended, 1)
  while (server.gone === 0) await sleep(5)
  t.equal(server.gone, 1)
})

t.test('a wait is reported in seconds until the first chunk arrives', async (t) => {
  async function* late() {
    await sleep(60)
    yield [{ kind: 'notice' as const, message: 'Sent again.' }]
    await sleep(60)
    yield [{ kind: 'delta' as const, text: 'a', reasoning: '' }]
    await sleep(100)
    yield [{ kind: 'finish' as const, reason: 'stop', message: '' }]
  }
  const options = { cancel: () => {}, done: () => {}, progressMs: 20 }
  const text = await textOf(relayEvents({ ...options, answer: late(), waitedMs: 7000 }))
  const [before = '', after = ''] = text.split('data: {"text":"a"}')
  t.match(
    before,
    /^: \n\nevent: progress\ndata: \{"seconds":7,"message":"Waiting for the model server\./,
    'immediately',
  )
  t.match(before, /event: notice\ndata: \{"message":"Sent again\."\}[\s\S]*event: progress/, 'a notice is not a chunk')
  t.notMatch(after, 'progress')
  t.match(after, /event: finish\ndata: \{"reason":"stop","message":""\}\n\n$/)
})

t.test('text that is later identified as reasoning is reported as such and shown separately', async (t) => {
  const pieces = ['Two and two', '.\n</think>', '\n\n4.']
  const { open } = await modelServer((response) => {
    response.writeHead(200, SSE)
    response.end(`${pieces.map((piece) => says(piece)).join('')}data: [DONE]\n\n`)
  })
  const { stream } = await relayed(open)
  t.match(
    await textOf(stream),
    /data: \{"text":"Two and two"\}\n\ndata: \{"text":"\.\\n"\}\n\nevent: reclassify\ndata: \{\}\n\ndata: \{"text":"4\."\}\n\n/,
  )
  const spoken = redactStream([], from(pieces.map((piece) => says(piece)).join('')))
  t.match(await collectAnswer(spoken), { text: '4.', reasoning: 'Two and two.\n' })
})

t.test('a secret that arrives token by token is redacted, and text that only starts like one is not', async (t) => {
  const secrets = ['sk-secret', 'secretary']
  const spoken = async (text: string, size = 7) => collectAnswer(redactStream(secrets, from(text, size)))

  const reported = ['my key: sk', '-sec', 'ret', ' and sk-se', 'veral', ' secret'].map((piece) => says(piece)).join('')
  t.equal((await spoken(`${reported}data: [DONE]\n\n`)).text, 'my key: ••• and sk-several secret')
  const two = await spoken(
    says('sk-', { reasoning: 'secre', role: 'assistant' }) + says('secret!', { reasoning: 'tary?' }),
  )
  t.same([two.text, two.reasoning], ['•••!', '•••?'])
  const marks = await spoken(['<think>sk-sec', 'ret</think>sk-', 'secret sk-'].map((piece) => says(piece)).join(''))
  t.same([marks.text, marks.reasoning], ['••• sk-', '•••'], 'also without a closing tag')
  const closed = await spoken(
    ['a sk-sec', 'ret', '\n</think>\n', 'sk-sec', 'ret sk-'].map((piece) => says(piece)).join(''),
  )
  t.same([closed.text, closed.reasoning], ['••• sk-', 'a •••\n'], 'also if reasoning is detected only at its end')

  const failed = await spoken('data: {"error":{"message":"sk-secret is \\u0073k-secret"}}\n\n')
  t.equal(failed.failure, 'The model server reported an error: “••• is •••”')
  t.match((await spoken('data: sk-secret\n\n')).failure, /reports: “•••”/)
})

t.test('text that was withheld as the possible start of a secret is sent before the end or a failure', async (t) => {
  const events = async (text: string) => {
    const all = []
    for await (const some of redactStream(['sk-secret'], from(text))) all.push(...some.map(({ kind }) => kind))
    return all
  }
  t.same(await events(says('sk-')), ['delta', 'finish'])
  t.same(await events(says('sk-') + event({ error: 'x' })), ['delta', 'failure'])
})

t.test('a stream that cannot be shown ends with a failure event', async (t) => {
  const answer = redactStream([], from(`data: ${'x'.repeat(70_000)}`))
  t.match(
    await textOf(relayEvents({ answer, cancel: () => {}, done: () => {} })),
    /event: failure\ndata: \{"message":"The model server sent an event that is too large/,
  )
})

t.test('a broken stream ends with a failure event', async (t) => {
  for (const [sent, message] of [
    [says('a'), streamMessages.connectionLost],
    [': \n\n', streamMessages.connectionFailed],
  ] as const) {
    const { open } = await modelServer((response) => {
      response.writeHead(200, SSE)
      response.write(sent)
      setTimeout(() => response.destroy(), 20)
    })
    const { stream, state } = await relayed(open)
    const text = await textOf(stream)
    t.ok(text.endsWith(`event: failure\ndata: {"message":"${message}"}\n\n`), text)
    t.equal(state.ended, 1)
  }
})

t.test('a connection is reused after a response whose end follows its last event', async (t) => {
  const connections = new Set<unknown>()
  const { open, state: server } = await modelServer((response) => {
    connections.add(response.socket)
    response.writeHead(200, SSE)
    response.write(`${says('a')}data: [DONE]\n\n`)
    setTimeout(() => response.end(), 20)
  })
  for (let answer = 0; answer < 3; answer++) {
    const { stream } = await relayed(open)
    t.match(await textOf(stream), /event: finish/)
    await sleep(100)
  }
  t.same([connections.size, server.gone], [1, 0])
})

t.test('a browser that disconnects ends the request to the model', async (t) => {
  const { state: server, open } = await modelServer((response) => {
    response.writeHead(200, SSE)
    const timer = setInterval(() => response.write(says('a')), 5)
    response.once('close', () => clearInterval(timer))
  })
  for (const way of ['stream destroyed', 'signal']) {
    const { stream, state, leaving } = await relayed(open)
    await once(stream, 'data')
    if (way === 'signal') {
      leaving.abort()
      stream.resume()
    } else stream.destroy()
    while (state.ended === 0) await sleep(5)
    t.equal(state.ended, 1, way)
  }
  while (server.gone < 2) await sleep(5)
  t.equal(server.gone, 2, 'both disconnects reached the model server')
})

t.test('a browser that disconnects before the model responds ends the request to the model', async (t) => {
  const { state: server, open } = await modelServer(() => {})
  const leaving = new AbortController()
  let ended = 0
  async function* opening() {
    const { body } = await open(leaving.signal)
    yield* redactStream([], { type: 'text/event-stream', body })
  }
  const stream = relayEvents({ answer: opening(), cancel: () => leaving.abort(), done: () => ended++ })
  await sleep(50)
  stream.destroy()
  while (server.gone === 0 || ended === 0) await sleep(5)
  t.same([server.gone, ended], [1, 1])
})

t.test('a browser that reads slowly slows down the model server', async (t) => {
  let written = 0
  const { open } = await modelServer((response) => {
    response.writeHead(200, SSE)
    const line = says('x'.repeat(60_000))
    const more = () => {
      while (!response.destroyed && written < 200_000_000) {
        written += line.length
        if (!response.write(line)) return void response.once('drain', more)
      }
    }
    more()
  })
  const { stream } = await relayed(open)
  let before = -1
  while (before !== written) {
    before = written
    await sleep(200)
  }
  t.ok(written < 20_000_000, `${written} bytes were read without a reader`)
  stream.destroy()
})

t.test(
  'an unreachable endpoint is gateway_unavailable, and hosts outside the catalogue are never called',
  async (t) => {
    const request = {
      method: 'POST',
      url: new URL('http://127.0.0.1:9/'),
      headers: {},
      signal: new AbortController().signal,
    }
    const reached = createGateway({ http, isAllowed: () => true })
    await t.rejects(reached.open(request), { code: 'gateway_unavailable', message: /could not be reached/ })
    const { state, open } = await modelServer((response) => response.end())
    void open
    const stored = createGateway({ http, isAllowed: () => false })
    await t.rejects(stored.open(request), { code: 'gateway_unavailable', message: /not in the catalogue/ })
    t.equal(state.gone, 0)
  },
)

t.test('the form is validated field by field', async (t) => {
  const bad = { application: '1', prompt: '', temperature: '3', top_p: 'x', max_tokens: '1.5' }
  try {
    parseChatForm(bad)
    t.fail('accepted')
  } catch (error) {
    t.ok(isProblem(error, 'invalid_fields'))
    t.same(isProblem(error) && Object.keys(error.fields ?? {}).sort(), ['max_tokens', 'prompt', 'temperature', 'top_p'])
  }
  t.throws(() => parseChatForm({ application: '../1', prompt: 'x' }), { code: 'not_found' })
  t.same(parseChatForm({ application: '1', compare: '2', prompt: ' hi ', temperature: '0.5', max_tokens: '5' }), {
    applications: [1, 2],
    system: '',
    prompt: 'hi',
    turns: [],
    parameters: { temperature: 0.5, max_tokens: 5 },
  })
})

t.test('turns from the browser are treated as untrusted input', async (t) => {
  for (const text of ['', 'null', '{"a":1}', '[1,null,{"prompt":2}]', 'not json', '[[["deep"]]]', '['.repeat(200_000)])
    t.same(parseTurns(text), [], text.slice(0, 40))
  t.equal(parseTurns(JSON.stringify(Array(80).fill({ prompt: 'p', answers: ['a'] }))).length, 50)
  const turns = parseTurns(
    '[{"prompt":"a","answers":["one","two","three"]},{"prompt":"b","answers":["",  "only here"]}]',
  )
  t.same(parseTurns('[{"prompt":"a","answers":[{"toString":1},["deep"]]}]'), [{ prompt: 'a', answers: ['', ''] }])
  const required = { system: 'be brief', turns, prompt: 'c' }
  t.same(
    buildMessages(required, 0).map(({ content }) => content),
    ['be brief', 'a', 'one', 'c'],
    'a turn that failed for this model is omitted',
  )
  t.same(
    buildMessages(required, 1).map(({ content }) => content),
    ['be brief', 'a', 'two', 'b', 'only here', 'c'],
  )
})

t.test('malformed responses show what is valid and never throw', async (t) => {
  for (const unusual of [
    null,
    undefined,
    1,
    'x',
    [],
    {},
    { data: 'x', results: {}, choices: [null] },
    { data: [null, { embedding: 'x' }] },
  ]) {
    t.type(readVectors(unusual, 3).vectors, Array)
    t.same(readRanking(unusual, 3), [])
  }
})

t.test('a reply and its reasoning are shown up to a maximum length', async (t) => {
  async function* answer() {
    for (let at = 0; at < 15; at++) yield [{ kind: 'delta' as const, text: 'x'.repeat(10_000), reasoning: 'y' }]
    const usage = { prompt_tokens: null, completion_tokens: 2, reasoning_tokens: 1 }
    yield [
      { kind: 'usage' as const, usage },
      { kind: 'finish' as const, reason: 'stop', message: '' },
    ]
  }
  const said = await collectAnswer(answer())
  t.same([said.text.length, said.isTruncated, said.reasoning, said.finish], [100_000, true, 'y'.repeat(15), 'stop'])
  t.same([said.promptTokens, said.completionTokens, said.reasoningTokens], [undefined, 2, 1])
  t.match(answerView({ ...said, promptTokens: 1 }, 3), { meta: /only the first 100,000/ })
})

t.test('the number of vectors and scores is limited to the number of texts and documents', async (t) => {
  const embedding = { data: [{ index: 1, embedding: [2] }, { index: 0, embedding: [1] }, { embedding: [3] }] }
  t.same(readVectors(embedding, 2), { vectors: [[1], [2]], returned: 3, perToken: false })
  t.same(readVectors({ data: [{ embedding: ['1', null, 1e308, {}] }] }, 1).vectors, [[0, 0, 1e308, 0]])
  t.equal(readVectors({ data: [{ embedding: Array(20_000).fill(1) }] }, 1).vectors[0]?.length, 8192)
  const view = similarityView({ body: { data: Array(1500).fill({ embedding: [1] }) }, text: '', ms: 5 }, [
    'a',
    'b'.repeat(900),
  ])
  t.equal(view.rows.length, 2)
  t.match(view.remarks, ['The model returned 1,500 vectors for 2 texts. Only the first 2 are shown.'])
  t.match(view.closest, /^Most similar: “a” and “b{200}…” \(1\.00\)\.$/)
  t.match(similarityView({ body: {}, text: '', ms: 5 }, ['a']).remarks, ['The model returned 0 vectors for 1 text.'])
  const long = similarityView({ body: { data: [{ embedding: Array(9000).fill(1e-300) }] }, text: '', ms: 5 }, ['a'])
  t.match(long.remarks, ['Only the first 8,192 dimensions of each vector are compared.'])

  t.equal(similarity([1, 0], [2, 0]), 1)
  t.equal(similarity([1, 0], [0, 2]), 0)
  t.equal(similarity([0, 0], [1, 1]), 0)
  t.equal(similarity([1e300], [1e300]), 1, 'also if the squares overflow')
  t.equal(similarity([1e-300], [1e-300]), 1)
  t.equal(similarity([], [1]), 0)

  const results = [
    { index: 0, relevance_score: 0.1 },
    { index: 1, score: 0.9 },
    { index: 2, score: 5 },
  ]
  const best = [
    { index: 1, score: 0.9 },
    { index: 0, score: 0.1 },
  ]
  t.same(readRanking({ results }, 2), best)
  t.same(
    readRanking(
      {
        results: [
          { index: 7, score: 1 },
          { index: 0, score: '1' },
          { index: 0.5, score: 1 },
        ],
      },
      3,
    ),
    [],
  )
  const body = { results: Array(40_000).fill({ index: 0, score: -1e300 }) }
  t.match(rankingView({ body, text: '', ms: 1 }, ['one', 'two']).rows, { length: 1 })
})

t.test('the first twenty lines are the texts or documents', async (t) => {
  t.same(parseLines(`${'\n'.repeat(5000)}a\r\n\r\n b \n`), ['a', 'b'])
  t.equal(parseLines('x\n'.repeat(500)).length, 20)
  t.same(parseLines(undefined), [])
  const check = (text: string) => () => validateTexts({ input: text }, { input: 'Enter at least one line.' })
  t.throws(check(' \n'), { code: 'invalid_fields', fields: { input: 'Enter at least one line.' } })
  t.throws(check('x'.repeat(32_001)), { code: 'invalid_fields', fields: { input: 'Use at most 32,000 characters.' } })
  t.doesNotThrow(check('x'))
})

t.test('a conversation is shown as code for one client, up to a maximum length', async (t) => {
  const clients = createSnippets().clients
  t.equal(selectClient({}, clients)?.client, 'curl')
  t.equal(selectClient({ client: 'js-openai' }, clients)?.client, 'js-openai')
  t.equal(selectClient({ client: 'js-openai', as: 'llamaindex' }, clients)?.client, 'llamaindex')
  t.equal(selectClient({ client: '<x>', as: '__proto__' }, clients)?.client, 'curl')
  const [first] = clients
  const secret = `nobody else reads this ${Date.now()}`
  const before = cachedCharacters()
  const snippet = {
    client: 'curl',
    group: 'Shell',
    label: 'curl',
    language: 'bash',
    code: `echo "${secret}"`,
    verification: 'run',
  } as const
  const shown = conversationCodeView(clients, first, snippet)
  t.match(shown.block?.codeHtml, /hljs-string.*nobody else/)
  t.equal(cachedCharacters(), before, 'no copy is cached')
  t.equal(shown.clients.filter(({ selected }) => selected).length, 1)
  const plain = conversationCodeView(clients, first, { ...snippet, code: '"'.repeat(9000) })
  t.equal(plain.block?.codeHtml, '&quot;'.repeat(9000), 'long code is not highlighted')
  const alternative = conversationCodeView(clients, first, {
    ...snippet,
    code: '',
    alternative: 'python-openai',
    note: 'No.',
  })
  t.match(alternative.block?.alternativeLabel, /^Python: openai/i)
  t.match(conversationCodeView(clients, first, undefined), {
    block: undefined,
    tooLongMessage: /longer than 32,000 characters cannot be shown as code/,
  })
  const turns = [
    { prompt: 'ab', answers: ['cde', 'not this one'] },
    { prompt: '', answers: [] },
  ]
  t.equal(conversationLength({ applications: [], parameters: {}, system: 's', prompt: 'p', turns }), 7)
})
