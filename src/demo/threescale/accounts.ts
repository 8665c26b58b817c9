import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Params, textOf } from './params.js'
import { answers, page } from './reply.js'
import * as show from './represent.js'
import { type Account, nextId, type State, type User } from './store.js'
import { accountXml, usersXml } from './xml.js'

const host = (request: FastifyRequest) => request.headers.host ?? ''
const idOf = (request: FastifyRequest, name: string) => Number((request.params as Record<string, string>)[name])

/** Sign-up, accounts and their users (porta, app/controllers/admin/api/{signups,accounts,buyers_users}_controller.rb). */
export function accountRoutes(
  app: FastifyInstance,
  state: () => State,
  paramsOf: (request: FastifyRequest) => Params,
): void {
  app.post('/admin/api/signup.json', async (request, reply) => {
    const params = paramsOf(request)
    const orgName = textOf(params, 'org_name') ?? textOf(params, 'name') ?? ''
    const username = (textOf(params, 'username') ?? '').trim()
    const email = textOf(params, 'email')
    const password = textOf(params, 'password')
    const errors = {
      ...accountErrors(orgName),
      ...requiredErrors('Account', params),
      ...userErrors(username, email, undefined, password),
    }
    const missingUserFields = requiredErrors('User', params)
    const all: Record<string, string[]> = { ...errors, ...missingUserFields }
    const userWrong = ['username', 'email', 'password', ...Object.keys(missingUserFields)].some((name) => name in all)
    if (userWrong) all.users = ['invalid']
    if (Object.keys(all).length > 0) return answers.invalid(reply, all)
    const now = Date.now()
    const approves = state().settings.account_approval_required === true
    const active = password !== undefined && password !== '' && !approves
    const account: Account = {
      id: nextId(state(), 'account'),
      org_name: orgName,
      state: active ? 'approved' : 'created',
      fields: definedFields('Account', params),
      created_at: now,
      updated_at: now,
    }
    state().accounts.push(account)
    state().users.push({
      id: nextId(state(), 'user'),
      account_id: account.id,
      username,
      ...(email ? { email } : {}),
      role: 'admin',
      state: active ? 'active' : 'pending',
      fields: definedFields('User', params),
      created_at: now,
      updated_at: now,
    })
    subscribeToDefaults(account.id, now)
    return answers.created(reply, { account: show.account(account, host(request)) })
  })

  app.get('/admin/api/accounts.json', async (request) => {
    const query = request.query as Record<string, unknown>
    const all = state().accounts.filter((account) => query.state === undefined || account.state === query.state)
    const { rows, metadata } = page(all, query)
    return {
      accounts: rows.map((row) => ({ account: show.account(row, host(request)) })),
      ...(metadata ? { metadata } : {}),
    }
  })

  const found = (request: FastifyRequest): Account | undefined => {
    const params = paramsOf(request)
    const { users, accounts } = state()
    let user: User | undefined
    if ('username' in params) user = users.find(({ username }) => username === params.username)
    else if ('user_id' in params) user = users.find(({ id }) => id === Number(params.user_id))
    else if ('email' in params) user = users.find(({ email }) => email !== undefined && email === params.email)
    return accounts.find(({ id }) => id === user?.account_id)
  }
  app.get('/admin/api/accounts/find.json', async (request, reply) => {
    const account = found(request)
    return account ? { account: show.account(account, host(request)) } : answers.notFound(reply)
  })
  for (const path of ['/admin/api/accounts/find.xml', '/admin/api/accounts/find']) {
    app.get(path, async (request, reply) => {
      const account = found(request)
      reply.type('application/xml; charset=utf-8')
      return account
        ? reply.send(accountXml(account, state()))
        : reply.code(404).send('<?xml version="1.0" encoding="UTF-8"?>\n<status>Not found</status>\n')
    })
  }

  app.get('/admin/api/accounts/:account.json', async (request, reply) => {
    const account = accountOf(request)
    return account ? { account: show.account(account, host(request)) } : answers.notFound(reply)
  })
  app.get('/admin/api/accounts/:account.xml', async (request, reply) => {
    const account = accountOf(request)
    return account ? reply.type('application/xml').send(accountXml(account, state())) : answers.notFound(reply)
  })

  app.put('/admin/api/accounts/:account.json', async (request, reply) => {
    const account = accountOf(request)
    if (!account) return answers.notFound(reply)
    const params = paramsOf(request)
    const orgName = textOf(params, 'org_name')
    if (orgName !== undefined && Object.keys(accountErrors(orgName)).length > 0)
      return answers.invalid(reply, accountErrors(orgName))
    if (orgName !== undefined) account.org_name = orgName
    Object.assign(account.fields, definedFields('Account', params))
    account.updated_at = Date.now()
    return { account: show.account(account, host(request)) }
  })

  app.delete('/admin/api/accounts/:account.json', async (request, reply) => {
    const account = accountOf(request)
    if (!account) return answers.notFound(reply)
    const current = state()
    current.accounts = current.accounts.filter(({ id }) => id !== account.id)
    current.users = current.users.filter(({ account_id }) => account_id !== account.id)
    current.applications = current.applications.filter(({ account_id }) => account_id !== account.id)
    return answers.empty(reply)
  })

  const moves: Record<string, { from: string[]; to: string }> = {
    approve: { from: ['created', 'pending', 'rejected'], to: 'approved' },
    reject: { from: ['created', 'pending', 'approved'], to: 'rejected' },
    make_pending: { from: ['created', 'approved', 'rejected'], to: 'pending' },
  }
  for (const [event, move] of Object.entries(moves)) {
    app.put(`/admin/api/accounts/:account/${event}.json`, async (request, reply) => {
      const account = accountOf(request)
      if (!account) return answers.notFound(reply)
      if (!move.from.includes(account.state))
        return answers.invalid(reply, { state: [`cannot transition via "${event}"`] })
      account.state = move.to
      account.updated_at = Date.now()
      return { account: show.account(account, host(request)) }
    })
  }

  app.get('/admin/api/accounts/:account/users.json', async (request, reply) => {
    const account = accountOf(request)
    if (!account) return answers.notFound(reply)
    const query = request.query as Record<string, unknown>
    const rows = usersOf(account).filter((user) =>
      (['state', 'role'] as const).every((name) => query[name] === undefined || user[name] === query[name]),
    )
    return { users: rows.map((row) => ({ user: show.user(row, host(request)) })) }
  })
  app.get('/admin/api/accounts/:account/users.xml', async (request, reply) => {
    const account = accountOf(request)
    return account ? reply.type('application/xml').send(usersXml(usersOf(account))) : answers.notFound(reply)
  })

  app.get('/admin/api/accounts/:account/users/:user.json', async (request, reply) => {
    const user = userOf(request)
    return user ? { user: show.user(user, host(request)) } : answers.notFound(reply)
  })

  app.post('/admin/api/accounts/:account/users.json', async (request, reply) => {
    const account = accountOf(request)
    if (!account) return answers.notFound(reply)
    const params = paramsOf(request)
    const username = (textOf(params, 'username') ?? '').trim()
    const email = textOf(params, 'email') ?? ''
    const errors = userErrors(username, email, undefined, undefined)
    if (!/^[^@\s]+@[^@\s]+\.[A-Za-z]{2,63}$/.test(email)) errors.email = ['should look like an email address']
    if (Object.keys(errors).length > 0) return answers.invalid(reply, errors)
    const now = Date.now()
    const user: User = {
      id: nextId(state(), 'user'),
      account_id: account.id,
      username,
      email,
      role: 'member',
      state: 'pending',
      fields: definedFields('User', params),
      created_at: now,
      updated_at: now,
    }
    state().users.push(user)
    return answers.created(reply, { user: show.user(user, host(request)) })
  })

  app.put('/admin/api/accounts/:account/users/:user.json', async (request, reply) => {
    const user = userOf(request)
    if (!user) return answers.notFound(reply)
    const params = paramsOf(request)
    const username = textOf(params, 'username')?.trim() ?? user.username
    const email = textOf(params, 'email') ?? user.email
    const errors = userErrors(username, email, user, textOf(params, 'password'))
    if (Object.keys(errors).length > 0) return answers.invalid(reply, errors)
    user.username = username
    if (email !== undefined) user.email = email
    Object.assign(user.fields, definedFields('User', params))
    user.updated_at = Date.now()
    return { user: show.user(user, host(request)) }
  })

  app.put('/admin/api/accounts/:account/users/:user/activate.json', async (request, reply) => {
    const user = userOf(request)
    const account = accountOf(request)
    if (!user || !account) return answers.notFound(reply)
    if (user.state === 'suspended') {
      const error = {
        from: 'suspended',
        event: 'activate',
        error: 'State cannot transition via "activate"',
        object: { user: show.user(user, host(request)) },
      }
      return reply.code(422).send({ error })
    }
    user.state = 'active'
    if (account.state === 'created')
      account.state = state().settings.account_approval_required === true ? 'pending' : 'approved'
    return { user: show.user(user, host(request)) }
  })

  const change = (event: string, apply: (user: User) => 'done' | 'soft' | 'forbidden') => {
    app.put(`/admin/api/accounts/:account/users/:user/${event}.json`, async (request, reply) => {
      const user = userOf(request)
      if (!user) return answers.notFound(reply)
      const outcome = apply(user)
      if (outcome === 'forbidden') return answers.forbidden(reply)
      if (outcome === 'soft') return answers.invalid(reply, { state: [`cannot transition via "${event}"`] })
      return { user: show.user(user, host(request)) }
    })
  }
  change('suspend', (user) => {
    if (user.state === 'pending') return 'soft'
    user.state = 'suspended'
    return 'done'
  })
  change('unsuspend', (user) => {
    if (user.state !== 'suspended') return 'soft'
    user.state = 'active'
    return 'done'
  })
  change('admin', (user) => {
    user.role = 'admin'
    return 'done'
  })
  change('member', (user) => {
    if (user.role === 'admin' && adminsOf(user.account_id).length === 1) return 'forbidden'
    user.role = 'member'
    return 'done'
  })

  app.delete('/admin/api/accounts/:account/users/:user.json', async (request, reply) => {
    const user = userOf(request)
    if (!user) return answers.notFound(reply)
    if (user.role === 'admin' && adminsOf(user.account_id).length === 1) {
      return reply.code(403).send({ errors: { base: ["Can't delete last admin"] } })
    }
    state().users = state().users.filter(({ id }) => id !== user.id)
    return answers.empty(reply)
  })

  function accountOf(request: FastifyRequest): Account | undefined {
    return state().accounts.find(({ id }) => id === idOf(request, 'account'))
  }

  function usersOf(account: Account): User[] {
    return state().users.filter(({ account_id }) => account_id === account.id)
  }

  function userOf(request: FastifyRequest): User | undefined {
    return state().users.find(
      ({ id, account_id }) => id === idOf(request, 'user') && account_id === idOf(request, 'account'),
    )
  }

  function adminsOf(accountId: number): User[] {
    return state().users.filter(({ account_id, role }) => account_id === accountId && role === 'admin')
  }

  function userErrors(
    username: string,
    email: string | undefined,
    self: User | undefined,
    password: string | undefined,
  ): Record<string, string[]> {
    const errors: Record<string, string[]> = {}
    if (username.length < 3) errors.username = ['is too short (minimum is 3 characters)']
    else if (username.length > 40) errors.username = ['is too long (maximum is 40 characters)']
    else if (!/^\w[\w.\-_@+]+$/.test(username)) errors.username = ['use only letters, numbers, and .-_@+ please.']
    else if (state().users.some((user) => user !== self && user.username === username))
      errors.username = ['has already been taken']
    if (email !== undefined && email !== '') {
      if (email.length < 6) errors.email = ['is too short (minimum is 6 characters)']
      else if (state().users.some((user) => user !== self && user.email === email))
        errors.email = ['has already been taken']
    }
    if (password !== undefined && password !== '' && password.length < 15)
      errors.password = ['is too short (minimum is 15 characters)']
    return errors
  }

  function requiredErrors(target: 'Account' | 'User', params: Params): Record<string, string[]> {
    const errors: Record<string, string[]> = {}
    for (const field of state().fields.filter((candidate) => candidate.target === target)) {
      const value = textOf(params, field.name) ?? ''
      if (field.required && value === '') errors[field.name] = ["can't be blank"]
      else if (value !== '' && field.choices.length > 0 && !field.choices.includes(value))
        errors[field.name] = ['is not included in the list']
    }
    return errors
  }

  function definedFields(target: 'Account' | 'User', params: Params): Record<string, string> {
    const names = state()
      .fields.filter((field) => field.target === target)
      .map(({ name }) => name)
    const pairs = names.map((name) => [name, textOf(params, name)] as const)
    return Object.fromEntries(pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined))
  }

  /** porta, app/lib/signup/plans_with_defaults.rb: an application named "API signup" per default application plan. */
  function subscribeToDefaults(accountId: number, now: number): void {
    const current = state()
    for (const service of current.services) {
      const plan = current.plans.find(({ id }) => id === service.default_plan_id)
      if (!plan) continue
      current.subscriptions.push({
        id: nextId(current, 'cinstance'),
        account_id: accountId,
        service_id: service.id,
        state: 'live',
        created_at: now,
      })
      const id = nextId(current, 'cinstance')
      const key = (Math.imul(id, 2654435761) >>> 0).toString(16).padStart(8, '0')
      current.applications.push({
        id,
        account_id: accountId,
        service_id: service.id,
        plan_id: plan.id,
        name: 'API signup',
        description: 'API signup',
        state: plan.approval_required ? 'pending' : 'live',
        user_key: key.repeat(4),
        application_id: key,
        keys: [],
        referrer_filters: [],
        fields: {},
        created_at: now,
        updated_at: now,
      })
    }
  }
}

function accountErrors(orgName: string): Record<string, string[]> {
  if (orgName.trim() === '') return { org_name: ["can't be blank"] }
  if (!/[a-zA-Z0-9]/.test(orgName)) return { org_name: ['must contain at least one alphanumeric character'] }
  return {}
}
