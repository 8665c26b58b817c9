import { flagOf, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import { servicePlan as show } from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { rowsWith, rowWith } from '../row-index.js'
import type { ServicePlan } from '../store.js'
import { withService } from './services.js'

const base = '/admin/api/services/:service/service_plans'

/** Service plans; one is created with each product. */
export function servicePlanRoutes(api: Api): void {
  api.get(
    '/admin/api/service_plans',
    (call) => listed(call.state.servicePlans, call),
    (call) => listTag(call.state.servicePlans, call),
  )
  api.get(base, (call) =>
    withService(call, ({ id }) => listed(rowsWith(call.state.servicePlans, 'service_id', id), call)),
  )
  api.get(`${base}/:plan`, (call) => withPlan(call, (plan) => shown(plan, call)))

  api.update(`${base}/:plan`, (call) =>
    withPlan(call, async (plan) => {
      const given = wrapped(call, 'service_plan', ['name', 'approval_required', 'state_event'])
      if ('refusal' in given) return given.refusal
      const approval = flagOf(given.attributes, 'approval_required')
      const event = textOf(given.attributes, 'state_event')
      const state = event === 'publish' ? 'published' : event === 'hide' ? 'hidden' : plan.state
      return call.write(() => {
        update(
          plan,
          {
            name: textOf(given.attributes, 'name') ?? plan.name,
            state,
            approval_required: approval ?? plan.approval_required,
          },
          call.clock,
        )
        return shown(plan, call)
      })
    }),
  )

  api.put(`${base}/:plan/default`, (call) =>
    withPlan(call, async (plan) => {
      const service = rowWith(call.state.services, 'id', plan.service_id)
      return call.write(() => {
        if (service) update(service, { default_service_plan_id: plan.id }, call.clock)
        return shown(plan, call)
      })
    }),
  )
}

function withPlan(call: Call, work: (plan: ServicePlan) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  return withService(call, (service) => {
    const plan = rowsWith(call.state.servicePlans, 'service_id', service.id).find(({ id }) => id === call.id('plan'))
    return plan ? work(plan) : answers.notFound
  })
}

function listed(rows: readonly ServicePlan[], call: Call): Answer {
  return answers.ok({ plans: rows.map((row) => ({ service_plan: show(row, viewOf(call)) })) })
}

function shown(plan: ServicePlan, call: Call): Answer {
  return answers.ok({ service_plan: show(plan, viewOf(call)) })
}
