import type { Readable } from 'node:stream'
import type { GatewayRefusals } from '../../clients/threescale/types.js'
import { isProblem, problem } from '../../errors.js'
import { withDeadline } from '../../infra/deadline.js'
import { HttpError } from '../../infra/http/http-error.js'
import type { RequestContent } from '../../model-calls/body-formats.js'
import {
  alternativeFormat,
  exampleCall,
  streamingMembers,
  buildBody as written,
} from '../../model-calls/example-calls.js'
import type { GatewayResponse, ModelCall, PreparedRequest } from '../../model-calls/gateway-requests.js'
import type { Caller } from '../../web/auth/caller.js'
import type { ModelCallLimit } from '../../web/limits/concurrency-limit.js'
import type { Application } from '../applications/schemas.js'
import { type Model, playable } from '../models/schemas.js'
import { buildMessages, type ChatForm } from './chat-form.js'
import { createModelRequests, streamEvents } from './model-requests.js'
import type { ModelAnswer } from './results.js'
import { relayEvents } from './sse-relay.js'

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
  calls: { prepare(model: Model, application: Application, call: ModelCall): Promise<PreparedRequest> }
  gateway: {
    call(request: PreparedRequest & { timeoutMs?: number }): Promise<GatewayResponse>
    open(request: PreparedRequest & { signal: AbortSignal; headMs?: number; idleMs?: number }): Promise<{
      status: number
      headers: Record<string, string>
      body: Readable
    }>
  }
  /** limits concurrent calls per user */
  modelCallLimit: ModelCallLimit
  /** requests the model id from the model server if it is unknown */
  modelIdOf(model: Model, application: Application): Promise<string | undefined>
  /** stores which body format a model server accepts */
  learnFormat(systemName: string, format: NonNullable<Model['request_format']>): Promise<void>
  /** time until the wait is reported; default 5 s */
  progressMs?: number
  /** the gateway's own error texts, as configured for the product */
  refusalsOf(systemName: string): GatewayRefusals | undefined
}

/** An application that the playground can call, with its model. */
export interface PlaygroundChoice {
  application: Application
  model: Model
}

/** A 200 response: the JSON, and the text that it was parsed from. */
export interface JsonResponse {
  body: unknown
  text: string
  ms: number
}

/** A call that was not successful. */
export interface RejectedCall {
  status: number
  message: string
  retryAfter: number | undefined
}

export type Playground = ReturnType<typeof createPlayground>

/** Time after which the wait is reported. */
const PROGRESS_MS = 5000

/**
 * Calls models through applications of the caller. The key never leaves this process, only hosts of the catalogue are
 * called, and conversations are not stored.
 */
export function createPlayground(deps: PlaygroundDeps) {
  const { applications, models, modelCallLimit, modelIdOf, learnFormat, progressMs = PROGRESS_MS } = deps
  const requests = createModelRequests(deps)

  return {
    /** Live applications of models that the playground supports, newest first. One call to 3scale. */
    async choices(caller: Caller): Promise<PlaygroundChoice[]> {
      const [own, catalogue] = await Promise.all([applications.list(caller), models.list({}, caller)])
      return own.flatMap((application) => {
        const model = catalogue.models.find(({ system_name }) => system_name === application.model)
        const isUsable = model && application.state === 'live' && isPlayable(model)
        return isUsable ? [{ application, model }] : []
      })
    },

    /**
     * An answer as server-sent events (`sse-relay.ts`), until `signal` is aborted. A rejection within five seconds is
     * returned. A later one is an event, because the response has started. One or two calls to 3scale.
     */
    async stream(caller: Caller, form: ChatForm, side: number, signal: AbortSignal): Promise<Readable | RejectedCall> {
      const { application, model } = await load(caller, form.applications[side])
      const done = modelCallLimit.take(caller)
      const started = performance.now()
      const controller = new AbortController()
      const cancel = () => controller.abort()
      if (signal.aborted) cancel()
      signal.addEventListener('abort', cancel, { once: true })
      try {
        const opening = bodyOf(model, application, form, side).then((body) =>
          requests.open(model, application, { ...body, ...streamingMembers(model) }, controller.signal),
        )
        const early = await withDeadline(opening, progressMs)
        if (early && 'message' in early) {
          done()
          return early
        }
        return relayEvents({
          answer: streamEvents(opening),
          cancel,
          done,
          waitedMs: performance.now() - started,
          progressMs,
        })
      } catch (error) {
        cancel()
        done()
        throw error
      }
    },

    /** The same answer in one piece, for pages without scripts. Rejects with gateway_unavailable. */
    async ask(caller: Caller, form: ChatForm, side: number): Promise<(ModelAnswer & { ms: number }) | RejectedCall> {
      const { application, model } = await load(caller, form.applications[side])
      const done = modelCallLimit.take(caller)
      try {
        return await requests.readWhole(model, application, await bodyOf(model, application, form, side))
      } finally {
        done()
      }
    },

    /**
     * One JSON call of an embedding or rerank model. If the server rejects the body format, the other format is tried once;
     * an accepted format is stored.
     */
    async send(caller: Caller, id: number, requestBody: RequestContent): Promise<JsonResponse | RejectedCall> {
      const { application, model } = await load(caller, id)
      const done = modelCallLimit.take(caller)
      try {
        const answer = await sendAs(model, application, requestBody)
        const other = 'status' in answer ? alternativeFormat(model, answer.status) : undefined
        if (!other) return answer
        const second = await sendAs(other, application, requestBody)
        if ('status' in second) return answer
        await learnFormat(model.system_name, other.request_format)
        return second
      } finally {
        done()
      }
    },

    /** The model and the request body of the first application, to show as code. One call to 3scale. */
    async asSent(caller: Caller, form: ChatForm) {
      const { model } = await load(caller, form.applications[0], false)
      return { model, body: requests.adjustBody(model, requestBody(model, form, 0)) }
    },
  }

  async function load(caller: Caller, id: number | undefined, reveal = true) {
    if (id === undefined) throw problem('not_found')
    const { application, model } = await applications.read(caller, id, { reveal })
    if (!model || !isPlayable(model)) throw problem('not_found')
    return { application, model }
  }

  async function sendAs(model: Model, application: Application, requestBody: RequestContent) {
    return requests.readJson(model, application, {
      ...(await modelMember(model, application)),
      ...written(model, requestBody),
    })
  }

  async function bodyOf(model: Model, application: Application, form: ChatForm, side: number) {
    return { ...(await modelMember(model, application)), ...requestBody(model, form, side) }
  }

  async function modelMember(model: Model, application: Application): Promise<{ model?: string }> {
    if (!exampleCall(model).takesModel) return {}
    const id = model.model_id ?? (await modelIdOf(model, application).catch(ignoreTimeout))
    return id === undefined ? {} : { model: id }
  }
}

/** A model that is starting lists no models yet. The request has a longer time-out, and most servers have one model only. */
function ignoreTimeout(error: unknown): undefined {
  if (isProblem(error) && error.cause instanceof HttpError && error.cause.kind === 'timeout') return undefined
  throw error
}

/** A type with a view, at an address without placeholders. */
function isPlayable(model: Model): boolean {
  return playable.includes(model.type) && exampleCall(model).placeholders.length === 0
}

function requestBody(model: Model, form: ChatForm, side: number): Record<string, unknown> {
  const { prompt, parameters } = form
  if (model.type === 'completion') return written(model, { prompt, parameters })
  return written(model, { messages: buildMessages(form, side), parameters })
}
