import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

interface Figures {
  start: number
  first: number | undefined
  now: number
  chunks: number
  usage?: Record<string, unknown> | undefined
  showsReasoning: boolean
  ending?: string
}
interface PageScript {
  eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; data: unknown }>
  formatStatistics(of: Figures): string
}

const script = pathToFileURL(join(projectRoot, 'static/js/playground-events.js')).href
const { eventsOf, formatStatistics } = (await import(script)) as PageScript

/** A body that arrives in chunks of this size and, if requested, breaks off at its end. */
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
const finish = { reason: 'stop', message: '' }
const expected = [
  { event: 'message', data: said },
  { event: 'finish', data: finish },
]

t.test(
  'events are complete wherever the bytes are split, with any line endings and with separators in JSON',
  async (t) => {
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
      const complete = `\ufeff${text.join(end)}`
      for (const size of [1, 2, 3, 7, 64, 4096])
        t.same(await read(bodyOf(complete, size)), expected, `${JSON.stringify(end)} in pieces of ${size}`)
    }
  },
)

t.test('a last event without a blank line counts, unless it is incomplete', async (t) => {
  const last = `data: ${JSON.stringify(said)}\n\nevent: finish\ndata: ${JSON.stringify(finish)}`
  t.same(await read(bodyOf(last, 5)), expected)
  t.same(await read(bodyOf(`${last}\n`, 5)), expected)
  await t.rejects(read(bodyOf(last.slice(0, -3), 5)), SyntaxError)
})

t.test('a broken connection rejects after the events before it were delivered', async (t) => {
  const events: unknown[] = []
  const body = bodyOf(`data: ${JSON.stringify(said)}\n\ndata: {"te`, 9, new Error('reset'))
  await t.rejects(async () => {
    for await (const { data } of eventsOf(body)) events.push(data)
  }, /reset/)
  t.same(events, [said])
})

t.test('a reader that stops early ends the request', async (t) => {
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

t.test('the figures of a response state what was counted and omit what is unknown', async (t) => {
  const base = { start: 1000, first: 1200, now: 3200, chunks: 40, showsReasoning: false }
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
    ['one piece', { chunks: 1 }, 'First token after 200 ms · about 1 token'],
    ['too few pieces for a speed', { chunks: 7 }, 'First token after 200 ms · about 7 tokens'],
    [
      'slower than a token a second',
      { now: 100_000, usage: { ...none, completion_tokens: 20 } },
      'First token after 200 ms · 20 out',
    ],
    ['nothing came', { first: undefined, chunks: 0 }, ''],
    [
      'nothing came, but it was counted',
      { first: undefined, chunks: 0, usage: { prompt_tokens: 9, completion_tokens: 0 } },
      '9 in, 0 out',
    ],
    [
      'all at once',
      { first: 3180, usage: { ...none, completion_tokens: 44 } },
      'First token after 2,180 ms · about 20 tokens/s · 44 out',
    ],
    ['stopped', { ending: 'stopped' }, 'First token after 200 ms · about 20 tokens/s · about 40 tokens · stopped'],
  ]
  for (const [name, change, words] of rows) t.equal(formatStatistics({ ...base, ...change }), words, name)
})
