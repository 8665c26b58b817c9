import type {
  Account,
  FieldDefinition,
  TenantSettings,
  Threescale,
  ThreescaleApplication,
  User,
} from '../../../src/clients/threescale/types.js'
import { problem } from '../../../src/errors.js'

type AccountRequests =
  | 'activateUser'
  | 'approveAccount'
  | 'createUser'
  | 'deleteAccount'
  | 'deleteUser'
  | 'findAllByUsername'
  | 'findByEmail'
  | 'findByUsername'
  | 'listApplications'
  | 'listFieldDefinitions'
  | 'listUsers'
  | 'readAlwaysApprove'
  | 'readSettings'
  | 'setRole'
  | 'signUp'
  | 'updateUser'

type Requests = Pick<Threescale, AccountRequests>

interface Failure {
  request: AccountRequests
  error: Error
  /** True: 3scale stores the change, and its response is lost. */
  stores: boolean
}

export type InMemoryTenant = ReturnType<typeof createInMemoryTenant>

/** The accounts of a 3scale tenant in memory, with failures that a test injects. */
export function createInMemoryTenant() {
  const accounts = new Map<number, Account>()
  const users = new Map<number, User>()
  const failures: Failure[] = []
  const calls: AccountRequests[] = []
  const settings = { signupsEnabled: true, userAccountAreaEnabled: true } as TenantSettings
  const state = {
    alwaysApproves: true,
    definitions: [] as FieldDefinition[],
    applications: [] as ThreescaleApplication[],
  }
  let lastId = 100

  const requests: Requests = {
    readSettings: async () => settings,
    listFieldDefinitions: async () => state.definitions,
    readAlwaysApprove: async () => state.alwaysApproves,
    listApplications: async (accountId) => state.applications.filter((each) => each.accountId === accountId),
    listUsers: async (accountId) => [...users.values()].filter((user) => user.accountId === accountId),
    findByUsername: async (username) => pairs(({ user }) => user.username === username)[0],
    findAllByUsername: async (username) => pairs(({ user }) => user.username === username),
    async findByEmail(email) {
      const [match] = pairs(({ user }) => user.email === email)
      return match && { ...match, users: await requests.listUsers(match.account.id) }
    },
    async signUp({ orgName, username, email, fields }) {
      assertUnique({ username, email })
      const account = addAccount({ orgName, fields })
      addUser(account.id, { username, email, fields, role: 'admin' })
      return account
    },
    async createUser(accountId, { username, email, fields }) {
      assertUnique({ username, email })
      return addUser(accountId, { username, email, fields, role: 'member' })
    },
    async updateUser(accountId, userId, change) {
      const user = userOf(accountId, userId)
      assertUnique(change, userId)
      return update({ ...user, ...change, fields: { ...user.fields, ...change.fields } })
    },
    setRole: async (accountId, userId, role) => update({ ...userOf(accountId, userId), role }),
    async activateUser(accountId, userId) {
      update({ ...userOf(accountId, userId), state: 'active' })
    },
    async deleteUser(accountId, userId) {
      userOf(accountId, userId)
      users.delete(userId)
    },
    async approveAccount(accountId) {
      accounts.set(accountId, { ...accountOf(accountId), state: 'approved' })
    },
    async deleteAccount(accountId) {
      accounts.delete(accountId)
      for (const [id, user] of users) if (user.accountId === accountId) users.delete(id)
    },
  }

  return {
    settings,
    state,
    calls,
    threescale: intercepted(),
    addAccount,
    addUser,
    user: (id: number) => users.get(id),
    account: (id: number) => accounts.get(id),
    users: () => [...users.values()],
    accounts: () => [...accounts.values()],
    /** The next request of this kind fails. */
    fail(request: AccountRequests, error: Error = problem('threescale_unavailable'), { stores = false } = {}): void {
      failures.push({ request, error, stores })
    },
  }

  function intercepted(): Requests {
    const wrapped = Object.entries(requests).map(([name, send]) => [
      name,
      async (...parameters: unknown[]) => {
        calls.push(name as AccountRequests)
        const index = failures.findIndex(({ request }) => request === name)
        const [failure] = index < 0 ? [] : failures.splice(index, 1)
        if (failure && !failure.stores) throw failure.error
        const result = await (send as (...all: unknown[]) => Promise<unknown>)(...parameters)
        if (failure) throw failure.error
        return result
      },
    ])
    return Object.fromEntries(wrapped) as Requests
  }

  function addAccount(details: Partial<Account> = {}): Account {
    const account: Account = {
      id: ++lastId,
      orgName: 'Analytical Engines',
      state: 'created',
      creditCardStored: false,
      fields: {},
      ...details,
    }
    accounts.set(account.id, account)
    return account
  }

  function addUser(accountId: number, details: Partial<User> & Pick<User, 'username'>): User {
    const user: User = {
      id: ++lastId,
      accountId,
      email: undefined,
      role: 'member',
      state: 'pending',
      createdAt: '2026-03-01T10:00:00Z',
      fields: {},
      ...details,
    }
    users.set(user.id, user)
    return user
  }

  function pairs(matches: (pair: { account: Account; user: User }) => boolean) {
    return [...users.values()].map((user) => ({ account: accountOf(user.accountId), user })).filter(matches)
  }

  function update(user: User): User {
    users.set(user.id, user)
    return user
  }

  function accountOf(id: number): Account {
    const account = accounts.get(id)
    if (!account) throw problem('not_found')
    return account
  }

  function userOf(accountId: number, id: number): User {
    const user = users.get(id)
    if (!user || user.accountId !== accountId) throw problem('not_found')
    return user
  }

  function assertUnique(change: { username?: string; email?: string | undefined }, except?: number): void {
    for (const { id, username, email } of users.values()) {
      if (id === except) continue
      if (username === change.username) throw taken('username')
      if (email !== undefined && email === change.email) throw taken('email')
    }
  }
}

export function taken(field: string) {
  return problem('invalid_fields', { fields: { [field]: 'has already been taken' } })
}
