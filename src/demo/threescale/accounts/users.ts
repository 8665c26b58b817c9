import { textOf } from '../http/params.js'
import { update } from '../http/records.js'
import { type Answer, answers } from '../http/responses.js'
import type { Api, Call } from '../http/router.js'
import { listTag, recordTag } from '../http/tags.js'
import * as show from '../represent/accounts.js'
import { viewOf } from '../represent/representation.js'
import { usersXml, userXml } from '../represent/xml-people.js'
import { rowsWith } from '../row-index.js'
import { nextId, type State, type User } from '../store.js'
import { columnTexts, definedFields } from './fields.js'
import { passwordsOf, userErrors } from './validation.js'

const base = '/admin/api/accounts/:account/users'

/** Users of an account (porta, app/controllers/admin/api/buyers_users_controller.rb). */
export function userRoutes(api: Api): void {
  api.get(
    base,
    (call) => {
      if (!call.account()) return answers.notFound
      const rows = listed(call)
      const view = viewOf(call)
      return answers.ok({ users: rows.map((row) => ({ user: show.user(row, view) })) }, usersXml(rows, view))
    },
    (call) => (call.account() ? listTag(listed(call), call) : undefined),
  )

  api.get(
    `${base}/:id`,
    (call) => withUser(call, (user) => shown(user, call)),
    (call) => (userOf(call) ? recordTag(call) : undefined),
  )

  api.post(base, async (call) => {
    const account = call.account()
    if (!account) return answers.notFound
    const username = textOf(call.params, 'username')?.trim()
    const email = textOf(call.params, 'email')
    const errors = userErrors(call.state, { username, email, minimal: false, ...passwordsOf(call.params) })
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    const fields = definedFields(call.state, 'User', call.params)
    const user = await call.write(
      () =>
        newUser(call, {
          account_id: account.id,
          username: username ?? '',
          ...(email === undefined ? {} : { email }),
          role: 'member',
          minimal: false,
          fields,
        }),
      { texts: [email, ...columnTexts('User', fields)] },
    )
    call.fire({ type: 'user', action: 'created', record: user })
    return answers.created(user.id, { user: show.user(user, viewOf(call)) }, userXml(user, viewOf(call)))
  })

  api.update(`${base}/:id`, (call) =>
    withUser(call, async (user) => {
      const username = textOf(call.params, 'username')?.trim() ?? user.username
      const email = textOf(call.params, 'email') ?? user.email
      const { minimal } = user
      const errors = userErrors(call.state, { username, email, minimal, self: user, ...passwordsOf(call.params) })
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      const fields = { ...user.fields, ...definedFields(call.state, 'User', call.params) }
      const change = { username, fields, ...(email === undefined ? {} : { email }) }
      return save(call, user, change, [email, ...columnTexts('User', fields)])
    }),
  )

  api.put(`${base}/:id/activate`, (call) =>
    withUser(call, async (user) => {
      if (user.state === 'active') return shown(user, call)
      // saved with its checks: a username that two requests at once took cannot be activated
      if (user.state !== 'pending' || isDoubled(call.state, user)) return raised(user, 'activate', call)
      const account = call.account()
      const isFirst = account?.state === 'created'
      await call.write(() => {
        update(user, { state: 'active' }, call.clock)
        const next = call.state.settings.account_approval_required === true ? 'pending' : 'approved'
        if (account && isFirst) update(account, { state: next }, call.clock)
      })
      call.fire({ type: 'user', action: 'updated', record: user })
      if (account && isFirst) call.fire({ type: 'account', action: 'updated', record: account })
      return shown(user, call)
    }),
  )

  api.put(`${base}/:id/suspend`, (call) =>
    withUser(call, async (user) => {
      if (user.state !== 'active' && user.state !== 'suspended') return raised(user, 'suspend', call)
      return save(call, user, { state: 'suspended' })
    }),
  )

  api.put(`${base}/:id/unsuspend`, (call) =>
    withUser(call, async (user) => {
      if (user.state !== 'suspended') return answers.cannotTransition('unsuspend')
      return save(call, user, { state: 'active' })
    }),
  )

  // the only admin can get no other role, not even admin again (config/abilities/admin.rb, update_role)
  for (const role of ['admin', 'member'] as const) {
    api.put(`${base}/:id/${role}`, (call) =>
      withUser(call, async (user) => {
        if (isOnlyAdmin(call.state, user)) return answers.forbidden
        const errors = errorsOf(call.state, user)
        if (user.role !== role && Object.keys(errors).length > 0) return answers.invalid(errors)
        return save(call, user, { role })
      }),
    )
  }

  api.delete(`${base}/:id`, (call) =>
    withUser(call, async (user) => {
      if (isOnlyAdmin(call.state, user)) return answers.refused({ base: ["Can't delete last admin"] })
      await call.write(() => {
        call.state.users = call.state.users.filter(({ id }) => id !== user.id)
      })
      call.fire({ type: 'user', action: 'deleted', record: user })
      return answers.empty
    }),
  )
}

export function newUser(
  { state, clock }: Pick<Call, 'state' | 'clock'>,
  values: Pick<User, 'account_id' | 'username' | 'role' | 'minimal' | 'fields'> & Partial<User>,
): User {
  const now = clock.now()
  const user: User = { id: nextId(state, 'user'), state: 'pending', created_at: now, updated_at: now, ...values }
  state.users.push(user)
  return user
}

/** Unchanged values are not written, so a read-only token may send them. */
async function save(
  call: Call,
  user: User,
  change: Partial<User>,
  texts: (string | undefined)[] = [],
): Promise<Answer> {
  const differs = Object.entries(change).some(
    ([name, value]) => JSON.stringify(user[name as keyof User]) !== JSON.stringify(value),
  )
  if (differs) {
    await call.write(() => update(user, change, call.clock), { texts })
    call.fire({ type: 'user', action: 'updated', record: user })
  }
  return shown(user, call)
}

function listed(call: Call): User[] {
  const requested = (['state', 'role'] as const).filter((name) => call.query[name] !== undefined)
  return rowsWith(call.state.users, 'account_id', call.id('account')).filter((user) =>
    requested.every((name) => user[name] === call.query[name]),
  )
}

function userOf(call: Call): User | undefined {
  return rowsWith(call.state.users, 'account_id', call.id('account')).find(({ id }) => id === call.id('id'))
}

function withUser(call: Call, work: (user: User) => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const user = userOf(call)
  return user ? work(user) : answers.notFound
}

function shown(user: User, call: Call): Answer {
  return answers.ok({ user: show.user(user, viewOf(call)) }, userXml(user, viewOf(call)))
}

function raised(user: User, event: string, call: Call): Answer {
  return answers.invalidTransition(user.state, event, { user: show.user(user, viewOf(call)) })
}

function errorsOf(state: State, user: User) {
  const { username, email, minimal } = user
  return userErrors(state, { username, email, minimal, self: user })
}

function isDoubled(state: State, user: User): boolean {
  return Object.keys(errorsOf(state, user)).length > 0
}

function isOnlyAdmin(state: State, user: User): boolean {
  const admins = rowsWith(state.users, 'account_id', user.account_id).filter(({ role }) => role === 'admin')
  return user.role === 'admin' && admins.length === 1
}
