import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createGateway } from '../../src/clients/gateway.js'
import { createHttp } from '../../src/clients/http.js'
import { isProblem } from '../../src/errors.js'
import { relay } from '../../src/features/playground/relay.js'
import { rankingIn, saidIn, similarity, vectorsIn } from '../../src/features/playground/results.js'
import { spokenWithout } from '../../src/features/playground/spoken.js'
import { messagesOf, turnsOf, wantedOf } from '../../src/features/playground/wanted.js'

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
  for (const text of ['', 'null', '{"a":1}', '[1,null,{"prompt":2}]', 'not json', '[[["deep"]]]'])
    t.same(turnsOf(text), [], text)
  t.equal(turnsOf(JSON.stringify(Array(80).fill({ prompt: 'p', answers: ['a'] }))).length, 50)
  const turns = turnsOf('[{"prompt":"a","answers":["one","two","three"]},{"prompt":"b","answers":["",  "only here"]}]')
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
    t.type(saidIn(odd ?? null).text, 'string')
    t.type(vectorsIn(odd), Array)
    t.same(rankingIn(odd), [])
  }
  t.equal(saidIn({ choices: [{ text: 'completed' }] }).text, 'completed')
  t.same(
    vectorsIn({
      data: [
        { index: 1, embedding: [2] },
        { index: 0, embedding: [1] },
      ],
    }),
    [[1], [2]],
  )
  t.equal(similarity([1, 0], [2, 0]), 1)
  t.equal(similarity([1, 0], [0, 2]), 0)
  t.equal(similarity([0, 0], [1, 1]), 0)
  t.same(
    rankingIn({
      results: [
        { index: 0, relevance_score: 0.1 },
        { index: 1, score: 0.9 },
      ],
    }),
    [
      { index: 1, score: 0.9 },
      { index: 0, score: 0.1 },
    ],
  )
})
