import { accountErrors } from './accounts.js'
import { answers, type Errors } from './answers.js'
import { definedFields, fieldErrors } from './fields.js'
import { type Params, textOf } from './params.js'
import * as show from './represent/people.js'
import type { Api } from './router.js'
import { type Account, nextId, type Plan, type State } from './store.js'
import { newUser, passwordsOf, userErrors } from './users.js'
import { accountXml } from './xml.js'

/** Account, first user, subscriptions and applications at once (porta, app/controllers/admin/api/signups_controller.rb). */
export function signupRoutes(api: Api): void {
  api.post('/admin/api/signup', ({ params, state, host }) => {
    const orgName = textOf(params, 'org_name') ?? textOf(params, 'name') ?? ''
    const username = (textOf(params, 'username') ?? '').trim()
    const email = textOf(params, 'email')
    const errors = signupErrors(state, params, orgName, username, email)
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    const plans = plansOf(state, params)
    if (!plans) return answers.notFound
    // without a password the user is left to activate; with one only an account plan with approval holds them back
    const active = Boolean(textOf(params, 'password')) && state.settings.account_approval_required !== true
    const account = newAccount(state, orgName, active ? 'approved' : 'created', params)
    newUser(state, {
      account_id: account.id,
      username,
      ...(email ? { email } : {}),
      role: 'admin',
      state: active ? 'active' : 'pending',
      fields: definedFields(state, 'User', params),
    })
    for (const plan of plans) contract(state, account, plan)
    return answers.created(account.id, { account: show.account(account, host) }, accountXml(account, state))
  })
}

/** Errors of both records in one list; a wrong user is also an error of the account's. */
function signupErrors(
  state: State,
  params: Params,
  orgName: string,
  username: string,
  email: string | undefined,
): Errors {
  const ofUser = {
    ...userErrors(state, { username, email, ...passwordsOf(params) }),
    ...fieldErrors(state, 'User', params),
  }
  const ofAccount = { ...accountErrors(orgName), ...fieldErrors(state, 'Account', params) }
  return { ...ofAccount, ...(Object.keys(ofUser).length > 0 ? { users: ['invalid'] } : {}), ...ofUser }
}

function newAccount(state: State, org_name: string, accountState: string, params: Params): Account {
  const now = Date.now()
  const account: Account = {
    id: nextId(state, 'account'),
    org_name,
    state: accountState,
    fields: definedFields(state, 'Account', params),
    created_at: now,
    updated_at: now,
  }
  state.accounts.push(account)
  return account
}

/**
 * The given application plan and the default one of every other product (porta, app/lib/signup/plans_with_defaults.rb). A plan
 * that is not known is passed over; one of a product without a service plan makes the whole sign-up 404.
 */
function plansOf(state: State, params: Params): Plan[] | undefined {
  const given = state.plans.find(({ id }) => id === Number(textOf(params, 'application_plan_id')))
  const defaults = state.services
    .filter(({ id }) => id !== given?.service_id)
    .map(({ default_plan_id }) => state.plans.find(({ id }) => id === default_plan_id))
    .filter((plan) => plan !== undefined)
    .filter(({ service_id }) => publishedServicePlan(state, service_id))
  if (given && !publishedServicePlan(state, given.service_id)) return undefined
  return given ? [given, ...defaults] : defaults
}

function publishedServicePlan(state: State, serviceId: number) {
  const { default_service_plan_id } = state.services.find(({ id }) => id === serviceId) ?? {}
  const ofService = state.servicePlans.filter(({ service_id }) => service_id === serviceId)
  const byDefault = ofService.find(({ id }) => id === default_service_plan_id)
  if (byDefault || state.settings.service_plans_ui_visible === true) return byDefault
  return ofService.find((plan) => plan.state === 'published')
}

function contract(state: State, account: Account, plan: Plan): void {
  const now = Date.now()
  const stamps = { created_at: now, updated_at: now }
  const servicePlan = publishedServicePlan(state, plan.service_id)
  state.subscriptions.push({
    id: nextId(state, 'cinstance'),
    account_id: account.id,
    service_id: plan.service_id,
    plan_id: servicePlan?.id ?? 0,
    state: servicePlan?.approval_required ? 'pending' : 'live',
    ...stamps,
  })
  const id = nextId(state, 'cinstance')
  // its keys follow from its number, so that a test can tell them
  const key = (Math.imul(id, 2654435761) >>> 0).toString(16).padStart(8, '0')
  state.applications.push({
    id,
    account_id: account.id,
    service_id: plan.service_id,
    plan_id: plan.id,
    name: 'API signup',
    description: 'API signup',
    state: plan.approval_required ? 'pending' : 'live',
    user_key: key.repeat(4),
    application_id: key,
    keys: [],
    referrer_filters: [],
    fields: {},
    ...stamps,
  })
}
