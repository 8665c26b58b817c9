import { type Answer, answers, type Errors } from './answers.js'
import { definedFields, update } from './fields.js'
import { type Params, textOf } from './params.js'
import * as show from './represent/people.js'
import type { Api, Call } from './router.js'
import { nextId, type State, type User } from './store.js'
import { usersXml, userXml } from './xml.js'

const base = '/admin/api/accounts/:account/users'

/** Users of an account (porta, app/controllers/admin/api/buyers_users_controller.rb). */
export function userRoutes(api: Api): void {
  api.get(base, (call) => {
    const account = call.account()
    if (!account) return answers.notFound
    const wanted = (['state', 'role'] as const).filter((name) => call.query[name] !== undefined)
    const rows = call.state.users.filter(
      (user) => user.account_id === account.id && wanted.every((name) => user[name] === call.query[name]),
    )
    return answers.ok({ users: rows.map((row) => ({ user: show.user(row, call.host) })) }, usersXml(rows))
  })

  api.get(`${base}/:id`, (call) => withUser(call, (user) => shown(user, call)))

  api.post(base, (call) => {
    const account = call.account()
    if (!account) return answers.notFound
    const username = (textOf(call.params, 'username') ?? '').trim()
    const email = textOf(call.params, 'email') ?? ''
    const errors = {
      ...userErrors(call.state, { username, email, ...passwordsOf(call.params) }),
      ...emailErrors(email),
    }
    if (Object.keys(errors).length > 0) return answers.invalid(errors)
    const user = newUser(call.state, {
      account_id: account.id,
      username,
      email,
      role: 'member',
      fields: definedFields(call.state, 'User', call.params),
    })
    return answers.created(user.id, { user: show.user(user, call.host) }, userXml(user))
  })

  api.update(`${base}/:id`, (call) =>
    withUser(call, (user) => {
      const username = textOf(call.params, 'username')?.trim() ?? user.username
      const email = textOf(call.params, 'email') ?? user.email
      const errors = userErrors(call.state, { username, email, self: user, ...passwordsOf(call.params) })
      if (Object.keys(errors).length > 0) return answers.invalid(errors)
      const fields = { ...user.fields, ...definedFields(call.state, 'User', call.params) }
      update(user, { username, fields, ...(email === undefined ? {} : { email }) })
      return shown(user, call)
    }),
  )

  api.put(`${base}/:id/activate`, (call) =>
    withUser(call, (user) => {
      if (user.state === 'active') return shown(user, call)
      if (user.state !== 'pending') return raised(user, 'activate', call)
      update(user, { state: 'active' })
      const account = call.account()
      const next = call.state.settings.account_approval_required === true ? 'pending' : 'approved'
      if (account?.state === 'created') update(account, { state: next })
      return shown(user, call)
    }),
  )

  api.put(`${base}/:id/suspend`, (call) =>
    withUser(call, (user) => {
      if (user.state !== 'active' && user.state !== 'suspended') return raised(user, 'suspend', call)
      update(user, { state: 'suspended' })
      return shown(user, call)
    }),
  )

  api.put(`${base}/:id/unsuspend`, (call) =>
    withUser(call, (user) => {
      if (user.state !== 'suspended') return answers.cannotTransition('unsuspend')
      update(user, { state: 'active' })
      return shown(user, call)
    }),
  )

  for (const role of ['admin', 'member'] as const) {
    api.put(`${base}/:id/${role}`, (call) =>
      withUser(call, (user) => {
        if (role === 'member' && isOnlyAdmin(call.state, user)) return answers.forbidden
        update(user, { role })
        return shown(user, call)
      }),
    )
  }

  api.delete(`${base}/:id`, (call) =>
    withUser(call, (user) => {
      if (isOnlyAdmin(call.state, user)) return answers.refused({ base: ["Can't delete last admin"] })
      call.state.users = call.state.users.filter(({ id }) => id !== user.id)
      return answers.empty
    }),
  )
}

export function newUser(
  state: State,
  values: Pick<User, 'account_id' | 'username' | 'role' | 'fields'> & Partial<User>,
) {
  const now = Date.now()
  const user: User = { id: nextId(state, 'user'), state: 'pending', created_at: now, updated_at: now, ...values }
  state.users.push(user)
  return user
}

interface Candidate {
  username: string
  email: string | undefined
  password?: string | undefined
  confirmation?: string | undefined
  self?: User
}

/** Names and addresses are unique among all users of the tenant, and compared by their letters' case. */
export function userErrors(state: State, { username, email, password, confirmation, self }: Candidate): Errors {
  const errors: Errors = {}
  const others = state.users.filter((user) => user !== self)
  if (username.length < 3) errors.username = ['is too short (minimum is 3 characters)']
  else if (username.length > 40) errors.username = ['is too long (maximum is 40 characters)']
  else if (!/^\w[\w.\-_@+]+$/.test(username)) errors.username = ['use only letters, numbers, and .-_@+ please.']
  else if (others.some((user) => user.username === username)) errors.username = ['has already been taken']
  if (email) {
    if (email.length < 6) errors.email = ['is too short (minimum is 6 characters)']
    else if (email.length > 255) errors.email = ['is too long (maximum is 255 characters)']
    else if (others.some((user) => user.email === email)) errors.email = ['has already been taken']
  }
  if (password && password.length < 15) errors.password = ['is too short (minimum is 15 characters)']
  if (confirmation && confirmation !== password) errors.password_confirmation = ["doesn't match Password"]
  return errors
}

export function passwordsOf(params: Params) {
  return { password: textOf(params, 'password'), confirmation: textOf(params, 'password_confirmation') }
}

/** Only users made one by one need an address, and one that looks like it. */
function emailErrors(email: string): Errors {
  return /^[^@\s]+@[^@\s]+\.[A-Za-z]{2,63}$/.test(email) ? {} : { email: ['should look like an email address'] }
}

function withUser(call: Call, work: (user: User) => Answer): Answer {
  const user = call.state.users.find(({ id, account_id }) => id === call.id('id') && account_id === call.id('account'))
  return user ? work(user) : answers.notFound
}

function shown(user: User, call: Call): Answer {
  return answers.ok({ user: show.user(user, call.host) }, userXml(user))
}

function raised(user: User, event: string, call: Call): Answer {
  return answers.invalidTransition(user.state, event, { user: show.user(user, call.host) })
}

function isOnlyAdmin(state: State, user: User): boolean {
  const admins = state.users.filter(({ account_id, role }) => account_id === user.account_id && role === 'admin')
  return user.role === 'admin' && admins.length === 1
}
