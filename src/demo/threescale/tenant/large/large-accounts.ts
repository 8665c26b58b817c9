import { createHash } from 'node:crypto'
import type { Clock } from '../../clock.js'
import { CANARY } from '../../secrets.js'
import { type Account, type Application, nextId, type Plan, type Service, type State } from '../../store.js'

interface Owner {
  org_name: string
  username: string
  applications: number
  members: number
}

/** Accounts with more of something than the others; their users can sign in. */
export const NOTABLE: Owner[] = [
  { org_name: 'Maximal Industries', username: 'max', applications: 5000, members: 50 },
  { org_name: 'Dora Data', username: 'dora', applications: 500, members: 5 },
  { org_name: 'Tess Tests', username: 'tess', applications: 20, members: 2 },
]
const DAYS_OF_USE = 30
const DAY = 86_400_000
const HOUR = 3_600_000
/** How many applications more or fewer than the average an account has. */
const SPREAD = [-8, -5, -2, 0, 0, 2, 5, 8]

/** Fills the tenant up to so many accounts and applications in total. */
export function addLargeAccounts(
  target: { state: State; clock: Clock },
  services: Service[],
  requested: { accounts: number; applications: number },
): void {
  const { state } = target
  const plansOf = new Map<number, Plan[]>()
  for (const plan of state.plans) plansOf.set(plan.service_id, [...(plansOf.get(plan.service_id) ?? []), plan])
  const servicePlanOf = new Map(state.servicePlans.map(({ service_id, id }) => [service_id, id]))
  const catalogue = services.map((service) => ({
    service,
    plans: plansOf.get(service.id) ?? [],
    servicePlan: servicePlanOf.get(service.id) ?? 0,
  }))
  for (const [index, owner] of NOTABLE.entries()) {
    const account = addAccount(target, owner)
    for (const application of addApplications(target, account, owner.applications, index, catalogue))
      addUse(state, application, services)
  }
  const others = requested.accounts - state.accounts.length
  for (let n = 0; n < others; n++) {
    const average = (requested.applications - state.applications.length) / (others - n)
    const applications = n === others - 1 ? average : Math.round(average) + (SPREAD[n % SPREAD.length] ?? 0)
    const number = String(n + 1).padStart(5, '0')
    const owner = { org_name: `Company ${number}`, username: `user-${number}`, members: 1 + (n % 3), applications }
    addApplications(target, addAccount(target, owner), Math.max(0, applications), n + 7, catalogue)
  }
}

function addAccount({ state, clock }: { state: State; clock: Clock }, { org_name, username, members }: Owner): Account {
  const now = clock.now()
  const stamps = { created_at: now, updated_at: now }
  const fields = { department: 'Research' }
  const account = { id: nextId(state, 'account'), org_name, state: 'approved', fields, ...stamps }
  state.accounts.push(account)
  for (let n = 0; n < members; n++) {
    const name = n === 0 ? username : `${username}-${n + 1}`
    state.users.push({
      id: nextId(state, 'user'),
      account_id: account.id,
      username: name,
      email: `${name}@example.com`,
      role: n === 0 ? 'admin' : 'member',
      state: 'active',
      minimal: true,
      fields: { job_title: 'Engineer' },
      ...stamps,
    })
  }
  return account
}

type Offer = { service: Service; plans: Plan[]; servicePlan: number }

function addApplications(
  { state, clock }: { state: State; clock: Clock },
  { id: account_id }: Account,
  count: number,
  seed: number,
  catalogue: Offer[],
): Application[] {
  const subscribed = new Set<number>()
  return Array.from({ length: count }, (_, n) => {
    const { service, plans, servicePlan } = catalogue[(seed * 37 + n * 11) % catalogue.length] as Offer
    const now = clock.now()
    const stamps = { created_at: now, updated_at: now }
    if (!subscribed.has(service.id)) {
      subscribed.add(service.id)
      const id = nextId(state, 'cinstance')
      const contract = { account_id, service_id: service.id, plan_id: servicePlan, state: 'live' as const }
      state.subscriptions.push({ id, ...contract, ...stamps })
    }
    const plan = plans[n % plans.length] as Plan
    const id = nextId(state, 'cinstance')
    const secret = createHash('sha256').update(`application ${id}`).digest('hex')
    const needsKey = service.backend_version !== '1'
    const application: Application = {
      id,
      account_id,
      service_id: service.id,
      plan_id: plan.id,
      name: `${service.name.split(' ')[0]} for ${n % 4 === 0 ? 'production' : 'tests'} ${n + 1}`,
      state: n % 40 === 39 ? 'suspended' : 'live',
      user_key: secret.slice(0, 32),
      application_id: secret.slice(32, 40),
      provider_verification_key: CANARY + secret.slice(40, 62),
      keys: needsKey ? [{ id: nextId(state, 'key'), value: secret.slice(32), created_at: now }] : [],
      referrer_filters: [],
      fields: { purpose: 'Production' },
      ...stamps,
    }
    state.applications.push(application)
    know(state, application)
    return application
  })
}

/** What the backend has of it. */
function know(
  { backend }: State,
  { id, service_id, application_id, user_key, state, plan_id, keys }: Application,
): void {
  backend.applications[`${service_id}|${application_id}`] = { id, state, plan_id, keys: keys.map(({ value }) => value) }
  if (keys.length === 0) backend.userKeys[`${service_id}|${user_key}`] = application_id
}

/** Some calls at noon of the last days. */
function addUse({ backend }: State, application: Application, services: Service[]): void {
  const service = services.find(({ id }) => id === application.service_id)
  const method = service?.rules[0]?.metric_id
  const names = service?.metrics.filter(({ id, system_name }) => id === method || system_name === 'hits') ?? []
  const noon = Math.floor(Date.now() / DAY) * DAY - 12 * HOUR
  application.first_traffic_at = noon - DAYS_OF_USE * DAY
  application.first_daily_traffic_at = noon
  for (const { system_name } of names) {
    const hours: Record<string, number> = {}
    for (let day = 0; day < DAYS_OF_USE; day++) hours[noon - day * DAY] = 1 + ((application.id + day) % 50)
    backend.hours[`${application.id}|${system_name}`] = hours
  }
}
