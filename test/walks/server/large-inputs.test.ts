import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainOf } from '../../helper/event-loop.js'
import { type ModelAnswer, sendsJson, sendsText, startModelServer, streams } from '../../helper/model-server.js'
import { startStack } from '../../helper/stack.js'
import { type Answer, createVisitor } from '../../helper/visitor.js'

/** The maximum size of a response in characters. Pages add a layout and the submitted text. */
const LARGEST_PAGE = 1_500_000

const stack = await startStack()
const server = await startModelServer()
t.teardown(async () => {
  await stack.close()
  server.close()
})
for (const type of ['chat', 'embedding', 'rerank', 'custom']) await server.product(stack, type)
const settings = join(t.testdir({}), 'portal.yaml')
const demo = readFileSync(join(projectRoot, 'deploy/demo-portal.yaml'), 'utf8')
writeFileSync(settings, `${demo}\nrate_limits: { calls: 100000, writes: 100000 }\n`)
// A small heap is collected often, so growth is retained memory.
const portal = await stack.portal({
  CATALOG_TTL: '3600',
  PORTAL_CONFIG: settings,
  NODE_OPTIONS: '--max-old-space-size=160',
})
const mary = createVisitor(stack)
await mary.signIn('mary')
const applications: Record<string, string> = {}
for (const type of ['chat', 'embedding', 'rerank', 'custom']) {
  server.answers(sendsJson({ data: [{ id: 'org/odd' }] }))
  const created = await mary.submit(await mary.get(`/applications/new?model=odd-${type}`), /^\/applications$/)
  applications[type] = new URL(created.url).pathname.split('/').pop() ?? ''
}
const of = (type: string) => applications[type] ?? ''

const requests = {
  playground: () => mary.post('/playground', { application: of('chat'), kind: 'chat', prompt: 'hello', turns: '[]' }),
  stream: () => mary.post('/playground/stream', { application: of('chat'), prompt: 'hello', turns: '[]' }),
  embedding: () =>
    mary.post('/playground', { application: of('embedding'), kind: 'embedding', input: 'one\ntwo\nthree' }),
  rerank: () =>
    mary.post('/playground', { application: of('rerank'), kind: 'rerank', query: 'q', documents: 'one\ntwo' }),
  'try it': () =>
    mary.post('/models/odd-custom/reference', {
      operation: 'post-predict',
      type: 'application/json',
      application: of('custom'),
      body: '{}',
    }),
  'test it': () => mary.post(`/applications/${of('chat')}/test`, {}),
}
const lists = (...data: unknown[]) => JSON.stringify({ object: 'list', data })
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const says = (content: unknown) => JSON.stringify({ choices: [{ message: { content } }] })

type Case = [name: string, by: keyof typeof requests, answer: ModelAnswer, status: number, shown: RegExp]

const cases: Case[] = [
  // Comparison of vectors.
  [
    '1,500 vectors for three texts',
    'embedding',
    sendsJson({ data: Array(1500).fill({ embedding: [1] }) }),
    200,
    /1,500 vectors for 3 texts/,
  ],
  ['90,000 vectors', 'embedding', sendsText(lists(...Array(45_000).fill({ embedding: 1 }))), 502, /too many values/],
  [
    'vectors of 80,000 numbers',
    'embedding',
    sendsJson({ data: [{ embedding: Array(80_000).fill(0.1) }] }),
    200,
    /first 8,192 dimensions/,
  ],
  [
    'vectors of texts',
    'embedding',
    sendsJson({ data: [{ embedding: ['9'.repeat(900_000)] }] }),
    200,
    /1 vector for 3 texts/,
  ],
  [
    'numbers that are no numbers',
    'embedding',
    sendsText('{"data":[{"embedding":[1e999,-1e308]},{"embedding":[1e308]}]}'),
    200,
    /Most similar/,
  ],
  [
    '40,000 scores',
    'rerank',
    sendsJson({ results: Array(18_000).fill({ index: 0, score: 1 }) }),
    502,
    /too many values/,
  ],
  [
    '9,000 scores',
    'rerank',
    sendsJson({ results: Array.from({ length: 9000 }, (_, index) => ({ index, score: 1 })) }),
    200,
    /2 documents in/,
  ],
  // Deep or wide JSON.
  ['an answer 400,000 deep', 'playground', sendsText(nested(400_000)), 200, /too deeply nested or too large/],
  ['deep content', 'playground', sendsText(says(0).replace('0', nested(2000))), 200, /too deeply nested/],
  [
    '100,000 choices',
    'playground',
    sendsJson({ choices: Array(100_000).fill({}) }),
    200,
    /too deeply nested or too large/,
  ],
  [
    'a shape for each value',
    'playground',
    sendsJson(Array.from({ length: 60_000 }, (_, i) => ({ [`k${i}`]: 0 }))),
    200,
    /too deeply nested or too large/,
  ],
  ['content that is no text', 'playground', sendsText(says({ a: [1, 2] })), 200, /message-text/],
  [
    'a long answer of quotes',
    'playground',
    sendsText(says('&'.repeat(900_000))),
    200,
    /only the first 100,000 characters/,
  ],
  [
    'lone surrogates',
    'playground',
    sendsText(says('x').replace('x', '\\ud800'.repeat(150_000))),
    200,
    /only the first 100,000/,
  ],
  [
    'giant numbers',
    'playground',
    sendsText(`{"usage":{"prompt_tokens":${'9'.repeat(900_000)}}}`),
    200,
    /format of the answer is not supported/,
  ],
  ['no JSON', 'playground', sendsText('<html>'), 200, /returned a web page/],
  ['more than 1 MB', 'playground', sendsText(says('x'.repeat(3_000_000))), 502, /too large to show/],
  [
    'a deep error',
    'playground',
    sendsText(`{"error":${nested(300_000)}}`, 'application/json', 500),
    200,
    /failed to process the request/,
  ],
  [
    'an error that repeats the request',
    'playground',
    sendsText(JSON.stringify({ detail: '"'.repeat(400_000) }), 'application/json', 422),
    200,
    /did not accept the request/,
  ],
  [
    'a wait of a million years',
    'playground',
    (response) => void response.writeHead(429, { 'retry-after': '9'.repeat(300) }).end('Usage limit exceeded'),
    200,
    /limit of your plan is exhausted/,
  ],
  [
    'a huge header',
    'playground',
    (response) => void response.writeHead(200, { 'x-odd': 'x'.repeat(100_000) }).end('{}'),
    200,
    /\(50\d\)|could not be reached/,
  ],
  // Try it.
  ['JSON 4,000 deep', 'try it', sendsText(nested(4000)), 200, /200 OK after/],
  [
    '2,000 deep and 30,000 wide',
    'try it',
    sendsText(nested(2000).replace('[]', `[1${',1'.repeat(30_000)}]`)),
    200,
    /200 OK after/,
  ],
  [
    'wide below 60 lists',
    'try it',
    sendsText(`${'['.repeat(60)}1${',1'.repeat(30_000)}${']'.repeat(60)}`),
    200,
    /Only the beginning/,
  ],
  ['one long word', 'try it', sendsText('a'.repeat(64 * 1024), 'text/plain'), 200, /200 OK after/],
  [
    'one long word of base64url',
    'try it',
    sendsText('a1_-'.repeat(16 * 1024), 'text/event-stream'),
    200,
    /stream of events/,
  ],
  ['one long word as JSON', 'try it', sendsText(JSON.stringify('a'.repeat(60_000))), 200, /200 OK after/],
  ['quotes as JSON', 'try it', sendsText('"'.repeat(64 * 1024)), 200, /200 OK after/],
  ['YAML', 'try it', sendsText('? '.repeat(30_000), 'application/yaml'), 200, /200 OK after/],
  ['an endless text', 'try it', sendsText('x'.repeat(5_000_000), 'text/plain'), 200, /Only the beginning/],
  [
    'a deep error that is tried',
    'try it',
    sendsText(nested(30_000), 'application/json', 422),
    200,
    /422 Unprocessable/,
  ],
  // Test it, and the list of models before it.
  ['an answer 400,000 deep to Test it', 'test it', sendsText(nested(400_000)), 200, /200 in /],
  ['100,000 models', 'test it', sendsText(lists(...Array(60_000).fill({ id: 'a' }))), 200, /200 in /],
  ['an id of 900 KB', 'test it', sendsJson({ data: [{ id: 'i'.repeat(900_000) }] }), 200, /200 in /],
  [
    'capabilities without end',
    'test it',
    sendsJson({ data: [{ id: 'i', capabilities: Array(90_000).fill('x') }] }),
    200,
    /200 in /,
  ],
  // Streams.
  [
    '400 KB without an empty line, 40 bytes a piece',
    'stream',
    streams('data: x'.padEnd(400_000, 'x'), 40),
    200,
    /event that is too large/,
  ],
  [
    'lines without an empty one',
    'stream',
    streams(`data: ${'x'.repeat(33)}\n`.repeat(10_000), 40),
    200,
    /event that is too large/,
  ],
  ['comments without end', 'stream', streams(`${':\n'.repeat(500_000)}\ndata: [DONE]\n\n`), 200, /event: finish/],
  ['100,000 tiny events', 'stream', streams(`${'data:0\n\n'.repeat(100_000)}data: [DONE]\n\n`), 200, /event: finish/],
  [
    '20,000 events of one letter',
    'stream',
    streams(`${'data:{"choices":[{"text":"a"}]}\n\n'.repeat(20_000)}data: [DONE]\n\n`),
    200,
    /event: finish/,
  ],
  [
    'deep events',
    'stream',
    streams(`data: ${nested(30_000)}\n\n`.repeat(8)),
    200,
    /format of the answer is not supported/,
  ],
  [
    'a deep delta',
    'stream',
    streams(`data: {"choices":[{"delta":${nested(30_000)}}]}\n\ndata: [DONE]\n\n`),
    200,
    /event: finish/,
  ],
  [
    'tool calls and logprobs',
    'stream',
    streams(`data: {"choices":[{"delta":{"content":"fine","tool_calls":[${'{},'.repeat(9000)}0]}}]}\n\n`.repeat(16)),
    200,
    /"text":"fine"/,
  ],
  [
    'an error of 60 KB',
    'stream',
    streams(`data: {"error":{"message":"${'e'.repeat(60_000)}"}}\n\n`.repeat(16)),
    200,
    /event: failure\ndata: \{"message":"[^“]*“e{600}…”"/,
  ],
  ['carriage returns', 'stream', streams(`${'\r'.repeat(400_000)}data: [DONE]\r\r\n`), 200, /event: finish/],
  ['JSON instead of a stream', 'stream', sendsText(says('hello')), 200, /"text":"hello"/],
]

for (const [name, by, answer, status, shown] of cases)
  t.test(`${by}: ${name}`, async (t) => {
    server.answers(answer)
    const { value, blockedMs, grownMb } = await strainOf(portal, requests[by])
    t.comment(`${Math.round(blockedMs)} ms, ${grownMb.toFixed(1)} MB, ${value.text.length} characters`)
    t.equal(value.status, status)
    t.match(value.text, shown)
    t.ok(value.text.length < LARGEST_PAGE, `${value.text.length} characters`)
    t.ok(blockedMs < LONGEST_BLOCK_MS, `other requests waited ${Math.round(blockedMs)} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `the heap grew by ${grownMb.toFixed(1)} MB`)
  })

t.test('a Try it body of the maximum depth, with a model to fill in, is handled in time', async (t) => {
  server.answers(sendsJson({ data: [{ id: 'org/odd' }] }))
  const body = `{"model":"","a":${nested(15_000)}}`
  const call = { operation: 'post-v1-chat-completions', type: 'application/json', application: of('chat'), body }
  const { value, blockedMs } = await strainOf(portal, () => mary.post('/models/odd-chat/reference', call))
  t.equal(value.status, 200)
  t.match(value.text, /200 OK after/)
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${Math.round(blockedMs)} ms`)
})

t.test('a conversation of the maximum size is returned in time, as code and as a page', async (t) => {
  server.answers(sendsText(says('fine')))
  const quotes = (length: number) => '"'.repeat(length)
  const turns = JSON.stringify(
    Array.from({ length: 25 }, () => ({ prompt: "'".repeat(2000), answers: ['&'.repeat(1000)] })),
  )
  const forms: Record<string, [form: Record<string, string>, shown: RegExp]> = {
    'prompt and system prompt of double quotes': [
      { prompt: quotes(31_000), system: quotes(31_000) },
      /cannot be shown as code/,
    ],
    'a prompt of double quotes': [{ prompt: quotes(31_000), as: 'python-openai' }, /data-client="python-openai"/],
    'one long word': [{ prompt: 'a'.repeat(31_000), as: 'js-openai' }, /data-client="js-openai"/],
    'many turns': [{ prompt: 'x', turns }, /cannot be shown as code/],
    'turns that are no turns': [{ prompt: 'x', turns: '['.repeat(80_000) }, /data-client="curl"/],
  }
  for (const [name, [form, shown]] of Object.entries(forms)) {
    const send = (path: string) => mary.post(path, { application: of('chat'), kind: 'chat', turns: '[]', ...form })
    for (const path of ['/playground/code', '/playground']) {
      const { value, blockedMs, grownMb } = await strainOf<Answer>(portal, () => send(path))
      t.comment(`${name}: ${Math.round(blockedMs)} ms, ${grownMb.toFixed(1)} MB, ${value.text.length} characters`)
      t.equal(value.status, 200, name)
      t.match(value.text, path === '/playground' ? /message-model/ : shown, name)
      t.ok(value.text.length < LARGEST_PAGE, `${name}: ${value.text.length} characters`)
      t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: ${Math.round(blockedMs)} ms`)
      t.ok(grownMb < MOST_GROWTH_MB, name)
    }
  }
})
