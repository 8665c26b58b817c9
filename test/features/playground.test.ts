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
import { rankingIn, saidIn, similarity, vectorsIn } from '../../src/features/playground/results.js'
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

t.test('events pass as they come, after a comment that opens the way through proxies', async (t) => {
  const { open } = await modelServer((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"a":1}\n\n')
    response.end('data: [DONE]\n\n')
  })
  let ended = 0
  const text = await textOf(relay((await open()).body, () => ended++))
  t.equal(text, ': \n\ndata: {"a":1}\n\ndata: [DONE]\n\n')
  t.equal(ended, 1, 'the place is given back once')
})

t.test('a secret said token by token is hidden, and what only begins like one is not', async (t) => {
  const secrets = ['sk-secret', 'secretary']
  const say = (content: string, more: object = {}) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content, ...more } }], id: 'sk-s' })}\n\n`
  const spoken = async (events: string, cut = 7) => {
    const pieces = Array.from({ length: Math.ceil(events.length / cut) }, (_, at) =>
      Buffer.from(events.slice(at * cut, at * cut + cut)),
    )
    return textOf(spokenWithout(secrets, Readable.from(pieces, { objectMode: false })))
  }
  const saidIn = (text: string, name: 'content' | 'reasoning') =>
    [...text.matchAll(/^data: (\{.*)$/gm)]
      .map(([, data = '']) => JSON.parse(data) as { choices?: { delta?: Record<string, string>; text?: string }[] })
      .map(({ choices }) => choices?.[0]?.delta?.[name] ?? choices?.[0]?.text ?? '')
      .join('')

  const told = ['my key: sk', '-sec', 'ret', ' and sk-se', 'veral', ' secret'].map((piece) => say(piece)).join('')
  const text = await spoken(
    `: \r\n\r\n${told}data: {"usage":{"prompt_tokens":2,"completion_tokens":6}}\n\ndata: [DONE]\n\n`,
  )
  t.equal(saidIn(text, 'content'), 'my key: ••• and sk-several secret')
  t.match(text, '"usage":{"prompt_tokens":2,"completion_tokens":6}')
  t.match(text, /" ?secret"[^\n]*\n\ndata: \[DONE\]\n\n$/, 'what was kept back comes before the end')
  t.notMatch(text, 'sk-s"', 'what the page does not show is dropped')

  const two = say('sk-', { reasoning: 'secre', role: 'assistant' }) + say('secret!', { reasoning: 'tary?' })
  const both = await spoken(two, 1000)
  t.equal(saidIn(both, 'content'), '•••!')
  t.equal(saidIn(both, 'reasoning'), '•••?')
  const completion = ['sk-sec', 'ret', 'ary sk-'].map(
    (said) => `data: ${JSON.stringify({ choices: [{ text: said }] })}\n\n`,
  )
  t.equal(saidIn(await spoken(completion.join('')), 'content'), '•••ary sk-', 'also without an end')

  const error = await spoken('data: {"error":{"message":"sk-secret is \\u0073k-secret"}}\n\n')
  t.equal(error, 'data: {"error":{"message":"••• is •••"}}\n\n')
})

t.test('of a stream only what the page shows passes', async (t) => {
  const spoken = (text: string) =>
    textOf(spokenWithout(['sk-secret'], Readable.from([Buffer.from(text)], { objectMode: false })))
  const odd = [
    ['{"choices":[null,7]}', '{"choices":[{"index":0,"delta":{}}]}'],
    ['{"choices":[]}', '{"choices":[]}'],
    ['{"choices":[{"delta":{"role":"assistant","content":"a","tool_calls":[{}]},"logprobs":{"content":[]}}]}', 'a'],
    ['{"choices":[{"text":"a"},{"text":"b"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"x":3}}', '"usage":{"pr'],
    ['{"choices":[{"delta":{"content":1e999}}],"usage":{"prompt_tokens":"1"}}', '{"choices":[{"index":0,"delta":{}}]}'],
    ['{"error":{"code":1}}', '{"error":{"message":"The model reported an error."}}'],
    ['{"error":"no room"}', '{"error":{"message":"no room"}}'],
    ['[DONE]', '[DONE]'],
  ] as const
  for (const [data, shown] of odd) t.match(await spoken(`data: ${data}\n\n`), shown, data)
  const dropped = ['{"choices":7}', 'no json', '7', 'null', '{"a":1}', '['.repeat(60_000), '{"error":null}']
  for (const data of dropped)
    t.equal(await spoken(`event: x\ndata: ${data}\n\ndata: [DONE]\n\n`), 'data: [DONE]\n\n', data.slice(0, 20))
  t.equal(await spoken(''), '', 'an empty answer is one')
  await t.rejects(spoken('data: {"a":1}\n\n'), { name: 'StreamFailure', message: /not as a stream of events/ })
  await t.rejects(spoken('{"choices":[]}'), { name: 'StreamFailure' })
  await t.rejects(spoken(`data: ${'x'.repeat(70_000)}`), {
    name: 'StreamFailure',
    message: /larger than the playground/,
  })
})

t.test('a stream that cannot be shown ends with an event that says so', async (t) => {
  const failing = spokenWithout([], Readable.from([Buffer.from('x'.repeat(70_000))], { objectMode: false }))
  t.match(
    await textOf(relay(failing, () => {})),
    /event: failure\ndata: \{"words":"The model sent an event that is larger/,
  )
})

t.test('a stream that breaks ends with an event that says so', async (t) => {
  const { open } = await modelServer((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {"a":1}\n\n')
    setTimeout(() => response.destroy(), 20)
  })
  let ended = 0
  const text = await textOf(relay((await open()).body, () => ended++))
  t.match(text, /data: \{"a":1\}\n\n[\s\S]*event: failure\ndata: \{"words":"The answer broke off/)
  t.equal(ended, 1)
})

t.test('a browser that leaves ends the call to the model', async (t) => {
  const { state, open } = await modelServer((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const timer = setInterval(() => response.write('data: {}\n\n'), 5)
    response.once('close', () => clearInterval(timer))
  })
  for (const way of ['stream destroyed', 'signal']) {
    const leaving = new AbortController()
    let ended = 0
    const stream = relay((await open(leaving.signal)).body, () => ended++)
    await once(stream, 'data')
    if (way === 'signal') {
      leaving.abort()
      stream.resume()
    } else stream.destroy()
    const before = state.gone
    while (state.gone === before && ended === 0) await sleep(5)
    while (ended === 0) await sleep(5)
    t.equal(ended, 1, way)
  }
  while (state.gone < 2) await sleep(5)
  t.equal(state.gone, 2, 'the model server saw both leave')
})

t.test('a browser that reads slowly slows the model server down', async (t) => {
  let written = 0
  const { open } = await modelServer((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const line = `data: ${'x'.repeat(64_000)}\n\n`
    const more = () => {
      while (!response.destroyed && written < 200_000_000) {
        written += line.length
        if (!response.write(line)) return void response.once('drain', more)
      }
    }
    more()
  })
  const stream = relay((await open()).body, () => {})
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
    t.equal(saidIn(odd, 'as sent').text, 'as sent')
    t.type(vectorsIn(odd, 3).vectors, Array)
    t.same(rankingIn(odd, 3), [])
  }
  t.equal(saidIn({ choices: [{ text: 'completed' }] }, '').text, 'completed')
  t.equal(saidIn({}, 'x'.repeat(5000)).text.length, 4000)
  const long = saidIn({ choices: [{ message: { content: 'x'.repeat(200_000) } }] }, '')
  t.same([long.text.length, long.isCut], [100_000, true])
  t.match(answerView({ text: 'x', isCut: true, promptTokens: 1, completionTokens: 2 }, 3), {
    meta: /only the first 100,000/,
  })
  t.equal(saidIn({ usage: { prompt_tokens: 1e300, completion_tokens: -1 } }, '').promptTokens, undefined)
})

t.test('there are as many vectors as texts and as many scores as documents, however many come back', async (t) => {
  const embedding = { data: [{ index: 1, embedding: [2] }, { index: 0, embedding: [1] }, { embedding: [3] }] }
  t.same(vectorsIn(embedding, 2), { vectors: [[1], [2]], returned: 3 })
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
  t.match(rankingView({ body, text: '', ms: 1 }, ['one', 'two']).rows, { length: 2 })
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
