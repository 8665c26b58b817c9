import type { FastifyInstance, FastifyRequest } from 'fastify'
import { problem } from '../../errors.js'
import { isOperator } from '../../web/auth/caller.js'
import { callerOf } from '../../web/auth/guard.js'
import type { ReportRuns } from './report-runs.js'
import { doctorView, visibilityView } from './view.js'
import type { VisibilityLookup } from './visibility.js'

export interface DoctorPagesDeps {
  runs: ReportRuns
  visibility: VisibilityLookup
  /** Groups of operators. */
  operators: string[]
  adminUrl: string
  /** How users reach the operator. */
  contact: string
}

type Query = { model?: unknown; user?: unknown }

const REFRESH_SECONDS = 2

export async function doctorPages(
  app: FastifyInstance,
  { runs, visibility, operators, adminUrl, contact }: DoctorPagesDeps,
) {
  app.get('/doctor', { config: { open: true } }, async (request, reply) => {
    assertOperator(request)
    const { report, running } = await runs.read()
    // Refreshes the page without JavaScript until the run has ended.
    if (running) reply.header('refresh', String(REFRESH_SECONDS))
    return reply.page('doctor/index', doctorView(report, { running, adminUrl, now: new Date() }))
  })

  app.post(
    '/doctor',
    { config: { open: true, weight: 20, audit: { none: 'It only reads; its calls are counted.' } } },
    async (request, reply) => {
      assertOperator(request)
      await runs.start()
      return reply.redirect('/doctor', 303)
    },
  )

  /** Users get the same general reasons for every name, so a hidden model cannot be distinguished from a missing one. */
  app.get<{ Querystring: Query }>(
    '/missing-model',
    { config: { deadline: false, weight: 5 } },
    async (request, reply) => {
      const [model, user] = [textOf(request.query.model), textOf(request.query.user)]
      const operator = isOperator(request.caller, operators)
      const reasons = operator && model ? await visibility.explain(model, user || undefined) : []
      return reply.page('doctor/visibility', visibilityView({ model, user, operator, reasons, contact }))
    },
  )

  /** The session is sufficient, because the page must work while 3scale is down. Other users get 404. */
  function assertOperator(request: FastifyRequest): void {
    if (!isOperator(callerOf(request), operators)) throw problem('not_found')
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim().slice(0, 255) : ''
}
