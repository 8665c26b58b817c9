import { Readable } from 'node:stream'
import { parseModelJson } from '../../clients/gateway/model-json.js'
import { retryAfterIn } from '../../infra/http/retry-after.js'
import { exampleCall } from '../../model-calls/example-calls.js'
import type { PreparedRequest } from '../../model-calls/gateway-requests.js'
import { parameterAdvice, type RejectedResponse } from '../../model-calls/rejected-parameters.js'
import { explainResponse } from '../../model-calls/response-messages.js'
import type { ResponseEvent } from '../../model-calls/responses/response-reader.js'
import { redactStream } from '../../model-calls/responses/stream-redaction.js'
import type { Application } from '../applications/schemas.js'
import { missingModelIdMessage } from '../models/messages.js'
import type { Model } from '../models/schemas.js'
import { createParameterAdjustments } from './parameter-adjustments.js'
import type { JsonResponse, PlaygroundDeps, RejectedCall } from './playground.js'
import { collectAnswer, type ModelAnswer } from './results.js'
import { failureMessage } from './view.js'

type Body = Record<string, unknown>

/** The start of a streamed answer. */
export interface OpenedStream {
  type: string
  body: Readable
  secrets: string[]
  /** sentences about changes of the request that the server required */
  notices: string[]
}

/** Time-out of an answer in one piece, and between two chunks of a stream. */
const IDLE_TIMEOUT_MS = 120_000
/** Time-out until a stream starts: a model that is scaled to zero loads its weights first. */
const START_TIMEOUT_MS = 300_000
/** Time-out for the text of a rejection, whose status has been received. */
const REJECTION_TIMEOUT_MS = 2000

/** Characters read of a rejection: some servers repeat the request in it. */
const MAX_REJECTION_CHARACTERS = 64 * 1024

/**
 * Sends the body of a call to a model, and repeats it at most once, or twice if the gateway adds what was left out. Every
 * method rejects with gateway_unavailable.
 */
export function createModelRequests({
  calls,
  gateway,
  refusalsOf,
}: Pick<PlaygroundDeps, 'calls' | 'gateway' | 'refusalsOf'>) {
  const adjustments = createParameterAdjustments()

  return {
    /** The body as the model server is expected to accept it. */
    adjustBody: (model: Model, body: Body): Body => adjustments.of(model).applied(body),

    /** Opens a streamed answer, or returns why there is none. */
    async open(
      model: Model,
      application: Application,
      body: Body,
      signal: AbortSignal,
    ): Promise<OpenedStream | RejectedCall> {
      const { answer, secrets, rejection, notices } = await sendAdjusted(model, application, body, async (prepared) => {
        const answer = await gateway.open({ ...prepared, signal, headMs: START_TIMEOUT_MS, idleMs: IDLE_TIMEOUT_MS })
        const rejection = isAnswerStatus(answer.status)
          ? undefined
          : { ...answer, text: await readBeginning(answer.body) }
        return { answer, secrets: prepared.secrets, rejection }
      })
      if (rejection) return toRejectedCall(rejection, model, body)
      return { type: mediaTypeOf(answer), body: answer.body, secrets, notices }
    },

    /** The same answer in one piece. */
    async readWhole(
      model: Model,
      application: Application,
      body: Body,
    ): Promise<(ModelAnswer & { ms: number }) | RejectedCall> {
      const { answer, secrets, notices } = await sendAdjusted(model, application, body, async (prepared) => {
        const answer = await gateway.call({ ...prepared, timeoutMs: IDLE_TIMEOUT_MS })
        return { answer, secrets: prepared.secrets, rejection: isAnswerStatus(answer.status) ? undefined : answer }
      })
      if (!isAnswerStatus(answer.status)) return toRejectedCall(answer, model, body)
      const redacted = redactStream(secrets, {
        type: mediaTypeOf(answer),
        body: Readable.from([Buffer.from(answer.text)]),
      })
      const { failure, ...content } = await collectAnswer(redacted)
      if (failure !== '') return { status: answer.status, message: failure, retryAfter: undefined }
      return { ...content, notice: [...notices, content.notice].filter(Boolean).join(' '), ms: answer.ms }
    },

    /** A JSON response without generated text. */
    async readJson(model: Model, application: Application, body: Body): Promise<JsonResponse | RejectedCall> {
      const answer = await gateway.call({ ...(await prepare(model, application, body)), timeoutMs: IDLE_TIMEOUT_MS })
      if (answer.status !== 200) return toRejectedCall(answer, model, body)
      return { body: parseModelJson(answer.text), text: answer.text, ms: answer.ms }
    },
  }

  /** Sends a body, and repeats it without what the portal added and the server rejects. */
  async function sendAdjusted<T extends { rejection: RejectedResponse | undefined }>(
    model: Model,
    application: Application,
    body: Body,
    send: (prepared: PreparedRequest) => Promise<T>,
  ): Promise<T & { notices: string[] }> {
    const adjustment = adjustments.of(model)
    const first = await send(await prepare(model, application, adjustment.applied(body)))
    const next = first.rejection && adjustment.after(body, first.rejection)
    if (!first.rejection || !next) return { ...first, notices: [] }
    const second = await send(await prepare(model, application, next.body))
    // A different rejection has another cause, so this change was correct.
    if (second.rejection?.text !== first.rejection.text) next.remember()
    const other =
      second.rejection && next.changes.has('no_stream_options')
        ? adjustment.after(body, second.rejection, next.changes)
        : undefined
    if (!other?.changes.has('no_stream_for_gateway')) return { ...second, notices: next.notices }
    const third = await send(await prepare(model, application, other.body))
    if (!third.rejection) other.remember()
    return { ...third, notices: other.notices }
  }

  function prepare(model: Model, application: Application, body: Body): Promise<PreparedRequest> {
    return calls.prepare(model, application, { method: 'POST', path: exampleCall(model).path, body })
  }

  function toRejectedCall(
    answer: RejectedResponse & { headers: Record<string, string> },
    model: Model,
    body: Body,
  ): RejectedCall {
    const lacksModel = [400, 404, 422].includes(answer.status) && body.model === undefined
    const message = [
      explainResponse(answer, model, refusalsOf(model.system_name)),
      parameterAdvice(body, answer),
      lacksModel ? missingModelIdMessage(model) : '',
    ]
    return {
      status: answer.status,
      message: message.filter(Boolean).join(' '),
      retryAfter: retryAfterIn(answer.headers),
    }
  }
}

/** The events of an answer that is being opened. A rejection becomes a failure event. */
export async function* streamEvents(opening: Promise<OpenedStream | RejectedCall>): AsyncGenerator<ResponseEvent[]> {
  const opened = await opening
  if ('message' in opened) return yield [{ kind: 'failure', message: failureMessage(opened) }]
  yield opened.notices.map((message) => ({ kind: 'notice', message }))
  yield* redactStream(opened.secrets, opened)
}

/** 204 and 205 have no body by definition. */
function isAnswerStatus(status: number): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205
}

function mediaTypeOf({ headers }: { headers: Record<string, string> }): string {
  return headers['content-type'] ?? ''
}

/** The part of a rejection that arrives within REJECTION_TIMEOUT_MS. */
async function readBeginning(body: Readable): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  const timer = setTimeout(() => body.destroy(), REJECTION_TIMEOUT_MS)
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      if (text.length > MAX_REJECTION_CHARACTERS) break
    }
  } catch {
    // The part before the connection was lost may contain the error.
  } finally {
    clearTimeout(timer)
  }
  return text
}
