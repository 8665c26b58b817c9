import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../../errors.js'
import { isOperator } from '../../web/caller.js'
import { callerOf } from '../../web/guard.js'
import type { Missing } from './missing.js'
import type { Runs } from './runs.js'
import { doctorView, missingView } from './view.js'

export interface DoctorPagesDeps {
  runs: Runs
  missing: Missing
  /** groups whose members look after the portal */
  operators: string[]
  adminUrl: string
  /** whom to ask, in words */
  contact: string
}

type Query = { model?: unknown; person?: unknown }

const REFRESH_SECONDS = 2

export async function doctorPages(
  app: FastifyInstance,
  { runs, missing, operators, adminUrl, contact }: DoctorPagesDeps,
) {
  app.get('/doctor', { config: { open: true } }, async (request, reply) => {
    forOperators(request)
    const { report, running } = await runs.read()
    // without a script too, until the run has ended
    if (running) reply.header('refresh', String(REFRESH_SECONDS))
    return reply.page('doctor/index', doctorView(report, { running, adminUrl, now: new Date() }))
  })

  app.post(
    '/doctor',
    { config: { open: true, weight: 20, audit: { none: 'It only reads; its calls are counted.' } } },
    async (request, reply) => {
      forOperators(request)
      await runs.start()
      return reply.redirect('/doctor', 303)
    },
  )

  /** Anybody gets the same general reasons, whatever the name: what one may not see is not told from what is not there. */
  app.get<{ Querystring: Query }>(
    '/missing-model',
    { config: { patient: true, weight: 5 } },
    async (request, reply) => {
      const [model, person] = [textOf(request.query.model), textOf(request.query.person)]
      const operator = isOperator(request.caller, operators)
      const reasons = operator && model ? await missing.explain(model, person || undefined) : []
      return reply.page('doctor/missing', missingView({ model, person, operator, reasons, contact }))
    },
  )

  /** The session is enough, as the page is needed most when 3scale answers nothing. To others there is nothing here. */
  function forOperators(request: FastifyRequest): void {
    if (!isOperator(callerOf(request), operators)) throw problem('not_found')
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim().slice(0, 255) : ''
}
