import type { Sync } from '../backend/sync.js'
import { textOf } from '../http/params.js'
import { update } from '../http/records.js'
import { answers } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import * as show from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { applicationXml } from '../represent/xml-people.js'
import { planXml } from '../represent/xml-products.js'
import { rowWith } from '../row-index.js'
import { type Application, nextId, type Plan, type State } from '../store.js'
import { one, withApplication } from './applications.js'

const base = '/admin/api/accounts/:account/applications/:id'

/** Plan and state of an application. No rule of the stock portal is looked at: the API lets any plan of the product be had. */
export function applicationChangeRoutes(api: Api, sync: Sync): void {
  api.put(`${base}/change_plan`, (call) =>
    withApplication(call, async (record) => {
      const plan = planOf(call.state, Number(textOf(call.params, 'plan_id')))
      if (!plan) return answers.notFound
      if (plan.service_id !== record.service_id) return answers.invalid({ plan: ['not allowed in this context'] })
      if (plan.id !== record.plan_id) await move(call, record, plan)
      return shownPlan(plan, call)
    }),
  )

  api.put(`${base}/customize_plan`, (call) =>
    withApplication(call, async (record) => {
      const plan = planOf(call.state, record.plan_id)
      if (!plan) return answers.notFound
      if (plan.custom) return shownPlan(plan, call)
      const custom = await call.write(() => {
        const own = customise(call, plan)
        update(record, { plan_id: own.id }, call.clock)
        return own
      })
      sync.saveApplication(record)
      call.fire({ type: 'application', action: 'updated', record })
      return shownPlan(custom, call)
    }),
  )

  api.put(`${base}/decustomize_plan`, (call) =>
    withApplication(call, async (record) => {
      const plan = planOf(call.state, record.plan_id)
      const original = plan?.custom ? planOf(call.state, plan.original_id ?? 0) : plan
      if (!original) return answers.notFound
      if (original.id !== record.plan_id) await move(call, record, original)
      return shownPlan(original, call)
    }),
  )

  const moves = { accept: ['pending', 'live'], suspend: ['live', 'suspended'], resume: ['suspended', 'live'] } as const
  for (const [event, [from, to]] of Object.entries(moves)) {
    api.put(`${base}/${event}`, (call) =>
      withApplication(call, async (record) => {
        if (record.state !== from) return answers.cannotTransition(event)
        await call.write(() => update(record, { state: to }, call.clock))
        sync.saveApplication(record)
        call.fire({ type: 'application', action: event === 'suspend' ? 'suspended' : 'updated', record })
        return answers.ok(one(record, call), applicationXml(record, viewOf(call)))
      }),
    )
  }

  /** A plan that was customised for this application is deleted when the application leaves it. */
  async function move(call: Call, record: Application, plan: Plan): Promise<void> {
    const { state } = call
    await call.write(() => {
      const previous = planOf(state, record.plan_id)
      update(record, { plan_id: plan.id }, call.clock)
      if (previous?.custom) state.plans = state.plans.filter(({ id }) => id !== previous.id)
    })
    sync.saveApplication(record)
    call.fire({ type: 'application', action: 'plan_changed', record })
  }
}

/** Answers with the plan, not with the application. */
function shownPlan(plan: Plan, call: Call) {
  return answers.ok({ application_plan: show.plan(plan, viewOf(call)) }, planXml(plan, viewOf(call)))
}

function customise({ state, clock }: Call, plan: Plan): Plan {
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
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
    ...stamps,
  }
  state.plans.push(custom)
  return custom
}

function planOf(state: State, requested: number): Plan | undefined {
  return rowWith(state.plans, 'id', requested)
}
