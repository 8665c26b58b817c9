import { nextId, type State } from '../store.js'
import { START } from './products.js'

/** The definitions every tenant has, then extra fields: one that is required for each target, and one nobody may see or change. */
export function seedFields(state: State): void {
  const add = (
    target: State['fields'][number]['target'],
    name: string,
    label: string,
    extra: Partial<State['fields'][number]> = {},
  ) => {
    state.fields.push({
      id: nextId(state, 'field'),
      target,
      name,
      label,
      required: false,
      hidden: false,
      read_only: false,
      choices: [],
      ...extra,
    })
  }
  add('Account', 'org_name', 'Organization/Group Name', { required: true })
  add('User', 'username', 'Username', { required: true })
  add('User', 'email', 'Email', { required: true })
  add('Cinstance', 'name', 'Name', { required: true })
  add('Cinstance', 'description', 'Description')
  add('Account', 'department', 'Department', { required: true, choices: ['Research', 'Engineering', 'Sales'] })
  add('User', 'job_title', 'Job title', { required: true })
  add('User', 'terms_version', 'Accepted terms', { hidden: true })
  add('Cinstance', 'purpose', 'Purpose', { required: true, choices: ['Experiment', 'Production'] })
  add('Cinstance', 'cost_center', 'Cost center', { read_only: true })
}

/** People who came through the stock portal, with keys that never change. */
export function seedAccounts(state: State): void {
  const linus = account(state, 'Linus Labs', 'approved', 'linus-stock', 'linus@example.com')
  application(state, linus, 'granite-chat', 'stock chat', '5d41402abc4b2a76b9719d911017c592', [])
  application(state, linus, 'llama-chat', 'stock llama', '9f86d081884c7d659a2feaa0c55ad015', [
    '0cc175b9c0f1b6a831c399e269772661',
    '92eb5ffee6ae2fec3ad71c777531578f',
  ])
  account(state, 'Pat Ltd', 'suspended', 'pat-stock', 'pat@example.com')
  const other = account(state, 'Other Corp', 'approved', 'other-stock', 'other@example.com')
  application(state, other, 'granite-chat', 'other chat', '7d793037a0760186574b0282f2f435e7', [])
}

function account(state: State, org_name: string, accountState: string, username: string, email: string): number {
  const id = nextId(state, 'account')
  const stamps = { created_at: START, updated_at: START }
  state.accounts.push({ id, org_name, state: accountState, fields: { department: 'Research' }, ...stamps })
  state.users.push({
    id: nextId(state, 'user'),
    account_id: id,
    username,
    email,
    role: 'admin',
    state: 'active',
    fields: { job_title: 'Engineer' },
    ...stamps,
  })
  return id
}

function application(
  state: State,
  account_id: number,
  product: string,
  name: string,
  user_key: string,
  keys: string[],
): void {
  const service = state.services.find(({ system_name }) => system_name === product)
  const plan = state.plans.find(({ service_id }) => service_id === service?.id)
  const servicePlan = state.servicePlans.find(({ service_id }) => service_id === service?.id)
  if (!service || !plan || !servicePlan) throw new Error(`no product ${product}`)
  const stamps = { created_at: START, updated_at: START }
  const id = nextId(state, 'cinstance')
  state.subscriptions.push({
    id: nextId(state, 'cinstance'),
    account_id,
    service_id: service.id,
    plan_id: servicePlan.id,
    state: 'live',
    ...stamps,
  })
  state.applications.push({
    id,
    account_id,
    service_id: service.id,
    plan_id: plan.id,
    name,
    description: '',
    state: 'live',
    user_key,
    application_id: user_key.slice(0, 8),
    keys: keys.map((value) => ({ value, created_at: START })),
    referrer_filters: [],
    fields: { purpose: 'Production' },
    ...stamps,
  })
}
