import { answers } from './answers.js'
import { one, withApplication } from './applications.js'
import { update } from './fields.js'
import { textOf } from './params.js'
import * as show from './represent/catalogue.js'
import type { Api, Call } from './router.js'
import { type Application, nextId, type Plan, type State } from './store.js'
import { applicationXml, planXml } from './xml.js'

const base = '/admin/api/accounts/:account/applications/:id'

/** Plan and state of an application. No rule of the stock portal is looked at: the API lets any plan of the product be had. */
export function applicationChangeRoutes(api: Api): void {
  api.put(`${base}/change_plan`, (call) =>
    withApplication(call, (record) => {
      const plan = planOf(call.state, Number(textOf(call.params, 'plan_id')))
      if (!plan) return answers.notFound
      if (plan.service_id !== record.service_id) return answers.invalid({ plan: ['not allowed in this context'] })
      move(call.state, record, plan)
      return shownPlan(plan, call)
    }),
  )

  api.put(`${base}/customize_plan`, (call) =>
    withApplication(call, (record) => {
      const plan = planOf(call.state, record.plan_id)
      if (!plan) return answers.notFound
      const custom = plan.custom ? plan : customise(call.state, plan)
      update(record, { plan_id: custom.id })
      return shownPlan(custom, call)
    }),
  )

  api.put(`${base}/decustomize_plan`, (call) =>
    withApplication(call, (record) => {
      const plan = planOf(call.state, record.plan_id)
      const original = plan?.custom ? planOf(call.state, plan.original_id ?? 0) : plan
      if (!original) return answers.notFound
      move(call.state, record, original)
      return shownPlan(original, call)
    }),
  )

  const moves = { accept: ['pending', 'live'], suspend: ['live', 'suspended'], resume: ['suspended', 'live'] } as const
  for (const [event, [from, to]] of Object.entries(moves)) {
    api.put(`${base}/${event}`, (call) =>
      withApplication(call, (record) => {
        if (record.state !== from) return answers.cannotTransition(event)
        update(record, { state: to })
        return answers.ok(one(record, call), applicationXml(record, call.state))
      }),
    )
  }
}

/** Answers with the plan, not with the application. */
function shownPlan(plan: Plan, { state, host }: Call) {
  return answers.ok({ application_plan: show.plan(plan, state, host) }, planXml(plan, state))
}

/** A plan that was made for this application goes when it is left. */
function move(state: State, record: Application, plan: Plan): void {
  const old = planOf(state, record.plan_id)
  update(record, { plan_id: plan.id })
  if (old?.custom && old.id !== plan.id) state.plans = state.plans.filter(({ id }) => id !== old.id)
}

function customise(state: State, plan: Plan): Plan {
  const now = Date.now()
  const custom: Plan = {
    ...structuredClone(plan),
    id: nextId(state, 'plan'),
    name: `${plan.name} (custom)`,
    system_name: `${plan.system_name}_custom_${now}`,
    state: 'hidden',
    custom: true,
    original_id: plan.id,
    limits: plan.limits.map((limit) => ({ ...limit, id: nextId(state, 'limit') })),
    pricing_rules: plan.pricing_rules.map((rule) => ({ ...rule, id: nextId(state, 'pricing_rule') })),
    created_at: now,
    updated_at: now,
  }
  state.plans.push(custom)
  return custom
}

function planOf(state: State, wanted: number): Plan | undefined {
  return state.plans.find(({ id }) => id === wanted)
}
