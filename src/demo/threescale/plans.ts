import { type Answer, answers, type Errors } from './answers.js'
import { withService } from './catalogue.js'
import { update } from './fields.js'
import { flagOf, textOf, wrapped } from './params.js'
import * as show from './represent/catalogue.js'
import type { Api, Call } from './router.js'
import { nextId, type Plan } from './store.js'
import { plansXml, planXml } from './xml.js'

const base = '/admin/api/services/:service/application_plans'
const ATTRIBUTES = 'name system_name state_event approval_required trial_period_days cost_per_month setup_fee'.split(
  ' ',
)

/** Application plans, hidden and customised ones too, and service plans. None of these lists has pages. */
export function planRoutes(api: Api): void {
  api.get('/admin/api/application_plans', (call) => listed(call.state.plans, call))
  api.get(base, (call) => withService(call, ({ id }) => listed(call.state.plans.filter(ofService(id)), call)))
  api.get(`${base}/:plan`, (call) => withPlan(call, (plan) => shown(plan, call)))

  api.post(base, (call) =>
    withService(call, (service) => {
      const given = attributesOf(call)
      if ('refusal' in given) return given.refusal
      const now = Date.now()
      const plan: Plan = {
        id: 0,
        service_id: service.id,
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
        ...given.change,
      }
      plan.system_name ||= plan.name.trim().toLowerCase().replace(/\W+/g, '_')
      const errors = { ...errorsOf(plan, call), ...given.errors }
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      plan.id = nextId(call.state, 'plan')
      call.state.plans.push(plan)
      return { ...shown(plan, call), status: 201, id: plan.id }
    }),
  )

  api.update(`${base}/:plan`, (call) =>
    withPlan(call, (plan) => {
      const given = attributesOf(call)
      if ('refusal' in given) return given.refusal
      const { system_name: _fixed, ...change } = given.change
      const errors = { ...errorsOf({ ...plan, ...change }, call), ...given.errors }
      if (change.state === plan.state)
        errors.state = [`cannot transition via "${change.state === 'published' ? 'publish' : 'hide'}"`]
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      update(plan, change)
      return shown(plan, call)
    }),
  )

  api.put(`${base}/:plan/default`, (call) =>
    withPlan(call, (plan) => {
      const service = call.state.services.find(({ id }) => id === plan.service_id)
      if (service) update(service, { default_plan_id: plan.id })
      return shown(plan, call)
    }),
  )

  api.delete(`${base}/:plan`, (call) =>
    withPlan(call, (plan) => {
      if (call.state.applications.some(({ plan_id }) => plan_id === plan.id)) {
        const reason = 'This application plan cannot be deleted! At least one application depends on it.'
        return answers.refused({ base: [reason] })
      }
      call.state.plans = call.state.plans.filter(({ id }) => id !== plan.id)
      return answers.empty
    }),
  )

  api.get('/admin/api/service_plans', (call) => listedServicePlans(() => true, call))
  api.get('/admin/api/services/:service/service_plans', (call) =>
    withService(call, ({ id }) => listedServicePlans(ofService(id), call)),
  )
  api.put('/admin/api/services/:service/service_plans/:plan/default', (call) =>
    withService(call, (service) => {
      const plan = call.state.servicePlans.find((row) => ofService(service.id)(row) && row.id === call.id('plan'))
      if (!plan) return answers.notFound
      update(service, { default_service_plan_id: plan.id })
      return answers.ok({ service_plan: show.servicePlan(plan, call.state, call.host) })
    }),
  )
}

function ofService(wanted: number) {
  return ({ service_id }: { service_id: number }) => service_id === wanted
}

function withPlan(call: Call, work: (plan: Plan) => Answer): Answer {
  const plan = call.state.plans.find((row) => row.id === call.id('plan') && row.service_id === call.id('service'))
  return plan ? work(plan) : answers.notFound
}

function shown(plan: Plan, { state, host }: Call): Answer {
  return answers.ok({ application_plan: show.plan(plan, state, host) }, planXml(plan, state))
}

function listed(plans: Plan[], { state, host }: Call): Answer {
  const json = { plans: plans.map((row) => ({ application_plan: show.plan(row, state, host) })) }
  return answers.ok(json, plansXml(plans, state))
}

function listedServicePlans(wanted: (plan: { service_id: number }) => boolean, { state, host }: Call): Answer {
  const rows = state.servicePlans.filter(wanted)
  return answers.ok({ plans: rows.map((row) => ({ service_plan: show.servicePlan(row, state, host) })) })
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
  const taken = state.plans.some(
    (row) => row.id !== plan.id && row.service_id === plan.service_id && row.system_name === plan.system_name,
  )
  if (taken) errors.system_name = ['has already been taken']
  return errors
}
