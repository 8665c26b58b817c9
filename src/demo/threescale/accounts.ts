import { type Answer, answers, type Errors, page } from './answers.js'
import { time } from './clock.js'
import { definedFields, update } from './fields.js'
import { textOf, wrapped } from './params.js'
import * as show from './represent/people.js'
import type { Api, Call } from './router.js'
import { type Account, nextId } from './store.js'
import { accountsXml, accountXml } from './xml.js'

const base = '/admin/api/accounts'

/** Accounts of developers (porta, app/controllers/admin/api/accounts_controller.rb). There is no suspend and no resume. */
export function accountRoutes(api: Api): void {
  api.get(base, ({ state, query, host }) => {
    const all = state.accounts.filter((account) => !query.state || account.state === query.state)
    const { rows, metadata } = page(all, query)
    const json = { accounts: rows.map((row) => ({ account: show.account(row, host) })), ...(metadata && { metadata }) }
    return answers.ok(json, accountsXml(rows, state, metadata))
  })

  api.get(`${base}/find`, (call) => {
    const account = find(call)
    return account ? shown(account, call) : answers.notFound
  })

  api.get(`${base}/:account`, (call) => withAccount(call, (account) => shown(account, call)))

  api.update(`${base}/:account`, (call) =>
    withAccount(call, (account) => {
      const org_name = textOf(call.params, 'org_name') ?? textOf(call.params, 'name') ?? account.org_name
      if (org_name.trim() === '') return answers.invalid({ org_name: ["can't be blank"] })
      update(account, { org_name, fields: { ...account.fields, ...definedFields(call.state, 'Account', call.params) } })
      return shown(account, call)
    }),
  )

  api.delete(`${base}/:account`, (call) =>
    withAccount(call, ({ id }) => {
      const { state } = call
      state.accounts = state.accounts.filter((account) => account.id !== id)
      state.users = state.users.filter(({ account_id }) => account_id !== id)
      state.applications = state.applications.filter(({ account_id }) => account_id !== id)
      state.subscriptions = state.subscriptions.filter(({ account_id }) => account_id !== id)
      return answers.empty
    }),
  )

  const moves: Record<string, { from: string[]; to: string }> = {
    approve: { from: ['created', 'pending', 'rejected'], to: 'approved' },
    reject: { from: ['created', 'pending', 'approved'], to: 'rejected' },
    make_pending: { from: ['created', 'approved', 'rejected'], to: 'pending' },
  }
  for (const [event, { from, to }] of Object.entries(moves)) {
    api.put(`${base}/:account/${event}`, (call) =>
      withAccount(call, (account) => {
        if (!from.includes(account.state)) return answers.cannotTransition(event)
        update(account, { state: to })
        return shown(account, call)
      }),
    )
  }

  api.get(`${base}/:account/plan`, (call) =>
    withAccount(call, () => answers.ok({ account_plan: accountPlan(call.state.settings.account_approval_required) })),
  )
  api.get('/admin/api/account_plans', ({ state }) =>
    answers.ok({ plans: [{ account_plan: accountPlan(state.settings.account_approval_required) }] }),
  )

  api.post(`${base}/:account/messages`, (call) =>
    withAccount(call, (account) => {
      const given = wrapped(call, 'message', ['subject', 'body'])
      if ('refusal' in given) return given.refusal
      const [subject, body] = [textOf(given.attributes, 'subject') ?? '', textOf(given.attributes, 'body') ?? '']
      const message = { id: nextId(call.state, 'message'), account_id: account.id, subject, body }
      call.state.messages.push(message)
      const at = time(Date.now())
      return answers.created(message.id, {
        message: { id: message.id, body, subject, state: 'sent', created_at: at, updated_at: at },
      })
    }),
  )
}

export function accountErrors(orgName: string): Errors {
  if (orgName.trim() === '') return { org_name: ["can't be blank"] }
  if (!/[a-zA-Z0-9]/.test(orgName)) return { org_name: ['must contain at least one alphanumeric character'] }
  return {}
}

/** One criterion: the first that is present, an empty user name too. Compared by its letters' case. */
function find({ state, params }: Call): Account | undefined {
  const username = textOf(params, 'username')
  const userId = textOf(params, 'user_id')
  const email = textOf(params, 'email')
  const user =
    username !== undefined
      ? state.users.find((row) => row.username === username)
      : userId !== undefined
        ? state.users.find(({ id }) => id === Number(userId))
        : email
          ? state.users.find((row) => row.email === email)
          : undefined
  return state.accounts.find(({ id }) => id === user?.account_id)
}

function withAccount(call: Call, work: (account: Account) => Answer): Answer {
  const account = call.account()
  return account ? work(account) : answers.notFound
}

function shown(account: Account, call: Call): Answer {
  return answers.ok({ account: show.account(account, call.host) }, accountXml(account, call.state))
}

function accountPlan(approval: unknown): object {
  return {
    id: 1,
    name: 'Default',
    state: 'published',
    setup_fee: 0,
    cost_per_month: 0,
    trial_period_days: 0,
    cancellation_period: 0,
    approval_required: approval === true,
    default: true,
    created_at: time(0),
    updated_at: time(0),
  }
}
