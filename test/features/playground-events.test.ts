import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { projectRoot } from '../../src/root.js'

interface Figures {
  began: number
  first: number | undefined
  now: number
  pieces: number
  usage?: Record<string, unknown> | undefined
  showsReasoning: boolean
  ended?: string
}
interface PageScript {
  eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; data: unknown }>
  figuresOf(of: Figures): string
}

const script = pathToFileURL(join(projectRoot, 'static/js/playground-events.js')).href
const { eventsOf, figuresOf } = (await import(script)) as PageScript

/** a body that arrives in pieces of so many bytes, and breaks off at its end where it is told to */
function bodyOf(text: string, size: number, broken?: Error): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at + size))
      else if (broken) controller.error(broken)
      else controller.close()
      at += size
    },
  })
}

async function read(body: ReadableStream<Uint8Array>) {
  const events: { event: string; data: unknown }[] = []
  for await (const each of eventsOf(body)) events.push(each)
  return events
}

const said = { text: 'before\u2028after\u2029 \r\n "quoted" … 日本語 👩‍👩‍👧' }
const finish = { reason: 'stop', words: '' }
const expected = [
  { event: 'message', data: said },
  { event: 'finish', data: finish },
]

t.test('events arrive whole wherever the bytes are divided, with any line ends and separators in JSON', async (t) => {
  for (const end of ['\n', '\r\n', '\r']) {
    const text = [
      ': ',
      '',
      `data: ${JSON.stringify(said)}`,
      '',
      'event: finish',
      `data:${JSON.stringify(finish)}`,
      '',
      '',
    ]
    const whole = `\ufeff${text.join(end)}`
    for (const size of [1, 2, 3, 7, 64, 4096])
      t.same(await read(bodyOf(whole, size)), expected, `${JSON.stringify(end)} in pieces of ${size}`)
  }
})

t.test('a last event without a blank line counts, unless it is incomplete', async (t) => {
  const last = `data: ${JSON.stringify(said)}\n\nevent: finish\ndata: ${JSON.stringify(finish)}`
  t.same(await read(bodyOf(last, 5)), expected)
  t.same(await read(bodyOf(`${last}\n`, 5)), expected)
  await t.rejects(read(bodyOf(last.slice(0, -3), 5)), SyntaxError)
})

t.test('a connection that breaks off rejects, and what came before it was given', async (t) => {
  const events: unknown[] = []
  const body = bodyOf(`data: ${JSON.stringify(said)}\n\ndata: {"te`, 9, new Error('reset'))
  await t.rejects(async () => {
    for await (const { data } of eventsOf(body)) events.push(data)
  }, /reset/)
  t.same(events, [said])
})

t.test('a reader that leaves early ends the request', async (t) => {
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('data: {}\n\n')),
    cancel: () => {
      cancelled = true
    },
  })
  for await (const { event } of eventsOf(body)) if (event) break
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(cancelled)
})

t.test('figures of an answer say what was counted and nothing that is not known', async (t) => {
  const base = { began: 1000, first: 1200, now: 3200, pieces: 40, showsReasoning: false }
  const none = { prompt_tokens: null, completion_tokens: null, reasoning_tokens: null }
  const rows: [string, Partial<Figures>, string][] = [
    ['no usage', {}, 'First token after 200 ms · about 20 tokens/s · about 40 tokens'],
    [
      'whole usage',
      { usage: { ...none, prompt_tokens: 1100, completion_tokens: 50 } },
      'First token after 200 ms · 25 tokens/s · 1,100 in, 50 out',
    ],
    [
      'prompt alone',
      { usage: { ...none, prompt_tokens: 9 } },
      'First token after 200 ms · about 20 tokens/s · 9 in, about 40 out',
    ],
    [
      'completion alone',
      { usage: { ...none, completion_tokens: 50 } },
      'First token after 200 ms · 25 tokens/s · 50 out',
    ],
    ['usage of nulls', { usage: none }, 'First token after 200 ms · about 20 tokens/s · about 40 tokens'],
    [
      'wrong numbers',
      { usage: { prompt_tokens: -1, completion_tokens: 1.5 } },
      'First token after 200 ms · about 20 tokens/s · about 40 tokens',
    ],
    [
      'reasoning that is shown counts as output',
      { showsReasoning: true, usage: { prompt_tokens: 9, completion_tokens: 50, reasoning_tokens: 40 } },
      'First token after 200 ms · 25 tokens/s · 9 in, 50 out (40 reasoning)',
    ],
    [
      'reasoning that the server keeps was before the first token',
      { usage: { prompt_tokens: 9, completion_tokens: 50, reasoning_tokens: 40 } },
      'First token after 200 ms · 5 tokens/s · 9 in, 50 out (40 reasoning)',
    ],
    [
      'more reasoning than output',
      { usage: { ...none, completion_tokens: 5, reasoning_tokens: 9 } },
      'First token after 200 ms · 5 out (9 reasoning)',
    ],
    ['one piece', { pieces: 1 }, 'First token after 200 ms · about 1 token'],
    ['too few pieces for a speed', { pieces: 7 }, 'First token after 200 ms · about 7 tokens'],
    [
      'slower than a token a second',
      { now: 100_000, usage: { ...none, completion_tokens: 20 } },
      'First token after 200 ms · 20 out',
    ],
    ['nothing came', { first: undefined, pieces: 0 }, ''],
    [
      'nothing came, but it was counted',
      { first: undefined, pieces: 0, usage: { prompt_tokens: 9, completion_tokens: 0 } },
      '9 in, 0 out',
    ],
    [
      'all at once',
      { first: 3180, usage: { ...none, completion_tokens: 44 } },
      'First token after 2,180 ms · about 20 tokens/s · 44 out',
    ],
    ['stopped', { ended: 'stopped' }, 'First token after 200 ms · about 20 tokens/s · about 40 tokens · stopped'],
  ]
  for (const [name, change, words] of rows) t.equal(figuresOf({ ...base, ...change }), words, name)
})
