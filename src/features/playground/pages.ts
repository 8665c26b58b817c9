import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, type PortalError, problem } from '../../errors.js'
import { annotateAuditApplication } from '../../web/audit/audit.js'
import { callerOf } from '../../web/auth/guard.js'
import type { RateLimit } from '../../web/limits/rate-limits.js'
import { formValues } from '../../web/pages/forms.js'
import type { Snippets } from '../snippets/snippets.js'
import {
  conversationLength,
  lastExchange,
  parseApplicationIds,
  parseChatForm,
  parseLines,
  parseTurns,
  validateTexts,
} from './chat-form.js'
import { conversationCodeView, MAX_CODE_CHARACTERS, selectClient } from './code-view.js'
import { fieldErrors } from './messages.js'
import type { JsonResponse, Playground, PlaygroundChoice, RejectedCall } from './playground.js'
import {
  answerView,
  type DisplayedTurn,
  failureMessage,
  failureView,
  isAnswered,
  modeOf,
  type PlaygroundPage,
  playgroundView,
  previousAnswer,
} from './view.js'

const callConfig = { config: { audit: 'playground.call', deadline: true } } as const
const codeConfig = { config: { audit: { none: 'shows code, calls nothing' }, deadline: true } } as const

export interface PlaygroundPagesDeps {
  playground: Playground
  limit: RateLimit
  snippets: Pick<Snippets, 'clients' | 'forModel'>
}

export async function playgroundPages(app: FastifyInstance, { playground, snippets, limit }: PlaygroundPagesDeps) {
  app.get<{ Querystring: { application?: string; compare?: string } }>('/playground', async (request, reply) => {
    const { application = '', compare = '' } = request.query
    return render(request, reply, { application: String(application), compare: String(compare) }, {})
  })

  app.post('/playground', callConfig, async (request, reply) => {
    const values = formValues(request.body)
    annotateAuditApplication(request, values.application)
    try {
      limit(request, reply)
      return await render(request, reply, values, await run(request, values))
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'gateway_unavailable', 'too_many_requests')) throw error
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      const rejection = error.fields ? undefined : rejectionOf(error)
      const turns = parseTurns(values.turns).map(previousTurn)
      return render(request, reply, values, { errors: error.fields ?? {}, rejection, turns }, error.status)
    }
  })

  app.post('/playground/code', codeConfig, async (request, reply) => {
    const values = formValues(request.body)
    const turns = parseTurns(values.turns).map(previousTurn)
    try {
      limit(request, reply)
      const form = parseChatForm(lastExchange(values))
      const { model, body } = await playground.asSent(callerOf(request), form)
      const client = selectClient(values, snippets.clients)
      const isShort = conversationLength(form) <= MAX_CODE_CHARACTERS
      const [snippet] = client && isShort ? snippets.forModel(model, { body, only: client.client }) : []
      return await render(request, reply, values, {
        turns,
        code: conversationCodeView(snippets.clients, client, snippet),
      })
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'too_many_requests')) throw error
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      const rejection = error.fields ? undefined : rejectionOf(error)
      return render(request, reply, values, { errors: error.fields ?? {}, rejection, turns }, error.status)
    }
  })

  app.post('/playground/stream', callConfig, async (request, reply) => {
    const values = formValues(request.body)
    annotateAuditApplication(request, values.application)
    const disconnected = new AbortController()
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) disconnected.abort()
    })
    const side = values.side === '1' ? 1 : 0
    const answer = await openStream(request, reply, values, side, disconnected.signal)
    reply.header('cache-control', 'no-store, no-transform')
    if ('message' in answer)
      return reply
        .code(answer.status >= 400 && answer.status < 600 ? answer.status : 502)
        .send(serializeRejection(answer))
    return reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').send(answer)
  })

  async function openStream(
    request: FastifyRequest,
    reply: FastifyReply,
    values: Record<string, string>,
    side: number,
    signal: AbortSignal,
  ) {
    try {
      limit(request, reply)
      return await playground.stream(callerOf(request), parseChatForm(values), side, signal)
    } catch (error) {
      if (!isProblem(error)) throw error
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      return rejectionOf(error)
    }
  }

  /** Runs the submitted form on pages without scripts. */
  async function run(request: FastifyRequest, values: Record<string, string>): Promise<Partial<PlaygroundPage>> {
    const caller = callerOf(request)
    if (values.kind === 'embedding') {
      validateTexts(values, { input: fieldErrors.lineRequired })
      const texts = parseLines(values.input)
      return toResult(await playground.send(caller, parseApplicationIds(values)[0] ?? 0, { texts }))
    }
    if (values.kind === 'rerank') {
      validateTexts(values, { query: fieldErrors.queryRequired, documents: fieldErrors.lineRequired })
      const query = (values.query ?? '').trim()
      const documents = parseLines(values.documents)
      return toResult(await playground.send(caller, parseApplicationIds(values)[0] ?? 0, { query, documents }))
    }
    const form = parseChatForm(values)
    const isCompared = form.applications.length > 1
    const answers = await Promise.all(
      form.applications.map(async (_, side) => {
        const answer = await playground.ask(caller, form, side).catch((error: unknown) => {
          // The answer of the other model is shown anyway.
          if (isCompared && isProblem(error, 'gateway_unavailable')) return rejectionOf(error)
          throw error
        })
        return 'status' in answer ? failureView(answer) : answerView(answer, answer.ms)
      }),
    )
    return { turns: [...form.turns.map(previousTurn), { prompt: form.prompt, answers }] }
  }

  async function render(
    request: FastifyRequest,
    reply: FastifyReply,
    values: Record<string, string>,
    result: Partial<PlaygroundPage>,
    status = 200,
  ) {
    const choices = await playground.choices(callerOf(request))
    const selected = findChoice(choices, values.application) ?? (values.application ? undefined : choices[0])
    if (values.application && !selected) throw problem('not_found')
    const compared = modeOf(selected) === 'chat' ? findChoice(choices, values.compare) : undefined
    const isSent = result.code === undefined && status === 200 && result.turns?.slice(-1).some(isAnswered)
    const view = playgroundView({
      choices,
      selected,
      compared,
      values: isSent ? { ...values, prompt: '' } : values,
      errors: {},
      turns: [],
      ...result,
    })
    return reply.header('cache-control', 'no-store').page('playground/index', view, { status })
  }
}

function findChoice(choices: PlaygroundChoice[], id: string | undefined): PlaygroundChoice | undefined {
  return choices.find(({ application }) => String(application.id) === id)
}

function toResult(answer: JsonResponse | RejectedCall): Partial<PlaygroundPage> {
  return 'message' in answer ? { rejection: answer } : { result: answer }
}

function rejectionOf({ status, message, fields, retryAfter }: PortalError): RejectedCall {
  return { status, message: Object.values(fields ?? {})[0] ?? message, retryAfter }
}

function serializeRejection(rejection: RejectedCall) {
  const { status, retryAfter } = rejection
  return { status, message: failureMessage(rejection), retry_after: retryAfter ?? null }
}

function previousTurn({ prompt, answers }: { prompt: string; answers: string[] }): DisplayedTurn {
  return { prompt, answers: answers.map(previousAnswer) }
}
