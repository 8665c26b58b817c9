import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem } from '../../../errors.js'
import { offerResubmission } from '../../../idempotency/form-resubmission.js'
import { idOf } from '../../../web/api/validation/ids.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import { callerOf } from '../../../web/auth/guard.js'
import { formValues } from '../../../web/pages/forms.js'
import { planChanged, planErrors, planPage } from './messages.js'
import type { PlanChanges } from './plan-changes.js'
import { planView } from './view.js'

const path = '/applications/:id/plan'

/** Compares two plans before the change. */
export async function planPages(app: FastifyInstance, { planChanges }: { planChanges: PlanChanges }) {
  app.get(path, async (request, reply) => renderPlan(request, reply, formValues(request.query).plan))

  app.post(path, { config: { audit: 'application.change_plan' } }, async (request, reply) => {
    const values = formValues(request.body)
    return offerResubmission(reply, resubmission(request, values), async () => {
      const plan = values.plan ?? ''
      const changed = await planChanges.change(callerOf(request), idOf(request), plan).catch(ignoreUnknownPlan)
      if (!changed) return renderPlan(request, reply, plan)
      const { application, before, outcome } = changed
      const event = outcome === 'requested' ? 'application.request_plan' : 'application.change_plan'
      annotateAudit(request, { event, detail: { plan, plan_before: before } })
      reply.flash(outcome === 'requested' ? 'info' : 'success', planChanged[outcome](application.plan_name))
      return reply.redirect(`/applications/${application.id}${outcome === 'requested' ? '/plan' : ''}`, 303)
    })
  })

  async function renderPlan(request: FastifyRequest, reply: FastifyReply, plan: string | undefined) {
    const compare = (name: string | undefined) => planChanges.compare(callerOf(request), idOf(request), name)
    const comparison = await compare(plan || undefined).catch(ignoreUnknownPlan)
    const view = planView(comparison ?? (await compare(undefined)), comparison ? '' : planErrors.unknown)
    return reply.page('applications/plan', view, { status: comparison ? 200 : 422 })
  }
}

function ignoreUnknownPlan(error: unknown): undefined {
  if (isProblem(error, 'invalid_fields')) return undefined
  throw error
}

function resubmission(request: FastifyRequest, values: Record<string, string>) {
  const back = `/applications/${idOf(request)}`
  return { ...planPage.resubmission, back, action: `${back}/plan`, labels: {}, values }
}
