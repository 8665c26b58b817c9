import type { State } from '../store.js'
import type { Operator } from './operator.js'

/** Extra fields: one that is required for each target, and one that no one may see or change. */
export async function addFields(call: Operator): Promise<void> {
  const add = (target: string, name: string, label: string, more: Record<string, boolean | string[]> = {}) =>
    call('POST', '/fields_definitions', { target, name, label, ...more })
  await add('Account', 'department', 'Department', { required: true, choices: ['Research', 'Engineering', 'Sales'] })
  await add('User', 'job_title', 'Job title', { required: true })
  await add('User', 'terms_version', 'Accepted terms', { hidden: true })
  await add('Cinstance', 'purpose', 'Purpose', { required: true, choices: ['Experiment', 'Production'] })
  await add('Cinstance', 'cost_center', 'Cost center', { read_only: true })
}

/** People that signed up through the stock portal, with keys that never change. */
export async function addAccounts(call: Operator, state: State): Promise<void> {
  const linus = await addAccount(call, 'Linus Labs', 'linus-stock', 'linus@example.com')
  await addApplication(call, state, linus, 'granite-chat', 'stock chat', '5d41402abc4b2a76b9719d911017c592')
  await addApplication(call, state, linus, 'llama-chat', 'stock llama', '9f86d081884c7d659a2feaa0c55ad015', [
    '0cc175b9c0f1b6a831c399e269772661',
    '92eb5ffee6ae2fec3ad71c777531578f',
  ])
  const pat = await addAccount(call, 'Pat Ltd', 'pat-stock', 'pat@example.com')
  const other = await addAccount(call, 'Other Corp', 'other-stock', 'other@example.com')
  await addApplication(call, state, other, 'granite-chat', 'other chat', '7d793037a0760186574b0282f2f435e7')
  // 3scale suspends accounts by itself only; its API has no call for it
  for (const account of state.accounts) if (account.id === pat) account.state = 'suspended'
}

/** As an operator does it: signed up by the API, approved, activated. */
async function addAccount(call: Operator, org_name: string, username: string, email: string): Promise<number> {
  const { account } = await call<{ account: { id: number } }>('POST', '/signup', {
    org_name,
    username,
    email,
    department: 'Research',
    job_title: 'Engineer',
  })
  const { users } = await call<{ users: { user: { id: number } }[] }>('GET', `/accounts/${account.id}/users`)
  await call('PUT', `/accounts/${account.id}/approve`)
  await call('PUT', `/accounts/${account.id}/users/${users[0]?.user.id}/activate`)
  return account.id
}

async function addApplication(
  call: Operator,
  state: State,
  account: number,
  product: string,
  name: string,
  user_key: string,
  keys: string[] = [],
): Promise<void> {
  const service = state.services.find(({ system_name }) => system_name === product)
  const plan = state.plans.find(({ service_id }) => service_id === service?.id)
  if (!plan) throw new Error(`no product ${product}`)
  await call('POST', `/accounts/${account}/applications`, {
    plan_id: plan.id,
    name,
    description: '',
    user_key,
    application_id: user_key.slice(0, 8),
    purpose: 'Production',
    ...(keys.length > 0 ? { application_key: keys } : {}),
  })
}
