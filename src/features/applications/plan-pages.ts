import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import { formValues } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import { idOf } from '../../web/ids.js'
import type { PlanChanges } from './plan-changes.js'
import { planView } from './plan-view.js'
import { orAgain } from './requests.js'

const place = '/applications/:id/plan'

/** What changes with another plan, shown before it is changed. */
export async function planPages(app: FastifyInstance, { planChanges }: { planChanges: PlanChanges }) {
  app.get(place, async (request, reply) => planPage(request, reply, formValues(request.query).plan))

  app.post(place, { config: { audit: 'application.change_plan' } }, async (request, reply) => {
    const values = formValues(request.body)
    return orAgain(reply, formFor(request, values), async () => {
      const plan = values.plan ?? ''
      const changed = await planChanges.change(callerOf(request), idOf(request), plan).catch(unknownPlan)
      if (!changed) return planPage(request, reply, plan)
      const { application, before, outcome } = changed
      const event = outcome === 'requested' ? 'application.request_plan' : 'application.change_plan'
      audited(request, { event, detail: { plan, plan_before: before } })
      reply.flash(outcome === 'requested' ? 'info' : 'success', sentences[outcome](application.plan_name))
      return reply.redirect(`/applications/${application.id}${outcome === 'requested' ? '/plan' : ''}`, 303)
    })
  })

  async function planPage(request: FastifyRequest, reply: FastifyReply, plan: string | undefined) {
    const compare = (name: string | undefined) => planChanges.compare(callerOf(request), idOf(request), name)
    const comparison = await compare(plan || undefined).catch(unknownPlan)
    const view = planView(comparison ?? (await compare(undefined)), comparison ? '' : 'There is no such plan.')
    return reply.page('applications/plan', view, { status: comparison ? 200 : 422 })
  }
}

function unknownPlan(error: unknown): undefined {
  if (isProblem(error, 'invalid_fields')) return undefined
  throw error
}

const sentences = {
  changed: (plan: string) => `The plan is ${plan} now.`,
  same: (plan: string) => `The plan is ${plan} already.`,
  requested: () => 'Your wish is with the operator. The plan stays as it is until they change it.',
}

function formFor(request: FastifyRequest, values: Record<string, string>) {
  const back = `/applications/${idOf(request)}`
  return { title: 'Not changed yet', back, action: `${back}/plan`, button: 'Send it again', labels: {}, values }
}
