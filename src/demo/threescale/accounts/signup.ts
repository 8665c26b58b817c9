import { fireCreated, newApplication } from '../applications/new-application.js'
import type { Sync } from '../backend/sync.js'
import type { Behaviour } from '../behaviour.js'
import { flagOf, type Params, textOf } from '../http/params.js'
import { answers, type Errors, Refusal } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import * as show from '../represent/accounts.js'
import { viewOf } from '../represent/representation.js'
import { accountXml } from '../represent/xml-people.js'
import { rowsWith, rowWith } from '../row-index.js'
import { type Account, type Application, nextId, type Plan, type ServicePlan, type State } from '../store.js'
import { columnTexts, definedFields, fieldErrors, overflows } from './fields.js'
import { addSubscription } from './subscriptions.js'
import { newUser } from './users.js'
import { accountErrors, passwordsOf, userErrors } from './validation.js'

/** Account, first user, subscriptions and applications at once (porta, app/controllers/admin/api/signups_controller.rb). */
export function signupRoutes(api: Api, { sync, behaviour }: { sync: Sync; behaviour(): Behaviour }): void {
  api.post('/admin/api/signup', async (call) => {
    const { params, state } = call
    const orgName = textOf(params, 'org_name') ?? textOf(params, 'name') ?? ''
    const username = textOf(params, 'username')?.trim()
    const email = textOf(params, 'email')
    const errors = signupErrors(state, params, orgName, username, email)
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    const plans = plansOf(state, params)
    const fields = {
      account: definedFields(state, 'Account', params),
      user: definedFields(state, 'User', params),
    }
    const { database, sign_up_ms, default_plan_ms } = behaviour()
    const tooLarge = overflows('Account', fields.account) || overflows('User', fields.user)
    if (database === 'mysql' && tooLarge) throw new Refusal(answers.internal)
    const { account, user, applications } = await call.write(
      () => {
        // without a password the user is left to activate; with one only an account plan with approval holds them back
        const active = Boolean(textOf(params, 'password')) && state.settings.account_approval_required !== true
        // the state of an account is one of the attributes that a sign-up may give
        const given = textOf(params, 'state')
        const account = newAccount(call, orgName, given ?? (active ? 'approved' : 'created'), fields.account)
        const user = newUser(call, {
          account_id: account.id,
          username: username ?? '',
          ...(email === undefined ? {} : { email }),
          role: 'admin',
          state: active ? 'active' : 'pending',
          minimal: true,
          fields: fields.user,
        })
        for (const { servicePlan } of plans) addSubscription(call, account.id, servicePlan)
        const bought = plans.flatMap(({ plan }) => (plan ? [contract(call, account, plan)] : []))
        return { account, user, applications: bought }
      },
      {
        texts: [orgName, email, ...columnTexts('Account', fields.account), ...columnTexts('User', fields.user)],
        ms: sign_up_ms + plans.length * default_plan_ms,
      },
    )
    for (const application of applications) {
      sync.saveApplication(application)
      for (const { value } of application.keys) sync.saveKey(application, value)
    }
    call.fire({ type: 'account', action: 'created', record: account })
    call.fire({ type: 'user', action: 'created', record: user })
    for (const record of applications) fireCreated(call, record)
    const view = viewOf(call)
    return answers.created(account.id, { account: show.account(account, view) }, accountXml(account, view))
  })
}

/** Errors of both records in one list; a wrong user is also an error of the account's. */
function signupErrors(
  state: State,
  params: Params,
  orgName: string,
  username: string | undefined,
  email: string | undefined,
): Errors {
  const ofUser = {
    ...userErrors(state, { username, email, minimal: true, ...passwordsOf(params) }),
    ...fieldErrors(state, 'User', params),
  }
  const ofAccount = { ...accountErrors(orgName), ...fieldErrors(state, 'Account', params) }
  return { ...ofAccount, ...(Object.keys(ofUser).length > 0 ? { users: ['invalid'] } : {}), ...ofUser }
}

function newAccount(
  { state, clock }: Call,
  org_name: string,
  accountState: string,
  fields: Record<string, string>,
): Account {
  const now = clock.now()
  const account = {
    id: nextId(state, 'account'),
    org_name,
    state: accountState,
    fields,
    created_at: now,
    updated_at: now,
  }
  state.accounts.push(account)
  return account
}

/**
 * A subscription for each product with a default service plan and an application for each that also has a default application
 * plan; a given application plan replaces its product's (porta, app/lib/signup/plans_with_defaults.rb). What is no plan
 * is passed over; a given plan of a product without a service plan turns the whole sign-up into a 404.
 */
function plansOf(state: State, params: Params): { servicePlan: ServicePlan; plan?: Plan }[] {
  const given = rowWith(state.plans, 'id', Number(textOf(params, 'application_plan_id')))
  const services = state.services.filter((service) => service.state !== 'deleted')
  return services.flatMap((service) => {
    const servicePlan = servicePlanFor(state, service.id, given?.service_id === service.id)
    if (!servicePlan && given?.service_id === service.id) throw new Refusal(answers.notFound)
    const plan = given?.service_id === service.id ? given : rowWith(state.plans, 'id', service.default_plan_id)
    if (!servicePlan) return []
    return [{ servicePlan, ...(plan ? { plan } : {}) }]
  })
}

/** The default one; for a product whose application plan is given or default, else its first published one. */
function servicePlanFor(state: State, serviceId: number, given: boolean): ServicePlan | undefined {
  const service = rowWith(state.services, 'id', serviceId)
  const ofService = rowsWith(state.servicePlans, 'service_id', serviceId)
  const byDefault = ofService.find(({ id }) => id === service?.default_service_plan_id)
  const isRequired = given || service?.default_plan_id !== undefined
  if (byDefault || !isRequired || flagOf(state.settings, 'service_plans_ui_visible')) return byDefault
  return ofService.find((plan) => plan.state === 'published')
}

function contract(call: Call, account: Account, plan: Plan): Application {
  const service = rowWith(call.state.services, 'id', plan.service_id)
  if (!service) throw new Error(`plan ${plan.id} has no product`)
  const draft = newApplication(call, { account_id: account.id, plan, service, params: {} })
  const application: Application = {
    ...draft,
    id: nextId(call.state, 'cinstance'),
    name: 'API signup',
    description: 'API signup',
  }
  call.state.applications.push(application)
  return application
}
