import { flagOf, textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, type Errors } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag } from '../http/tags.js'
import * as show from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { plansXml, planXml } from '../represent/xml-products.js'
import { rowsWith, rowWith } from '../row-index.js'
import { nextId, type Plan, type State } from '../store.js'
import { withService } from './services.js'

const base = '/admin/api/services/:service/application_plans'
const ATTRIBUTES = 'name system_name state_event approval_required trial_period_days cost_per_month setup_fee'.split(
  ' ',
)

/** A plan as porta's columns are by default (porta, db/schema.rb: plans); its id is given when it is stored. */
export function newPlan(service_id: number, now: number): Plan {
  return {
    id: 0,
    service_id,
    system_name: '',
    name: '',
    state: 'hidden',
    approval_required: false,
    cost_per_month: 0,
    setup_fee: 0,
    trial_period_days: 0,
    custom: false,
    limits: [],
    pricing_rules: [],
    feature_ids: [],
    created_at: now,
    updated_at: now,
  }
}

/** Application plans, hidden and customised ones too. None of these lists has pages; being the default is no part of a tag. */
export function planRoutes(api: Api): void {
  api.get(
    '/admin/api/application_plans',
    (call) => listed(ofProducts(call.state), call),
    (call) => listTag(ofProducts(call.state), call),
  )
  api.get(
    base,
    (call) => withService(call, ({ id }) => listed(rowsWith(call.state.plans, 'service_id', id), call)),
    (call) => listTag(rowsWith(call.state.plans, 'service_id', call.id('service')), call),
  )
  api.get(`${base}/:plan`, (call) => withPlan(call, (plan) => shown(plan, call)))

  api.post(base, (call) =>
    withService(call, async (service) => {
      const given = attributesOf(call)
      if ('refusal' in given) return given.refusal
      const plan = { ...newPlan(service.id, call.clock.now()), ...given.change }
      plan.system_name ||= plan.name.trim().toLowerCase().replace(/\W+/g, '_')
      const errors = { ...errorsOf(plan, call), ...given.errors }
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        plan.id = nextId(call.state, 'plan')
        call.state.plans.push(plan)
        return { ...shown(plan, call), status: 201, id: plan.id }
      })
    }),
  )

  api.update(`${base}/:plan`, (call) =>
    withPlan(call, async (plan) => {
      const given = attributesOf(call)
      if ('refusal' in given) return given.refusal
      const { system_name: _fixed, ...change } = given.change
      const errors = { ...errorsOf({ ...plan, ...change }, call), ...given.errors }
      if (change.state === plan.state)
        errors.state = [`cannot transition via "${change.state === 'published' ? 'publish' : 'hide'}"`]
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      return call.write(() => {
        update(plan, change, call.clock)
        return shown(plan, call)
      })
    }),
  )

  api.put(`${base}/:plan/default`, (call) =>
    withPlan(call, async (plan) => {
      const service = rowWith(call.state.services, 'id', plan.service_id)
      return call.write(() => {
        if (service) update(service, { default_plan_id: plan.id }, call.clock)
        return shown(plan, call)
      })
    }),
  )

  api.delete(`${base}/:plan`, (call) =>
    withPlan(call, async (plan) => {
      if (rowsWith(call.state.applications, 'service_id', plan.service_id).some((row) => row.plan_id === plan.id)) {
        const reason = 'This application plan cannot be deleted! At least one application depends on it.'
        return answers.refused({ base: [reason] })
      }
      return call.write(() => {
        call.state.plans = call.state.plans.filter(({ id }) => id !== plan.id)
        return answers.empty
      })
    }),
  )
}

/** Plans of deleted products are not shown. */
function ofProducts({ plans, services }: State): Plan[] {
  const deleted = new Set(services.filter(({ state }) => state === 'deleted').map(({ id }) => id))
  return plans.filter(({ service_id }) => !deleted.has(service_id))
}

function withPlan(call: Call, work: (plan: Plan) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const plan = rowWith(call.state.plans, 'id', call.id('plan'))
  return plan?.service_id === call.id('service') ? work(plan) : answers.notFound
}

function shown(plan: Plan, call: Call): Answer {
  return answers.ok({ application_plan: show.plan(plan, viewOf(call)) }, planXml(plan, viewOf(call)))
}

function listed(plans: readonly Plan[], call: Call): Answer {
  const json = { plans: plans.map((row) => ({ application_plan: show.plan(row, viewOf(call)) })) }
  return answers.ok(json, () => plansXml(plans, viewOf(call)))
}

function attributesOf(call: Call): { change: Partial<Plan>; errors: Errors } | { refusal: Answer } {
  const given = wrapped(call, 'application_plan', ATTRIBUTES)
  if ('refusal' in given) return given
  const { attributes } = given
  const change: Partial<Plan> = {}
  const errors: Errors = {}
  for (const name of ['name', 'system_name'] as const) {
    const text = textOf(attributes, name)
    if (text !== undefined) change[name] = text
  }
  for (const name of ['cost_per_month', 'setup_fee', 'trial_period_days'] as const) {
    const text = textOf(attributes, name)
    if (text === undefined) continue
    const amount = Number(text)
    if (text.trim() === '' || Number.isNaN(amount)) errors[name] = ['is not a number']
    else if (amount < 0) errors[name] = ['must be greater than or equal to 0.0']
    else change[name] = amount
  }
  const approval = flagOf(attributes, 'approval_required')
  if (approval !== undefined) change.approval_required = approval
  const event = textOf(attributes, 'state_event')
  if (event === 'publish' || event === 'hide') change.state = event === 'publish' ? 'published' : 'hidden'
  return { change, errors }
}

function errorsOf(plan: Plan, { state }: Call): Errors {
  const errors: Errors = {}
  if (plan.name.trim() === '') errors.name = ["can't be blank"]
  const taken = rowsWith(state.plans, 'service_id', plan.service_id).some(
    (row) => row.id !== plan.id && row.system_name === plan.system_name,
  )
  if (taken) errors.system_name = ['has already been taken']
  return errors
}
