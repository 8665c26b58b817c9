import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { Eta } from 'eta'
import fc from 'fast-check'
import t from 'tap'
import { createEventReader } from '../../../src/clients/gateway/event-stream.js'
import { firstModel, modelIds } from '../../../src/clients/gateway/model-list.js'
import { collectAnswer } from '../../../src/features/playground/results.js'
import { relayEvents } from '../../../src/features/playground/sse-relay.js'
import { answerView, playgroundView } from '../../../src/features/playground/view.js'
import { resolveOperations } from '../../../src/features/reference/gateway-operations.js'
import { generateReference } from '../../../src/features/reference/generated/generated-reference.js'
import { readResponse } from '../../../src/features/reference/response.js'
import { referenceView } from '../../../src/features/reference/view.js'
import { indentJson, readJson } from '../../../src/infra/bounded-json.js'
import { explainResponse, modelOutput } from '../../../src/model-calls/response-messages.js'
import { redactStream } from '../../../src/model-calls/responses/stream-redaction.js'
import { projectRoot } from '../../../src/project-root.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainHere } from '../../helper/event-loop.js'
import { hostile, LIVE } from '../../helper/hostile.js'
import { modelOf } from '../../helper/models.js'
import { rounds } from '../../helper/rounds.js'

/** FUZZ_SEED repeats a run. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const INPUTS = rounds(400)
/** Characters of a page. */
const LARGEST_PAGE = 2_000_000
t.comment(`fuzz seed ${seed}`)
t.setTimeout(600_000)

const eta = new Eta({ views: join(projectRoot, 'views'), cache: true, autoTrim: false })
const secret = 'sk-0123456789-secret'

const MOST = 300_000
const MOST_PIECES = 2000
const many = fc.constantFrom(0, 1, 2, 3, 25, 2000, 30_000)
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(1e308, -1e308, 5e-324, 2 ** 53, -1))
const leaf = fc.oneof(
  { weight: 6, arbitrary: hostile },
  { weight: 4, arbitrary: number },
  { weight: 4, arbitrary: fc.constantFrom(null, true, '', secret) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\ud800'.repeat(9000), '"'.repeat(30_000), 'a'.repeat(70_000), '&'.repeat(200_000)),
  },
)
const names = fc.oneof(hostile, fc.constantFrom('content', 'message', 'index', 'embedding', 'id', 'choices', 'delta'))
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: leaf },
  { weight: 2, arbitrary: fc.array(leaf, { maxLength: 4 }) },
  { weight: 2, arbitrary: fc.dictionary(names, fc.oneof(leaf, fc.array(leaf, { maxLength: 2 })), { maxKeys: 4 }) },
  { weight: 1, arbitrary: fc.tuple(many, leaf).map(repeated) },
)
const times = (one: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.array(one, { maxLength: 4 }) },
    { weight: 2, arbitrary: fc.tuple(many, one).map(repeated) },
    { weight: 1, arbitrary: value },
  )

/** Repetitions of one value, not much longer than what the portal reads. */
function repeated([count, one]: [number, unknown]): unknown[] {
  const size = (JSON.stringify(one) ?? '').length + 1
  return Array(Math.min(count, Math.floor(MOST / size))).fill(one)
}
const unusual = (shape: Record<string, fc.Arbitrary<unknown>>) => fc.record(shape, { requiredKeys: [] })
const choice = unusual({
  index: value,
  message: fc.oneof(unusual({ role: value, content: value }), value),
  delta: fc.oneof(
    unusual({ role: value, content: fc.oneof(hostile, value), reasoning_content: value, tool_calls: value }),
    value,
  ),
  text: value,
  logprobs: value,
})
const usage = fc.oneof(unusual({ prompt_tokens: number, completion_tokens: number }), value)
const chat = unusual({ choices: times(choice), usage, error: fc.oneof(unusual({ message: value }), value), id: value })
const embeddings = unusual({ data: times(unusual({ index: value, embedding: times(number) })), usage })
const ranking = unusual({ results: times(unusual({ index: number, relevance_score: value, score: value })) })
const models = unusual({ data: times(unusual({ id: value, max_model_len: value, capabilities: value })) })
/** JSON, including truncated and handwritten JSON. */
const text = fc
  .tuple(fc.oneof(chat, embeddings, ranking, models, value), fc.nat(12), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([answer, way, where]) => {
    const complete = (JSON.stringify(answer) ?? '').slice(0, 1_000_000)
    const at = Math.floor(complete.length * where)
    if (way === 0) return complete.slice(0, at)
    if (way === 1) return `${complete.slice(0, at)}${'['.repeat(100_000)}${complete.slice(at)}`
    if (way === 2) return `${'{"a":'.repeat(50)}${complete}${'}'.repeat(50)}`
    if (way === 3) return `${complete.slice(0, at)}${LIVE}${complete.slice(at)}`
    return complete
  })
const type = fc.constantFrom('application/json', 'text/plain', 'text/event-stream', '', 'application/yaml', 'image/png')
const status = fc.constantFrom(200, 201, 301, 400, 404, 422, 429, 500)
const header = fc.constantFrom('7', '9'.repeat(400), '-1', LIVE)

const chatModel = modelOf({ type: 'chat', name: 'A model', system_name: 'a-model' })
const application = { id: 1, name: 'Mine', state: 'live', model: 'a-model' } as never
const rules = ['/v1/chat/completions', '/v1/models'].map((pattern, index) => ({
  method: index === 0 ? 'POST' : 'GET',
  pattern,
  metricId: 1,
  metric: 'hits',
  delta: 1,
  last: false,
}))
const reference = generateReference(chatModel, rules, '')
const operations = resolveOperations(chatModel, rules, reference)

/** Every page that shows a response, as HTML. */
async function shownOf(answer: { status: number; headers: Record<string, string>; text: string }): Promise<string[]> {
  const read = readJson(answer.text)
  const body = 'value' in read ? read.value : undefined
  const page = (kind: 'chat' | 'embedding' | 'rerank', result: object) => {
    const chosen = { model: modelOf({ type: kind, name: 'A model', system_name: 'a-model' }), application }
    const values = { input: 'one\ntwo', documents: 'one\ntwo' }
    const shown = { choices: [chosen], selected: chosen, compared: undefined, values, errors: {}, turns: [], ...result }
    return eta.render('playground/index', playgroundView(shown))
  }
  const response = await readResponse(
    { ...answer, body: Readable.from([Buffer.from(answer.text)], { objectMode: false }) },
    { signal: new AbortController().signal, ms: () => 1 },
  )
  const explanation = explainResponse(answer, chatModel)
  const tryItCaller = { applications: [application], unavailable: false, selected: '1' }
  const view = referenceView({
    ...{ model: chatModel, reference, operations, staleSeconds: undefined, tryItCaller, signInHref: '' },
    submission: { operation: operations[0]?.id ?? '', values: {}, outcome: { response, explanation } },
  })
  const said = { text: answer.text, body, ms: 1 }
  const type = answer.headers['content-type'] ?? ''
  const spoken = await collectAnswer(
    redactStream([], { type, body: Readable.from([Buffer.from(answer.text)], { objectMode: false }) }),
  )
  return [
    page('chat', { turns: [{ prompt: 'hello', answers: [answerView(spoken, 1)] }] }),
    page('chat', { refused: { status: answer.status, words: explanation, retryAfter: undefined } }),
    page('embedding', { result: said }),
    page('rerank', { result: said }),
    eta.render('reference/show', view),
  ]
}

t.test(`${INPUTS} random responses: every page renders them without an exception or a delay`, async (t) => {
  let largest = 0
  const { blockedMs, grownMb } = await strainHere(() =>
    fc.assert(
      fc.asyncProperty(text, type, status, header, async (body, mime, code, wait) => {
        await turn()
        const answer = { status: code, headers: { 'content-type': mime, 'retry-after': wait }, text: body }
        const ids = [firstModel(body)?.id ?? '', ...(modelIds(body) ?? [])]
        const read = readJson(body)
        if ('value' in read && indentJson(body, 10_000).text.length > 10_000) return false
        if (ids.some((id) => id.length > 255) || modelOutput(answer).length > 600) return false
        await turn()
        const pages = await shownOf(answer)
        largest = Math.max(largest, ...pages.map(({ length }) => length))
        return pages.every((page) => !page.includes(LIVE) && page.length < LARGEST_PAGE)
      }),
      { numRuns: INPUTS, seed, endOnFailure: true },
    ),
  )
  t.comment(`${Math.round(blockedMs)} ms at most, ${largest} characters at most`)
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${Math.round(blockedMs)} ms`)
  t.ok(grownMb < MOST_GROWTH_MB * 4, `${grownMb.toFixed(1)} MB, including garbage`)
})

const line = fc.oneof(
  { weight: 5, arbitrary: chat.map((event) => `data: ${JSON.stringify(event)}`) },
  { weight: 2, arbitrary: fc.constantFrom('sk-01234', '56789-sec', 'ret', secret, 'sk-').map(delta) },
  { weight: 1, arbitrary: hostile.map((words) => `data:${words}`) },
  { weight: 1, arbitrary: hostile },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['data', 'event: failure', 'data: [DONE]', ': note', 'id: 1', 'retry: 1', `data: ${'['.repeat(50_000)}`],
      ...[':'.repeat(70_000), ':\n'.repeat(5000), `${delta('a')}\n\n`.repeat(1000), '\r'.repeat(9000), '\ufeff'],
    ),
  },
)
const stream = fc.record({
  lines: fc.array(line, { maxLength: 12 }),
  ends: fc.constantFrom('\n\n', '\n', '\r\n\r\n', '\r\r', '\n\r\n', ''),
  size: fc.constantFrom(1, 7, 40, 1000, 65_536),
})

function delta(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}`
}

t.test(`${INPUTS} random event streams result in events with known fields and without a secret`, async (t) => {
  let failures = 0
  const { blockedMs } = await strainHere(() =>
    fc.assert(
      fc.asyncProperty(stream, async ({ lines, ends, size }) => {
        const bytes = Buffer.from(lines.join(ends)).subarray(0, Math.min(400_000, size * MOST_PIECES))
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        )
        const body = Readable.from(pieces, { objectMode: false })
        const answer = redactStream([secret], { type: 'text/event-stream', body })
        let out = ''
        for await (const chunk of relayEvents({ answer, cancel: () => {}, done: () => {} })) out += String(chunk)
        const said = dataOf(out)
        const last = said.at(-1)
        if (last?.event === 'failure') failures++
        const known = said.every(({ event, data }) =>
          Object.keys(data).every((name) => members[event]?.includes(name) ?? false),
        )
        const ended = last?.event === 'failure' || last?.event === 'finish'
        const spoken = (['text', 'reasoning'] as const).map((voice) =>
          said.map(({ data }) => data[voice] ?? '').join(''),
        )
        return known && ended && out.length < 4_000_000 && ![out, ...spoken].some((words) => words.includes(secret))
      }),
      { numRuns: INPUTS, seed, endOnFailure: true },
    ),
  )
  t.comment(`${Math.round(blockedMs)} ms at most, ${failures} could not be shown`)
  t.ok(failures < INPUTS * 0.9, 'many streams can be shown')
  t.ok(blockedMs < LONGEST_BLOCK_MS, `${Math.round(blockedMs)} ms`)
})

/** The events that the page receives, by type. */
const members: Record<string, string[]> = {
  message: ['text', 'reasoning'],
  usage: ['prompt_tokens', 'completion_tokens', 'reasoning_tokens'],
  finish: ['reason', 'message'],
  failure: ['message'],
  progress: ['seconds', 'message'],
}

interface Spoken {
  text?: string
  reasoning?: string
}

function dataOf(text: string): { event: string; data: Spoken }[] {
  const reader = createEventReader()
  const events = [...[...reader.read(Buffer.from(text))].flat(), ...reader.end()]
  return events.map(({ event, data }) => ({ event, data: JSON.parse(data) as Spoken }))
}
