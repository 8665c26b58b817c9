import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpFailure } from '../../clients/http-failure.js'
import { isProblem, problem } from '../../errors.js'
import type { Content } from '../../model-calls/body-formats.js'
import { callOf, otherFormAfter, streamingOf, bodyOf as written } from '../../model-calls/example-calls.js'
import type { Caller } from '../../web/caller.js'
import type { Places } from '../../web/places.js'
import type { Call, GatewayAnswer, Prepared } from '../applications/model-calls.js'
import type { Application } from '../applications/schemas.js'
import { type Model, playable } from '../models/schemas.js'
import { relay } from './relay.js'
import type { Said } from './results.js'
import { answerOf, createSending } from './sending.js'
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
    open(request: Prepared & { signal: AbortSignal; headMs?: number; idleMs?: number }): Promise<{
      status: number
      headers: Record<string, string>
      body: Readable
    }>
  }
  /** so many calls of one person at the same time */
  places: Places
  /** asks the model server for the id to send, where nobody has told it */
  modelIdOf(model: Model, application: Application): Promise<string | undefined>
  /** keeps which form of the body a model server accepts */
  learnFormat(systemName: string, format: NonNullable<Model['request_format']>): Promise<void>
  /** how long an answer may take before the wait is reported; default 5 s */
  progressMs?: number
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

/** After that time the wait itself is reported. */
const PROGRESS_MS = 5000

/**
 * Models tried through the person's own application. The key never leaves this process, only hosts of the catalogue are
 * called, and nothing of what is said is kept.
 */
export function createPlayground(deps: PlaygroundDeps) {
  const { applications, models, places, modelIdOf, learnFormat, progressMs = PROGRESS_MS } = deps
  const sending = createSending(deps)

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

    /**
     * An answer as it comes, as server-sent events (`relay.ts`); ends when `signal` says so. A refusal that comes within
     * five seconds is returned; a later one is an event, since the answer to the browser has begun. One or two calls to 3scale.
     */
    async stream(caller: Caller, wanted: Wanted, side: number, signal: AbortSignal): Promise<Readable | Refused> {
      const { application, model } = await load(caller, wanted.applications[side])
      const done = places.take(caller)
      const started = performance.now()
      const ended = new AbortController()
      const leave = () => ended.abort()
      if (signal.aborted) leave()
      signal.addEventListener('abort', leave, { once: true })
      try {
        const opening = bodyOf(model, application, wanted, side).then((body) =>
          sending.open(model, application, { ...body, ...streamingOf(model) }, ended.signal),
        )
        const early = await orNothing(opening, progressMs)
        if (early && 'words' in early) {
          done()
          return early
        }
        return relay({ answer: answerOf(opening), leave, done, waitedMs: performance.now() - started, progressMs })
      } catch (error) {
        leave()
        done()
        throw error
      }
    },

    /** The same answer in one piece, for pages without scripts. Rejects with gateway_unavailable. */
    async ask(caller: Caller, wanted: Wanted, side: number): Promise<(Said & { ms: number }) | Refused> {
      const { application, model } = await load(caller, wanted.applications[side])
      const done = places.take(caller)
      try {
        return await sending.whole(model, application, await bodyOf(model, application, wanted, side))
      } finally {
        done()
      }
    },

    /**
     * One JSON call of a model that is not talked to: embeddings, rerank. A form of the body that the server refuses is
     * replaced by the other one once; what it accepts is kept.
     */
    async send(caller: Caller, id: number, content: Content): Promise<Answered | Refused> {
      const { application, model } = await load(caller, id)
      const done = places.take(caller)
      try {
        const answer = await sendAs(model, application, content)
        const other = 'status' in answer ? otherFormAfter(model, answer.status) : undefined
        if (!other) return answer
        const second = await sendAs(other, application, content)
        if ('status' in second) return answer
        await learnFormat(model.system_name, other.request_format)
        return second
      } finally {
        done()
      }
    },

    /** The model and the very body of the first side, for showing them as code. One call to 3scale. */
    async asSent(caller: Caller, wanted: Wanted) {
      const { model } = await load(caller, wanted.applications[0], false)
      return { model, body: sending.asAccepted(model, content(model, wanted, 0)) }
    },
  }

  async function load(caller: Caller, id: number | undefined, reveal = true) {
    if (id === undefined) throw problem('not_found')
    const { application, model } = await applications.read(caller, id, { reveal })
    if (!model || !isPlayable(model)) throw problem('not_found')
    return { application, model }
  }

  async function sendAs(model: Model, application: Application, content: Content) {
    return sending.json(model, application, { ...(await named(model, application)), ...written(model, content) })
  }

  async function bodyOf(model: Model, application: Application, wanted: Wanted, side: number) {
    return { ...(await named(model, application)), ...content(model, wanted, side) }
  }

  async function named(model: Model, application: Application): Promise<{ model?: string }> {
    if (!callOf(model).takesModel) return {}
    const id = model.model_id ?? (await modelIdOf(model, application).catch(nothingIfLate))
    return id === undefined ? {} : { model: id }
  }
}

/** A model that is starting lists no model yet; the request itself waits longer, and most servers have one model only. */
function nothingIfLate(error: unknown): undefined {
  if (isProblem(error) && error.cause instanceof HttpFailure && error.cause.kind === 'timeout') return undefined
  throw error
}

/** The result of the work if it ends within `ms`, else undefined. */
async function orNothing<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const over = new AbortController()
  const late = sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
  return Promise.race([work, late]).finally(() => over.abort())
}

/** A type that there is a view for, at an address with nothing left to fill in. */
function isPlayable(model: Model): boolean {
  return playable.includes(model.type) && callOf(model).placeholders.length === 0
}

function content(model: Model, wanted: Wanted, side: number): Record<string, unknown> {
  const { prompt, parameters } = wanted
  if (model.type === 'completion') return written(model, { prompt, parameters })
  return written(model, { messages: messagesOf(wanted, side), parameters })
}
