import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, type PortalError, problem } from '../../errors.js'
import { auditedApplication } from '../../web/audit.js'
import { formValues } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import type { RateLimit } from '../../web/rate-limits.js'
import type { Snippets } from '../snippets/snippets.js'
import { clientIn, conversationCode, MOST_AS_CODE } from './code-view.js'
import type { Answered, Choice, Playground, Refused } from './playground.js'
import {
  answerView,
  earlierAnswer,
  failedView,
  failureWords,
  isAnswered,
  kindOf,
  playgroundView,
  type Shown,
  type ShownTurn,
} from './view.js'
import { applicationsOf, checkTexts, lastSent, lengthOf, linesOf, turnsOf, wantedOf } from './wanted.js'

const calls = { config: { audit: 'playground.call', patient: false } } as const
const showing = { config: { audit: { none: 'shows code, calls nothing' }, patient: false } } as const

export interface PlaygroundPagesDeps {
  playground: Playground
  limit: RateLimit
  snippets: Pick<Snippets, 'clients' | 'forModel'>
}

export async function playgroundPages(app: FastifyInstance, { playground, snippets, limit }: PlaygroundPagesDeps) {
  app.get<{ Querystring: { application?: string; compare?: string } }>('/playground', async (request, reply) => {
    const { application = '', compare = '' } = request.query
    return show(request, reply, { application: String(application), compare: String(compare) }, {})
  })

  app.post('/playground', calls, async (request, reply) => {
    const values = formValues(request.body)
    auditedApplication(request, values.application)
    try {
      await limit(request, reply)
      return await show(request, reply, values, await run(request, values))
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'gateway_unavailable', 'too_many_requests')) throw error
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      const refused = error.fields ? undefined : refusedOf(error)
      const turns = turnsOf(values.turns).map(earlierTurn)
      return show(request, reply, values, { errors: error.fields ?? {}, refused, turns }, error.status)
    }
  })

  app.post('/playground/code', showing, async (request, reply) => {
    const values = formValues(request.body)
    const turns = turnsOf(values.turns).map(earlierTurn)
    try {
      await limit(request, reply)
      const wanted = wantedOf(lastSent(values))
      const { model, body } = await playground.asSent(callerOf(request), wanted)
      const client = clientIn(values, snippets.clients)
      const isShort = lengthOf(wanted) <= MOST_AS_CODE
      const [snippet] = client && isShort ? snippets.forModel(model, { body, only: client.client }) : []
      return await show(request, reply, values, { turns, code: conversationCode(snippets.clients, client, snippet) })
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'too_many_requests')) throw error
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      const refused = error.fields ? undefined : refusedOf(error)
      return show(request, reply, values, { errors: error.fields ?? {}, refused, turns }, error.status)
    }
  })

  app.post('/playground/stream', calls, async (request, reply) => {
    const values = formValues(request.body)
    auditedApplication(request, values.application)
    const leaving = new AbortController()
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) leaving.abort()
    })
    const side = values.side === '1' ? 1 : 0
    const answer = await streamed(request, reply, values, side, leaving.signal)
    reply.header('cache-control', 'no-store, no-transform')
    if ('words' in answer)
      return reply.code(answer.status >= 400 && answer.status < 600 ? answer.status : 502).send(refusalOf(answer))
    return reply.type('text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').send(answer)
  })

  async function streamed(
    request: FastifyRequest,
    reply: FastifyReply,
    values: Record<string, string>,
    side: number,
    signal: AbortSignal,
  ) {
    try {
      await limit(request, reply)
      return await playground.stream(callerOf(request), wantedOf(values), side, signal)
    } catch (error) {
      if (!isProblem(error)) throw error
      if (error.retryAfter) reply.header('retry-after', String(error.retryAfter))
      return refusedOf(error)
    }
  }

  /** The answers of a page without scripts. */
  async function run(request: FastifyRequest, values: Record<string, string>): Promise<Partial<Shown>> {
    const caller = callerOf(request)
    if (values.kind === 'embedding') {
      checkTexts(values, { input: 'Enter at least one line.' })
      const texts = linesOf(values.input)
      return resultOf(await playground.send(caller, applicationsOf(values)[0] ?? 0, { texts }))
    }
    if (values.kind === 'rerank') {
      checkTexts(values, { query: 'Enter a query.', documents: 'Enter at least one line.' })
      const query = (values.query ?? '').trim()
      const documents = linesOf(values.documents)
      return resultOf(await playground.send(caller, applicationsOf(values)[0] ?? 0, { query, documents }))
    }
    const wanted = wantedOf(values)
    const isCompared = wanted.applications.length > 1
    const answers = await Promise.all(
      wanted.applications.map(async (_, side) => {
        const answer = await playground.ask(caller, wanted, side).catch((error: unknown) => {
          // the answer of the other model is shown all the same
          if (isCompared && isProblem(error, 'gateway_unavailable')) return refusedOf(error)
          throw error
        })
        return 'status' in answer ? failedView(answer) : answerView(answer, answer.ms)
      }),
    )
    return { turns: [...wanted.turns.map(earlierTurn), { prompt: wanted.prompt, answers }] }
  }

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    values: Record<string, string>,
    result: Partial<Shown>,
    status = 200,
  ) {
    const choices = await playground.choices(callerOf(request))
    const chosen = pick(choices, values.application) ?? (values.application ? undefined : choices[0])
    if (values.application && !chosen) throw problem('not_found')
    const compared = kindOf(chosen) === 'chat' ? pick(choices, values.compare) : undefined
    const sent = result.code === undefined && status === 200 && result.turns?.slice(-1).some(isAnswered)
    const view = playgroundView({
      choices,
      chosen,
      compared,
      values: sent ? { ...values, prompt: '' } : values,
      errors: {},
      turns: [],
      ...result,
    })
    return reply.header('cache-control', 'no-store').page('playground/index', view, { status })
  }
}

function pick(choices: Choice[], id: string | undefined): Choice | undefined {
  return choices.find(({ application }) => String(application.id) === id)
}

function resultOf(answer: Answered | Refused): Partial<Shown> {
  return 'words' in answer ? { refused: answer } : { result: answer }
}

function refusedOf({ status, message, fields, retryAfter }: PortalError): Refused {
  return { status, words: Object.values(fields ?? {})[0] ?? message, retryAfter }
}

function refusalOf(refused: Refused) {
  const { status, retryAfter } = refused
  return { status, words: failureWords(refused), retry_after: retryAfter ?? null }
}

function earlierTurn({ prompt, answers }: { prompt: string; answers: string[] }): ShownTurn {
  return { prompt, answers: answers.map(earlierAnswer) }
}
