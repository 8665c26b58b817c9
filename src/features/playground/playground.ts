import type { Readable } from 'node:stream'
import { jsonFrom } from '../../clients/bounded-json.js'
import { retryAfterIn } from '../../clients/retry-after.js'
import { problem } from '../../errors.js'
import { callOf } from '../../model-calls/example-calls.js'
import type { Caller } from '../../web/caller.js'
import type { Places } from '../../web/places.js'
import type { Call, GatewayAnswer, Prepared } from '../applications/model-calls.js'
import type { Application } from '../applications/schemas.js'
import { type Model, playable } from '../models/schemas.js'
import { relay } from './relay.js'
import { spokenWithout } from './spoken.js'
import { messagesOf, type Wanted } from './wanted.js'

export interface PlaygroundDeps {
  applications: {
    list(caller: Caller): Promise<Application[]>
    read(
      caller: Caller,
      id: number,
      options: { reveal: boolean },
    ): Promise<{ application: Application; model: Model | undefined }>
  }
  models: { list(filters: Record<string, never>, caller: Caller): Promise<{ models: Model[] }> }
  calls: { prepare(model: Model, application: Application, call: Call): Promise<Prepared> }
  gateway: {
    call(request: Prepared & { timeoutMs?: number }): Promise<GatewayAnswer>
    open(request: Prepared & { signal: AbortSignal }): Promise<{
      status: number
      headers: Record<string, string>
      body: Readable
    }>
  }
  /** so many calls of one person at the same time */
  places: Places
  /** asks the model server for the id to send, where nobody has told it */
  modelIdOf(model: Model, application: Application): Promise<string | undefined>
  /** what an answer means, in words */
  wordsFor(answer: Omit<GatewayAnswer, 'ms'>, model: Model): string
}

/** An application that can be tried here, with the type of its model. */
export interface Choice {
  application: Application
  model: Model
}

/** An answer of 200: JSON, and the text that it was read from. */
export interface Answered {
  body: unknown
  text: string
  ms: number
}

/** What stands behind an answer that is no success. */
export interface Refused {
  status: number
  words: string
  retryAfter: number | undefined
}

export type Playground = ReturnType<typeof createPlayground>

const LONG_MS = 120_000
/** for the text of a refusal, whose status is known */
const REFUSAL_MS = 5000

/**
 * Models tried through the person's own application. The key never leaves this process, only hosts of the catalogue are
 * called, and nothing of what is said is kept.
 */
export function createPlayground(deps: PlaygroundDeps) {
  const { applications, models, calls, gateway, places, modelIdOf, wordsFor } = deps

  return {
    /** One call to 3scale. Live applications of models that can be talked to, newest first. */
    async choices(caller: Caller): Promise<Choice[]> {
      const [mine, offered] = await Promise.all([applications.list(caller), models.list({}, caller)])
      return mine.flatMap((application) => {
        const model = offered.models.find(({ system_name }) => system_name === application.model)
        const fits = model && application.state === 'live' && isPlayable(model)
        return fits ? [{ application, model }] : []
      })
    },

    /** An answer as it comes, as server-sent events; ends when `signal` says so. One or two calls to 3scale. */
    async stream(caller: Caller, wanted: Wanted, side: number, signal: AbortSignal): Promise<Readable | Refused> {
      const { application, model } = await load(caller, wanted.applications[side])
      const done = places.take(caller)
      try {
        const body = { ...(await bodyOf(model, application, wanted, side)), ...streaming }
        const prepared = await calls.prepare(model, application, { method: 'POST', path: callOf(model).path, body })
        const answer = await gateway.open({ ...prepared, signal })
        if (answer.status !== 200) {
          const text = await beginningOf(answer.body)
          done()
          return refusedBy({ ...answer, text }, model)
        }
        return relay(spokenWithout(prepared.secrets, answer.body), done)
      } catch (error) {
        done()
        throw error
      }
    },

    /** The same call answered in one piece, for pages without scripts. Rejects with gateway_unavailable. */
    async ask(caller: Caller, wanted: Wanted, side: number): Promise<Answered | Refused> {
      const { application, model } = await load(caller, wanted.applications[side])
      return post(caller, model, application, await bodyOf(model, application, wanted, side))
    },

    /** One JSON call of a model that is not talked to: embeddings, rerank. */
    async send(caller: Caller, id: number, body: Record<string, unknown>): Promise<Answered | Refused> {
      const { application, model } = await load(caller, id)
      return post(caller, model, application, { ...(await named(model, application)), ...body })
    },

    /** The model and the very body of the first side, for showing them as code. One call to 3scale. */
    async asSent(caller: Caller, wanted: Wanted) {
      const { model } = await load(caller, wanted.applications[0], false)
      return { model, body: content(model, wanted, 0) }
    },
  }

  async function post(
    caller: Caller,
    model: Model,
    application: Application,
    body: Record<string, unknown>,
  ): Promise<Answered | Refused> {
    const done = places.take(caller)
    try {
      const prepared = await calls.prepare(model, application, { method: 'POST', path: callOf(model).path, body })
      const answer = await gateway.call({ ...prepared, timeoutMs: LONG_MS })
      if (answer.status !== 200) return refusedBy(answer, model)
      return { body: jsonFrom(answer.text), text: answer.text, ms: answer.ms }
    } finally {
      done()
    }
  }

  async function load(caller: Caller, id: number | undefined, reveal = true) {
    if (id === undefined) throw problem('not_found')
    const { application, model } = await applications.read(caller, id, { reveal })
    if (!model || !isPlayable(model)) throw problem('not_found')
    return { application, model }
  }

  async function bodyOf(model: Model, application: Application, wanted: Wanted, side: number) {
    return { ...(await named(model, application)), ...content(model, wanted, side) }
  }

  async function named(model: Model, application: Application): Promise<{ model?: string }> {
    if (!callOf(model).takesModel) return {}
    const id = model.model_id ?? (await modelIdOf(model, application))
    return id === undefined ? {} : { model: id }
  }

  function refusedBy(answer: { status: number; headers: Record<string, string>; text: string }, model: Model): Refused {
    return { status: answer.status, words: wordsFor(answer, model), retryAfter: retryAfterIn(answer.headers) }
  }
}

/** A type that there is a view for, at an address with nothing left to fill in. */
function isPlayable(model: Model): boolean {
  return playable.includes(model.type) && callOf(model).placeholders.length === 0
}

const streaming = { stream: true, stream_options: { include_usage: true } }

function content(model: Model, wanted: Wanted, side: number): Record<string, unknown> {
  if (model.type === 'completion') return { prompt: wanted.prompt, ...wanted.parameters }
  return { messages: messagesOf(wanted, side), ...wanted.parameters }
}

/** As much of a refusal as comes soon. */
async function beginningOf(body: Readable): Promise<string> {
  let text = ''
  const late = setTimeout(() => body.destroy(), REFUSAL_MS)
  try {
    for await (const chunk of body) {
      text += String(chunk)
      if (text.length > 4000) break
    }
  } catch {
    // what came before it broke off may tell enough
  } finally {
    clearTimeout(late)
  }
  return text
}
