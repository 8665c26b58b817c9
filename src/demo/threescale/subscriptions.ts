import { type Answer, answers } from './answers.js'
import { update } from './fields.js'
import { textOf, wrapped } from './params.js'
import { servicePlan as showServicePlan } from './represent/catalogue.js'
import { subscription as show } from './represent/people.js'
import type { Api, Call } from './router.js'
import { nextId, type Service, type ServicePlan, type State, type Subscription } from './store.js'

const base = '/admin/api/accounts/:account/service_subscriptions'

/** Subscriptions of an account to products (porta, app/controllers/admin/api/service_subscriptions_controller.rb). JSON only. */
export function subscriptionRoutes(api: Api): void {
  api.get(base, (call) => {
    if (!call.account()) return answers.notFound
    const rows = call.state.subscriptions.filter(({ account_id }) => account_id === call.id('account'))
    return answers.ok({ service_subscriptions: rows.map((row) => ({ service_subscription: show(row) })) })
  })

  api.post(base, (call) => {
    const account = call.account()
    if (!account) return answers.notFound
    const plan = planOf(call)
    if ('refusal' in plan) return plan.refusal
    const known = call.state.subscriptions.some(
      (row) => row.account_id === account.id && row.service_id === plan.service_id,
    )
    if (known) return answers.invalid({ base: ['already subscribed to this service'] })
    const row = add(call.state, account.id, plan)
    return answers.created(row.id, { service_subscription: show(row) })
  })

  api.get(`${base}/:id`, (call) => withSubscription(call, shown))

  api.put(`${base}/:id/approve`, (call) =>
    withSubscription(call, (row) => {
      if (row.state !== 'pending') return answers.cannotTransition('accept')
      update(row, { state: 'live' })
      return shown(row)
    }),
  )

  api.put(`${base}/:id/change_plan`, (call) =>
    withSubscription(call, (row) => {
      const plan = planOf(call)
      if ('refusal' in plan) return plan.refusal
      if (plan.service_id !== row.service_id) return answers.invalid({ plan: ['must belong to the same product'] })
      update(row, { plan_id: plan.id })
      return answers.ok({ service_plan: showServicePlan(plan, call.state, call.host) })
    }),
  )

  api.delete(`${base}/:id`, (call) =>
    withSubscription(call, (row) => {
      const { state } = call
      const bought = state.applications.filter(
        ({ account_id, service_id }) => account_id === row.account_id && service_id === row.service_id,
      )
      const active = bought.filter((application) => application.state !== 'suspended').length
      if (active > 0) return answers.refused({ base: [stillUsed(active)] })
      state.applications = state.applications.filter((application) => !bought.includes(application))
      state.subscriptions = state.subscriptions.filter(({ id }) => id !== row.id)
      return answers.empty
    }),
  )
}

/** As making an application does: the default service plan, else the first; false where there is none. */
export function subscribe(state: State, accountId: number, service: Service): boolean {
  if (state.subscriptions.some((row) => row.account_id === accountId && row.service_id === service.id)) return true
  const plans = state.servicePlans.filter(({ service_id }) => service_id === service.id)
  const plan = plans.find(({ id }) => id === service.default_service_plan_id) ?? plans[0]
  if (plan) add(state, accountId, plan)
  return plan !== undefined
}

function add(state: State, account_id: number, plan: ServicePlan): Subscription {
  const now = Date.now()
  const row: Subscription = {
    id: nextId(state, 'cinstance'),
    account_id,
    service_id: plan.service_id,
    plan_id: plan.id,
    state: plan.approval_required ? 'pending' : 'live',
    created_at: now,
    updated_at: now,
  }
  state.subscriptions.push(row)
  return row
}

function planOf(call: Call): ServicePlan | { refusal: Answer } {
  const given = wrapped(call, 'service_subscription', ['plan_id'])
  if ('refusal' in given) return given
  const wanted = Number(textOf(given.attributes, 'plan_id'))
  return call.state.servicePlans.find(({ id }) => id === wanted) ?? { refusal: answers.notFound }
}

function withSubscription(call: Call, work: (row: Subscription) => Answer): Answer {
  const row = call.state.subscriptions.find(
    ({ id, account_id }) => id === call.id('id') && account_id === call.id('account'),
  )
  return row ? work(row) : answers.notFound
}

function shown(row: Subscription): Answer {
  return answers.ok({ service_subscription: show(row) })
}

function stillUsed(count: number): string {
  return count === 1
    ? 'There is 1 unsuspended application subscribed to the service'
    : `There are ${count} unsuspended applications subscribed to the service`
}
