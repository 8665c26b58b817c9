import { textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { recordTag } from '../http/tags.js'
import { subscription as show } from '../represent/accounts.js'
import { servicePlan as showServicePlan } from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { rowsWith, rowWith } from '../row-index.js'
import { nextId, type Service, type ServicePlan, type Subscription } from '../store.js'

const base = '/admin/api/accounts/:account/service_subscriptions'

/** Subscriptions of an account to products (porta, app/controllers/admin/api/service_subscriptions_controller.rb). JSON only. */
export function subscriptionRoutes(api: Api): void {
  api.get(
    base,
    (call) => {
      if (!call.account()) return answers.notFound
      const rows = rowsWith(call.state.subscriptions, 'account_id', call.id('account'))
      return answers.ok({
        service_subscriptions: rows.map((row) => ({ service_subscription: show(row, viewOf(call)) })),
      })
    },
    (call) => (call.account() ? recordTag(call) : undefined),
  )

  api.post(base, async (call) => {
    const account = call.account()
    if (!account) return answers.notFound
    const plan = planOf(call)
    if ('refusal' in plan) return plan.refusal
    const known = rowsWith(call.state.subscriptions, 'account_id', account.id).some(
      (row) => row.service_id === plan.service_id,
    )
    if (known) return answers.invalid({ base: ['already subscribed to this service'] })
    return call.write(() => {
      const row = addSubscription(call, account.id, plan)
      return answers.created(row.id, { service_subscription: show(row, viewOf(call), { created: true }) })
    })
  })

  api.get(`${base}/:id`, (call) => withSubscription(call, (row) => shown(row, call)))

  api.put(`${base}/:id/approve`, (call) =>
    withSubscription(call, async (row) => {
      if (row.state !== 'pending') return answers.cannotTransition('accept')
      return call.write(() => {
        update(row, { state: 'live', accepted_at: call.clock.now() }, call.clock)
        return shown(row, call)
      })
    }),
  )

  api.put(`${base}/:id/change_plan`, (call) =>
    withSubscription(call, async (row) => {
      const plan = planOf(call)
      if ('refusal' in plan) return plan.refusal
      if (plan.service_id !== row.service_id) return answers.invalid({ plan: ['must belong to the same product'] })
      return call.write(() => {
        update(row, { plan_id: plan.id }, call.clock)
        return answers.ok({ service_plan: showServicePlan(plan, viewOf(call)) })
      })
    }),
  )

  api.delete(`${base}/:id`, (call) =>
    withSubscription(call, async (row) => {
      const { state } = call
      const bought = rowsWith(state.applications, 'account_id', row.account_id).filter(
        ({ service_id }) => service_id === row.service_id,
      )
      const active = bought.filter((application) => application.state !== 'suspended').length
      if (active > 0) return answers.refused({ base: [stillUsed(active)] })
      return call.write(() => {
        state.applications = state.applications.filter((application) => !bought.includes(application))
        state.subscriptions = state.subscriptions.filter(({ id }) => id !== row.id)
        return answers.empty
      })
    }),
  )
}

/** As for a new application: the default service plan, or the first one; undefined if there is none. */
export function servicePlanToSubscribe({ state }: Call, service: Service): ServicePlan | undefined {
  const plans = rowsWith(state.servicePlans, 'service_id', service.id)
  return plans.find(({ id }) => id === service.default_service_plan_id) ?? plans[0]
}

export function isSubscribed({ state }: Call, accountId: number, service: Service): boolean {
  return rowsWith(state.subscriptions, 'account_id', accountId).some((row) => row.service_id === service.id)
}

export function addSubscription({ state, clock }: Call, account_id: number, plan: ServicePlan): Subscription {
  const now = clock.now()
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
  const requested = Number(textOf(given.attributes, 'plan_id'))
  return rowWith(call.state.servicePlans, 'id', requested) ?? { refusal: answers.notFound }
}

function withSubscription(call: Call, work: (row: Subscription) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const row = rowsWith(call.state.subscriptions, 'account_id', call.id('account')).find(
    ({ id }) => id === call.id('id'),
  )
  return row ? work(row) : answers.notFound
}

function shown(row: Subscription, call: Call): Answer {
  return answers.ok({ service_subscription: show(row, viewOf(call)) })
}

function stillUsed(count: number): string {
  return count === 1
    ? 'There is 1 unsuspended application subscribed to the service'
    : `There are ${count} unsuspended applications subscribed to the service`
}
