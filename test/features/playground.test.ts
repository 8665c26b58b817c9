import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createGateway } from '../../src/clients/gateway.js'
import { createHttp } from '../../src/clients/http.js'
import { isProblem } from '../../src/errors.js'
import { clientIn, conversationCode } from '../../src/features/playground/code-view.js'
import { relay } from '../../src/features/playground/relay.js'
import { collected, rankingIn, similarity, vectorsIn } from '../../src/features/playground/results.js'
import { rankingView, vectorsView } from '../../src/features/playground/results-view.js'
import { spokenWithout } from '../../src/features/playground/spoken.js'
import { answerView } from '../../src/features/playground/view.js'
import { checkTexts, lengthOf, linesOf, messagesOf, turnsOf, wantedOf } from '../../src/features/playground/wanted.js'
import { createSnippets } from '../../src/features/snippets/snippets.js'
import { keptCharacters } from '../../src/web/code.js'

const http = createHttp()
t.teardown(() => http.close())

/** A model server that does what the test says; `gone` counts answers whose reader left. */
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
  const gateway = createGateway({ http, allowed: () => true })
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

/** The answer of `open` as the browser gets it. */
async function relayed(open: (signal?: AbortSignal) => ReturnType<Awaited<ReturnType<typeof modelServer>>['open']>) {
  const leaving = new AbortController()
  const state = { ended: 0 }
  const { body } = await open(leaving.signal)
  const answer = spokenWithout([], { type: 'text/event-stream', body })
  const stream = relay({ answer, leave: () => leaving.abort(), done: () => state.ended++ })
  return { stream, state, leaving }
}

t.test('an answer passes as it comes, after a comment that opens the way through proxies', async (t) => {
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
      'event: finish\ndata: {"reason":"length","words":"The answer was cut off at the token limit (length)."}\n\n',
    ].join(''),
  )
  t.equal(state.ended, 1, 'the place is given back once')
})

t.test('a server that keeps the connection after its answer does not hold the page', async (t) => {
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

t.test('a wait is reported until the first piece comes, with its seconds', async (t) => {
  async function* late() {
    await sleep(60)
    yield [{ kind: 'notice' as const, words: 'Sent again.' }]
    await sleep(60)
    yield [{ kind: 'said' as const, text: 'a', reasoning: '' }]
    await sleep(100)
    yield [{ kind: 'finish' as const, reason: 'stop', words: '' }]
  }
  const options = { leave: () => {}, done: () => {}, progressMs: 20 }
  const text = await textOf(relay({ ...options, answer: late(), waitedMs: 7000 }))
  const [before = '', after = ''] = text.split('data: {"text":"a"}')
  t.match(before, /^: \n\nevent: progress\ndata: \{"seconds":7,"words":"Waiting for the model server\./, 'at once')
  t.match(before, /event: notice\ndata: \{"words":"Sent again\."\}[\s\S]*event: progress/, 'a notice is no piece')
  t.notMatch(after, 'progress')
  t.match(after, /event: finish\ndata: \{"reason":"stop","words":""\}\n\n$/)
})

t.test('text that turns out to be reasoning is reported as such, and shown apart', async (t) => {
  const pieces = ['Two and two', '.\n</think>', '\n\n4.']
  const { open } = await modelServer((response) => {
    response.writeHead(200, SSE)
    response.end(`${pieces.map((piece) => says(piece)).join('')}data: [DONE]\n\n`)
  })
  const { stream } = await relayed(open)
  t.match(
    await textOf(stream),
    /data: \{"text":"Two and two"\}\n\ndata: \{"text":"\.\\n"\}\n\nevent: reasoned\ndata: \{\}\n\ndata: \{"text":"4\."\}\n\n/,
  )
  const spoken = spokenWithout([], from(pieces.map((piece) => says(piece)).join('')))
  t.match(await collected(spoken), { text: '4.', reasoning: 'Two and two.\n' })
})

t.test('a secret said token by token is redacted, and what only begins like one is not', async (t) => {
  const secrets = ['sk-secret', 'secretary']
  const spoken = async (text: string, size = 7) => collected(spokenWithout(secrets, from(text, size)))

  const told = ['my key: sk', '-sec', 'ret', ' and sk-se', 'veral', ' secret'].map((piece) => says(piece)).join('')
  t.equal((await spoken(`${told}data: [DONE]\n\n`)).text, 'my key: ••• and sk-several secret')
  const two = await spoken(
    says('sk-', { reasoning: 'secre', role: 'assistant' }) + says('secret!', { reasoning: 'tary?' }),
  )
  t.same([two.text, two.reasoning], ['•••!', '•••?'])
  const marks = await spoken(['<think>sk-sec', 'ret</think>sk-', 'secret sk-'].map((piece) => says(piece)).join(''))
  t.same([marks.text, marks.reasoning], ['••• sk-', '•••'], 'also without an end')
  const closed = await spoken(
    ['a sk-sec', 'ret', '\n</think>\n', 'sk-sec', 'ret sk-'].map((piece) => says(piece)).join(''),
  )
  t.same([closed.text, closed.reasoning], ['••• sk-', 'a •••\n'], 'also where the reasoning is known at its end')

  const failed = await spoken('data: {"error":{"message":"sk-secret is \\u0073k-secret"}}\n\n')
  t.equal(failed.failure, 'The model server reported an error: “••• is •••”')
  t.match((await spoken('data: sk-secret\n\n')).failure, /says: “•••”/)
})

t.test('what was kept back as the beginning of a secret comes before the end and before a failure', async (t) => {
  const events = async (text: string) => {
    const all = []
    for await (const some of spokenWithout(['sk-secret'], from(text))) all.push(...some.map(({ kind }) => kind))
    return all
  }
  t.same(await events(says('sk-')), ['said', 'finish'])
  t.same(await events(says('sk-') + event({ error: 'x' })), ['said', 'failure'])
})

t.test('a stream that cannot be shown ends with an event that says so', async (t) => {
  const answer = spokenWithout([], from(`data: ${'x'.repeat(70_000)}`))
  t.match(
    await textOf(relay({ answer, leave: () => {}, done: () => {} })),
    /event: failure\ndata: \{"words":"The model server sent an event that is larger/,
  )
})

t.test('a stream that breaks ends with an event that says so', async (t) => {
  for (const [sent, words] of [
    [says('a'), 'before the answer was complete. What was received is shown above.'],
    [': \n\n', 'before an answer came. Try again.'],
  ] as const) {
    const { open } = await modelServer((response) => {
      response.writeHead(200, SSE)
      response.write(sent)
      setTimeout(() => response.destroy(), 20)
    })
    const { stream, state } = await relayed(open)
    const text = await textOf(stream)
    t.ok(text.endsWith(`event: failure\ndata: {"words":"The connection to the model ended ${words}"}\n\n`), text)
    t.equal(state.ended, 1)
  }
})

t.test('a connection is used again after an answer whose end comes after its last event', async (t) => {
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

t.test('a browser that leaves ends the request to the model', async (t) => {
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
  t.equal(server.gone, 2, 'the model server saw both leave')
})

t.test('a browser that leaves before the model answers ends the request to the model', async (t) => {
  const { state: server, open } = await modelServer(() => {})
  const leaving = new AbortController()
  let ended = 0
  async function* opening() {
    const { body } = await open(leaving.signal)
    yield* spokenWithout([], { type: 'text/event-stream', body })
  }
  const stream = relay({ answer: opening(), leave: () => leaving.abort(), done: () => ended++ })
  await sleep(50)
  stream.destroy()
  while (server.gone === 0 || ended === 0) await sleep(5)
  t.same([server.gone, ended], [1, 1])
})

t.test('a browser that reads slowly slows the model server down', async (t) => {
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
  t.ok(written < 20_000_000, `${written} bytes were taken without a reader`)
  stream.destroy()
})

t.test(
  'an endpoint that is not there is gateway_unavailable, and hosts outside the catalogue are never called',
  async (t) => {
    const request = {
      method: 'POST',
      url: new URL('http://127.0.0.1:9/'),
      headers: {},
      signal: new AbortController().signal,
    }
    const reached = createGateway({ http, allowed: () => true })
    await t.rejects(reached.open(request), { code: 'gateway_unavailable', message: /could not be reached/ })
    const { state, open } = await modelServer((response) => response.end())
    void open
    const kept = createGateway({ http, allowed: () => false })
    await t.rejects(kept.open(request), { code: 'gateway_unavailable', message: /not in the catalogue/ })
    t.equal(state.gone, 0)
  },
)

t.test('the form is checked, field by field', async (t) => {
  const bad = { application: '1', prompt: '', temperature: '3', top_p: 'x', max_tokens: '1.5' }
  try {
    wantedOf(bad)
    t.fail('accepted')
  } catch (error) {
    t.ok(isProblem(error, 'invalid_fields'))
    t.same(isProblem(error) && Object.keys(error.fields ?? {}).sort(), ['max_tokens', 'prompt', 'temperature', 'top_p'])
  }
  t.throws(() => wantedOf({ application: '../1', prompt: 'x' }), { code: 'not_found' })
  t.same(wantedOf({ application: '1', compare: '2', prompt: ' hi ', temperature: '0.5', max_tokens: '5' }), {
    applications: [1, 2],
    system: '',
    prompt: 'hi',
    turns: [],
    parameters: { temperature: 0.5, max_tokens: 5 },
  })
})

t.test('turns from the browser are read as a stranger’s', async (t) => {
  for (const text of ['', 'null', '{"a":1}', '[1,null,{"prompt":2}]', 'not json', '[[["deep"]]]', '['.repeat(200_000)])
    t.same(turnsOf(text), [], text.slice(0, 40))
  t.equal(turnsOf(JSON.stringify(Array(80).fill({ prompt: 'p', answers: ['a'] }))).length, 50)
  const turns = turnsOf('[{"prompt":"a","answers":["one","two","three"]},{"prompt":"b","answers":["",  "only here"]}]')
  t.same(turnsOf('[{"prompt":"a","answers":[{"toString":1},["deep"]]}]'), [{ prompt: 'a', answers: ['', ''] }])
  const wanted = { system: 'be brief', turns, prompt: 'c' }
  t.same(
    messagesOf(wanted, 0).map(({ content }) => content),
    ['be brief', 'a', 'one', 'c'],
    'a turn that failed on this side is left out',
  )
  t.same(
    messagesOf(wanted, 1).map(({ content }) => content),
    ['be brief', 'a', 'two', 'b', 'only here', 'c'],
  )
})

t.test('odd answers give what can be shown and never throw', async (t) => {
  for (const odd of [
    null,
    undefined,
    1,
    'x',
    [],
    {},
    { data: 'x', results: {}, choices: [null] },
    { data: [null, { embedding: 'x' }] },
  ]) {
    t.type(vectorsIn(odd, 3).vectors, Array)
    t.same(rankingIn(odd, 3), [])
  }
})

t.test('an answer is shown up to a length, and its reasoning too', async (t) => {
  async function* answer() {
    for (let at = 0; at < 15; at++) yield [{ kind: 'said' as const, text: 'x'.repeat(10_000), reasoning: 'y' }]
    const usage = { prompt_tokens: null, completion_tokens: 2, reasoning_tokens: 1 }
    yield [
      { kind: 'usage' as const, usage },
      { kind: 'finish' as const, reason: 'stop', words: '' },
    ]
  }
  const said = await collected(answer())
  t.same([said.text.length, said.isCut, said.reasoning, said.finish], [100_000, true, 'y'.repeat(15), 'stop'])
  t.same([said.promptTokens, said.completionTokens, said.reasoningTokens], [undefined, 2, 1])
  t.match(answerView({ ...said, promptTokens: 1 }, 3), { meta: /only the first 100,000/ })
})

t.test('there are as many vectors as texts and as many scores as documents, however many come back', async (t) => {
  const embedding = { data: [{ index: 1, embedding: [2] }, { index: 0, embedding: [1] }, { embedding: [3] }] }
  t.same(vectorsIn(embedding, 2), { vectors: [[1], [2]], returned: 3, perToken: false })
  t.same(vectorsIn({ data: [{ embedding: ['1', null, 1e308, {}] }] }, 1).vectors, [[0, 0, 1e308, 0]])
  t.equal(vectorsIn({ data: [{ embedding: Array(20_000).fill(1) }] }, 1).vectors[0]?.length, 8192)
  const view = vectorsView({ body: { data: Array(1500).fill({ embedding: [1] }) }, text: '', ms: 5 }, [
    'a',
    'b'.repeat(900),
  ])
  t.equal(view.rows.length, 2)
  t.match(view.notes, ['The model returned 1,500 vectors for 2 texts. Only the first 2 are shown.'])
  t.match(view.closest, /^Closest: “a” and “b{200}…” \(1\.00\)\.$/)
  t.match(vectorsView({ body: {}, text: '', ms: 5 }, ['a']).notes, ['The model returned 0 vectors for 1 text.'])
  const long = vectorsView({ body: { data: [{ embedding: Array(9000).fill(1e-300) }] }, text: '', ms: 5 }, ['a'])
  t.match(long.notes, ['Only the first 8,192 dimensions of each vector are compared.'])

  t.equal(similarity([1, 0], [2, 0]), 1)
  t.equal(similarity([1, 0], [0, 2]), 0)
  t.equal(similarity([0, 0], [1, 1]), 0)
  t.equal(similarity([1e300], [1e300]), 1, 'also where squares are beyond a number')
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
  t.same(rankingIn({ results }, 2), best)
  t.same(
    rankingIn(
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

t.test('texts and documents are the first twenty lines', async (t) => {
  t.same(linesOf(`${'\n'.repeat(5000)}a\r\n\r\n b \n`), ['a', 'b'])
  t.equal(linesOf('x\n'.repeat(500)).length, 20)
  t.same(linesOf(undefined), [])
  const check = (text: string) => () => checkTexts({ input: text }, { input: 'Enter at least one line.' })
  t.throws(check(' \n'), { code: 'invalid_fields', fields: { input: 'Enter at least one line.' } })
  t.throws(check('x'.repeat(32_001)), { code: 'invalid_fields', fields: { input: 'Use at most 32,000 characters.' } })
  t.doesNotThrow(check('x'))
})

t.test('a conversation is shown as the code of one client, as long as it is short enough', async (t) => {
  const clients = createSnippets().clients
  t.equal(clientIn({}, clients)?.client, 'curl')
  t.equal(clientIn({ client: 'js-openai' }, clients)?.client, 'js-openai')
  t.equal(clientIn({ client: 'js-openai', as: 'llamaindex' }, clients)?.client, 'llamaindex')
  t.equal(clientIn({ client: '<x>', as: '__proto__' }, clients)?.client, 'curl')
  const [first] = clients
  const secret = `nobody else reads this ${Date.now()}`
  const before = keptCharacters()
  const snippet = {
    client: 'curl',
    group: 'Shell',
    label: 'curl',
    language: 'bash',
    code: `echo "${secret}"`,
    proof: 'run',
  } as const
  const shown = conversationCode(clients, first, snippet)
  t.match(shown.block?.codeHtml, /hljs-string.*nobody else/)
  t.equal(keptCharacters(), before, 'no copy is cached')
  t.equal(shown.clients.filter(({ chosen }) => chosen).length, 1)
  const plain = conversationCode(clients, first, { ...snippet, code: '"'.repeat(9000) })
  t.equal(plain.block?.codeHtml, '&quot;'.repeat(9000), 'what is large is not highlighted')
  const nearest = conversationCode(clients, first, { ...snippet, code: '', nearest: 'python-openai', note: 'No.' })
  t.match(nearest.block?.nearestLabel, /^Python: openai/i)
  t.match(conversationCode(clients, first, undefined), {
    block: undefined,
    tooLong: /too long to be shown as code: it has more than 32,000/,
  })
  const turns = [
    { prompt: 'ab', answers: ['cde', 'not this one'] },
    { prompt: '', answers: [] },
  ]
  t.equal(lengthOf({ applications: [], parameters: {}, system: 's', prompt: 'p', turns }), 7)
})
