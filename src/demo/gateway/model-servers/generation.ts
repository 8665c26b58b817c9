import { createHash } from 'node:crypto'
import type { Answer, Body, ModelServer } from './responses.js'

const CREATED = 1764000000

export function chat(server: ModelServer, body: Body): Answer {
  const messages = Array.isArray(body.messages) ? (body.messages as { content?: unknown }[]) : []
  if (messages.length === 0) return refused('messages is required')
  const odd = oddField(body)
  if (odd) return refused(odd)
  const asked = String(messages.at(-1)?.content ?? '')
  const said = `Hello! I am ${server.id} and you said: ${asked.slice(0, 200)}${countingIn(asked)}`
  const usage = usageOf(messages.map(({ content }) => String(content ?? '')).join(' '), said)
  const base = { id: `chatcmpl-${idOf(said)}`, created: CREATED, model: server.id }
  if (body.stream !== true) {
    const choice = { index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }
    return { status: 200, body: { ...base, object: 'chat.completion', choices: [choice], usage } }
  }
  const deltas = [{ role: 'assistant', content: '' }, ...piecesOf(said).map((content) => ({ content })), {}]
  const choices = deltas.map((delta, index) => ({
    index: 0,
    delta,
    finish_reason: index === deltas.length - 1 ? 'stop' : null,
  }))
  return { stream: events({ ...base, object: 'chat.completion.chunk' }, choices, usage, body) }
}

/** “Count to 100” gets a long answer. */
function countingIn(asked: string): string {
  const [, last = '0'] = /\bcount to (\d{1,4})\b/i.exec(asked) ?? []
  return Array.from({ length: Number(last) }, (_, at) => ` ${at + 1}`).join('')
}

export function completion(server: ModelServer, body: Body): Answer {
  const odd = oddField(body)
  if (odd) return refused(odd)
  const prompt = String(body.prompt ?? '')
  const said = ' city in California, says the demo.'
  const usage = usageOf(prompt, said)
  const base = { id: `cmpl-${idOf(prompt)}`, object: 'text_completion', created: CREATED, model: server.id }
  const choice = (text: string, finish_reason: string | null) => ({ index: 0, text, finish_reason, logprobs: null })
  if (body.stream !== true) return { status: 200, body: { ...base, choices: [choice(said, 'stop')], usage } }
  const pieces = piecesOf(said)
  const choices = pieces.map((text, index) => choice(text, index === pieces.length - 1 ? 'stop' : null))
  return { stream: events(base, choices, usage, body) }
}

export function usageOf(prompt: string, completion: string) {
  const count = (text: string) => text.split(/\s+/).filter(Boolean).length
  const [prompt_tokens, completion_tokens] = [count(prompt), count(completion)]
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
}

/** The error format of OpenAI's API, as vLLM returns it. */
export function failure(message: string, type: string, code: number) {
  return { error: { message, type, param: null, code } }
}

/** One event a choice; usage in a last event without choices where it is asked for, and on every event if that is too. */
function events(base: object, choices: object[], usage: object, body: Body): object[] {
  const options = (body.stream_options ?? {}) as { include_usage?: boolean; continuous_usage_stats?: boolean }
  const asked = options.include_usage === true
  const runningUsage = asked && options.continuous_usage_stats === true ? { usage } : {}
  const all = choices.map((choice) => ({ ...base, choices: [choice], ...runningUsage }))
  return asked ? [...all, { ...base, choices: [], usage }] : all
}

/** A strict server, which an empty list turned into an object on its way does not get past. */
function oddField({ stop, tools }: Body): string | undefined {
  if (tools !== undefined && tools !== null && !Array.isArray(tools)) return 'tools must be a list'
  const fine = stop === undefined || stop === null || typeof stop === 'string' || Array.isArray(stop)
  return fine ? undefined : 'stop must be a text or a list of texts'
}

function refused(message: string): Answer {
  return { status: 400, body: failure(message, 'BadRequestError', 400) }
}

function piecesOf(text: string): string[] {
  return text.split(/(?<= )/)
}

function idOf(text: string): string {
  return createHash('sha1').update(text).digest('hex').slice(0, 16)
}
