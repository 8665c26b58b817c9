import { setTimeout as sleep } from 'node:timers/promises'
import { type ModelAnswer, startModelServer } from './model-server.js'
import type { Stack } from './stack.js'

export interface Reply {
  status?: number
  type?: string
  headers?: Record<string, string>
  body: string
  /** Delay of the response headers, as with a model that has to start. */
  after_ms?: number
}

/** The input of the user, the response of the server, and what the page must show. */
export interface Scene {
  /** The message; any other request gets the response to `hello`. */
  asks: string
  /** Fields of the playground that the user fills in. */
  fields?: Record<string, string>
  stream: Reply
  /** The complete response without streaming; omitted if the server sends the same response in both cases. */
  whole?: Reply
  shows: {
    text?: string
    reasoning?: string
    /** The finish reason. */
    note?: RegExp
    /** The error message of the portal with the words of the server. */
    failure?: RegExp
    /** Number of tokens as the page states it. */
    tokens?: RegExp
  }
}

export interface ModelServer {
  name: string
  /** Sources of the formats. */
  sources: string[]
  type: 'chat' | 'embedding' | 'rerank'
  rules: [verb: string, pattern: string][]
  /** Path and response of the model list; undefined if the server has none and PORTAL_CONFIG states the id. */
  models?: { path: string; answer: object }
  /** Response fields that contain reasoning. */
  reasoning: string[]
  /** The response to a request that the server rejects. */
  refuses?: (body: Record<string, unknown>) => Reply | undefined
  scenes: Scene[]
}

/**
 * A server that follows a profile, behind a product with the policies of models-aas (CORS, llm-metrics, APIcast) unless
 * `more` differs; `requests` are the received bodies.
 */
export async function startScripted(stack: Stack, profile: ModelServer, more: object = {}) {
  const server = await startModelServer()
  const requests: Record<string, unknown>[] = []
  server.answers(async (response, request, text) => {
    const path = (request.url ?? '').split('?')[0]
    if (path === profile.models?.path) return send(response, json(profile.models?.answer ?? {}))
    const body = JSON.parse(text || '{}') as Record<string, unknown>
    requests.push(body)
    return send(response, replyOf(profile, body))
  })
  const system_name = `played-${profile.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`
  const rules = profile.rules.map(([verb, pattern]) => [verb, pattern, 'hits'])
  await server.product(stack, profile.type, system_name, { name: profile.name, rules, ...more })
  return { profile, system_name, requests, close: () => server.close() }
}

function replyOf(profile: ModelServer, body: Record<string, unknown>): Reply {
  const refused = profile.refuses?.(body)
  if (refused) return refused
  const requested = (body.messages as { content?: string }[] | undefined)?.at(-1)?.content
  const scene = profile.scenes.find(({ asks }) => asks === requested) ?? profile.scenes[0]
  if (!scene) throw new Error(`${profile.name} has no scene`)
  return body.stream === true ? scene.stream : (scene.whole ?? scene.stream)
}

async function send(response: Parameters<ModelAnswer>[0], reply: Reply) {
  const { status = 200, type = 'application/json', headers = {}, body, after_ms = 0 } = reply
  if (after_ms > 0) await sleep(after_ms)
  response.writeHead(status, { 'content-type': type, ...headers }).end(body)
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: JSON.stringify(value) }
}

export function plain(body: string, status: number, type = 'text/plain'): Reply {
  return { status, type, body }
}

/** An event stream: objects become data, and strings are unmodified lines. */
export function sse(events: (object | string)[], { prefix = 'data: ', end = '\n\n' } = {}): Reply {
  const lines = events.map((event) => (typeof event === 'string' ? event : prefix + JSON.stringify(event)))
  return { type: 'text/event-stream', body: lines.map((line) => line + end).join('') }
}

type Members = Record<string, unknown>

/** A chunk of an OpenAI stream; a `delta` of null is a chunk without choices. */
export function chunk(delta: Members | null, choice: Members = {}, more: Members = {}): object {
  const choices = delta === null ? [] : [{ index: 0, delta, finish_reason: null, ...choice }]
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_780_000_000, model: 'm', choices, ...more }
}

/** A complete response in the OpenAI format. */
export function completion(message: Members, choice: Members = {}, more: Members = {}): Reply {
  return json({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_780_000_000,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', ...choice }],
    usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 },
    ...more,
  })
}

export const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 }
export const DONE = 'data: [DONE]'
