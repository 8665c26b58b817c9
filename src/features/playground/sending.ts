import { Readable } from 'node:stream'
import { jsonFrom } from '../../clients/bounded-json.js'
import { retryAfterIn } from '../../clients/retry-after.js'
import type { AnswerEvent } from '../../model-calls/answer-reader.js'
import { callOf } from '../../model-calls/example-calls.js'
import { adviceFor, type Refusal } from '../../model-calls/refused-parameters.js'
import type { Prepared } from '../applications/model-calls.js'
import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { withoutIdWords } from '../models/words.js'
import { createAdjustments } from './adjustments.js'
import type { Answered, PlaygroundDeps, Refused } from './playground.js'
import { collected, type Said } from './results.js'
import { spokenWithout } from './spoken.js'
import { failureWords } from './view.js'

type Body = Record<string, unknown>

/** The beginning of a streamed answer. */
export interface Opened {
  type: string
  body: Readable
  secrets: string[]
  /** what was changed for the server to accept it, in sentences */
  notes: string[]
}

/** The longest that an answer in one piece is waited for, and a stream between two pieces. */
const LONG_MS = 120_000
/** The longest that a stream may take to begin: a model that is scaled to zero loads its weights first. */
const START_MS = 300_000
/** for the text of a refusal, whose status is known */
const REFUSAL_MS = 2000

/** Characters of a refusal that are read: some servers repeat the request in it. */
const LONGEST_REFUSAL = 64 * 1024

/**
 * Sends the body of a call to a model, and again at most once; twice where the gateway adds what was left out. All reject
 * with gateway_unavailable.
 */
export function createSending({ calls, gateway, wordsFor }: Pick<PlaygroundDeps, 'calls' | 'gateway' | 'wordsFor'>) {
  const adjustments = createAdjustments()

  return {
    /** The body as the model server is known to accept it. */
    asAccepted: (model: Model, body: Body): Body => adjustments.of(model).applied(body),

    /** The head of a streamed answer, or why there is none. */
    async open(model: Model, application: Application, body: Body, signal: AbortSignal): Promise<Opened | Refused> {
      const { answer, secrets, refused, notes } = await accepted(model, application, body, async (prepared) => {
        const answer = await gateway.open({ ...prepared, signal, headMs: START_MS, idleMs: LONG_MS })
        const refused = isAnswer(answer.status) ? undefined : { ...answer, text: await beginningOf(answer.body) }
        return { answer, secrets: prepared.secrets, refused }
      })
      if (refused) return refusedBy(refused, model, body)
      return { type: typeOf(answer), body: answer.body, secrets, notes }
    },

    /** The same answer in one piece. */
    async whole(model: Model, application: Application, body: Body): Promise<(Said & { ms: number }) | Refused> {
      const { answer, secrets, notes } = await accepted(model, application, body, async (prepared) => {
        const answer = await gateway.call({ ...prepared, timeoutMs: LONG_MS })
        return { answer, secrets: prepared.secrets, refused: isAnswer(answer.status) ? undefined : answer }
      })
      if (!isAnswer(answer.status)) return refusedBy(answer, model, body)
      const spoken = spokenWithout(secrets, { type: typeOf(answer), body: Readable.from([Buffer.from(answer.text)]) })
      const { failure, ...said } = await collected(spoken)
      if (failure !== '') return { status: answer.status, words: failure, retryAfter: undefined }
      return { ...said, words: [...notes, said.words].filter(Boolean).join(' '), ms: answer.ms }
    },

    /** An answer that is JSON of another kind than text. */
    async json(model: Model, application: Application, body: Body): Promise<Answered | Refused> {
      const answer = await gateway.call({ ...(await prepare(model, application, body)), timeoutMs: LONG_MS })
      if (answer.status !== 200) return refusedBy(answer, model, body)
      return { body: jsonFrom(answer.text), text: answer.text, ms: answer.ms }
    },
  }

  /** Sends a body, and again without what the portal added and the server rejects. */
  async function accepted<T extends { refused: Refusal | undefined }>(
    model: Model,
    application: Application,
    body: Body,
    send: (prepared: Prepared) => Promise<T>,
  ): Promise<T & { notes: string[] }> {
    const known = adjustments.of(model)
    const sent = await send(await prepare(model, application, known.applied(body)))
    const next = sent.refused && known.after(body, sent.refused)
    if (!sent.refused || !next) return { ...sent, notes: [] }
    const again = await send(await prepare(model, application, next.body))
    // another refusal is about something else, so this change was right
    if (again.refused?.text !== sent.refused.text) next.keep()
    const other =
      again.refused && next.changes.has('no_stream_options')
        ? known.after(body, again.refused, next.changes)
        : undefined
    if (!other?.changes.has('no_stream_for_gateway')) return { ...again, notes: next.notices }
    const whole = await send(await prepare(model, application, other.body))
    if (!whole.refused) other.keep()
    return { ...whole, notes: other.notices }
  }

  function prepare(model: Model, application: Application, body: Body): Promise<Prepared> {
    return calls.prepare(model, application, { method: 'POST', path: callOf(model).path, body })
  }

  function refusedBy(answer: Refusal & { headers: Record<string, string> }, model: Model, body: Body): Refused {
    const isUnnamed = [400, 404, 422].includes(answer.status) && body.model === undefined
    const unnamed = isUnnamed ? withoutIdWords(model) : ''
    const words = [wordsFor(answer, model), adviceFor(body, answer), unnamed].filter(Boolean).join(' ')
    return { status: answer.status, words, retryAfter: retryAfterIn(answer.headers) }
  }
}

/** The events of an answer that is being opened; a refusal becomes a failure. */
export async function* answerOf(opening: Promise<Opened | Refused>): AsyncGenerator<AnswerEvent[]> {
  const opened = await opening
  if ('words' in opened) return yield [{ kind: 'failure', words: failureWords(opened) }]
  yield opened.notes.map((words) => ({ kind: 'notice', words }))
  yield* spokenWithout(opened.secrets, opened)
}

/** 204 and 205 have no body by definition. */
function isAnswer(status: number): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205
}

function typeOf({ headers }: { headers: Record<string, string> }): string {
  return headers['content-type'] ?? ''
}

/** The part of a refusal that arrives within REFUSAL_MS. */
async function beginningOf(body: Readable): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  const late = setTimeout(() => body.destroy(), REFUSAL_MS)
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      if (text.length > LONGEST_REFUSAL) break
    }
  } catch {
    // the part before the break may contain the error
  } finally {
    clearTimeout(late)
  }
  return text
}
