import type { Sync } from '../backend/sync.js'
import { time } from '../clock.js'
import { textOf, wrapped } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers, page } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag, recordTag } from '../http/tags.js'
import * as show from '../represent/accounts.js'
import { accountPlan } from '../represent/products.js'
import { viewOf } from '../represent/representation.js'
import { accountsXml, accountXml } from '../represent/xml-people.js'
import { rowsWith, rowWith } from '../row-index.js'
import { type Account, nextId } from '../store.js'
import { columnTexts, definedFields } from './fields.js'
import { accountErrors } from './validation.js'

const base = '/admin/api/accounts'

/** Accounts of developers (porta, app/controllers/admin/api/accounts_controller.rb). There is no suspend and no resume. */
export function accountRoutes(api: Api, sync: Sync): void {
  api.get(
    base,
    (call) => {
      const view = viewOf(call)
      const { rows, metadata } = page(listed(call), call.query)
      const json = {
        accounts: rows.map((row) => ({ account: show.account(row, view) })),
        ...(metadata && { metadata }),
      }
      return answers.ok(json, () => accountsXml(rows, view, metadata))
    },
    (call) => listTag(page(listed(call), call.query).rows, call),
  )

  api.get(
    `${base}/find`,
    (call) => {
      const account = find(call)
      return account ? shown(account, call) : answers.notFound
    },
    (call) => (find(call) ? recordTag(call) : undefined),
  )

  api.get(
    `${base}/:account`,
    (call) => withAccount(call, (account) => shown(account, call)),
    (call) => (call.account() ? recordTag(call) : undefined),
  )

  api.update(`${base}/:account`, (call) =>
    withAccount(call, async (account) => {
      const org_name = textOf(call.params, 'org_name') ?? textOf(call.params, 'name') ?? account.org_name
      const errors = accountErrors(org_name)
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      const fields = { ...account.fields, ...definedFields(call.state, 'Account', call.params) }
      const same = org_name === account.org_name && JSON.stringify(fields) === JSON.stringify(account.fields)
      if (!same)
        await call.write(() => update(account, { org_name, fields }, call.clock), {
          texts: [org_name, ...columnTexts('Account', fields)],
        })
      if (!same) call.fire({ type: 'account', action: 'updated', record: account })
      return shown(account, call)
    }),
  )

  api.delete(`${base}/:account`, (call) =>
    withAccount(call, async (account) => {
      const { state } = call
      const users = rowsWith(state.users, 'account_id', account.id)
      const applications = rowsWith(state.applications, 'account_id', account.id)
      await call.write(() => {
        for (const row of applications) sync.removeApplication(row)
        state.accounts = state.accounts.filter(({ id }) => id !== account.id)
        state.users = state.users.filter(({ account_id }) => account_id !== account.id)
        state.applications = state.applications.filter(({ account_id }) => account_id !== account.id)
        state.subscriptions = state.subscriptions.filter(({ account_id }) => account_id !== account.id)
      })
      call.fire({ type: 'account', action: 'deleted', record: account })
      for (const record of users) call.fire({ type: 'user', action: 'deleted', record })
      for (const record of applications) call.fire({ type: 'application', action: 'deleted', record })
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
      withAccount(call, async (account) => {
        if (!from.includes(account.state)) return answers.cannotTransition(event)
        await call.write(() => update(account, { state: to }, call.clock))
        call.fire({ type: 'account', action: 'updated', record: account })
        return shown(account, call)
      }),
    )
  }

  api.get(`${base}/:account/plan`, (call) =>
    withAccount(call, () => {
      const plan = call.state.accountPlans.find((row) => row.default)
      return plan ? answers.ok({ account_plan: accountPlan(plan, viewOf(call)) }) : answers.notFound
    }),
  )
  api.get('/admin/api/account_plans', (call) =>
    answers.ok({
      plans: call.state.accountPlans.map((row) => ({ account_plan: accountPlan(row, viewOf(call)) })),
    }),
  )

  api.post(`${base}/:account/messages`, (call) =>
    withAccount(call, async (account) => {
      const given = wrapped(call, 'message', ['subject', 'body'])
      if ('refusal' in given) return given.refusal
      const [subject, body] = [textOf(given.attributes, 'subject') ?? '', textOf(given.attributes, 'body') ?? '']
      return call.write(() => {
        const message = { id: nextId(call.state, 'message'), account_id: account.id, subject, body }
        call.state.messages.push(message)
        const at = time(call.clock.now(), call.state.zone)
        return answers.created(message.id, {
          message: { id: message.id, body, subject, state: 'sent', created_at: at, updated_at: at },
        })
      })
    }),
  )
}

function listed({ state, query }: Call): Account[] {
  return state.accounts.filter((account) => !query.state || account.state === query.state)
}

/** One criterion: the first that is present, an empty user name too. The comparison is case-sensitive. */
function find({ state, params }: Call): Account | undefined {
  const username = textOf(params, 'username')
  const userId = textOf(params, 'user_id')
  const email = textOf(params, 'email')
  const user =
    username !== undefined
      ? state.users.find((row) => row.username === username)
      : userId !== undefined
        ? rowWith(state.users, 'id', Number(userId))
        : email
          ? state.users.find((row) => row.email === email)
          : undefined
  return rowWith(state.accounts, 'id', user?.account_id)
}

function withAccount(call: Call, work: (account: Account) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const account = call.account()
  return account ? work(account) : answers.notFound
}

function shown(account: Account, call: Call): Answer {
  return answers.ok({ account: show.account(account, viewOf(call)) }, accountXml(account, viewOf(call)))
}
