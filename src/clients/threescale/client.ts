import { isProblem, PortalError, problem } from '../../errors.js'
import { createCalls, type ThreescaleOptions } from './calls.js'
import { catalogueReads } from './catalogue.js'
import { createConditional } from './conditional.js'
import { accountsPage, everybody } from './every-account.js'
import { createListed } from './listed.js'
import type { AccountApi, Application, User } from './nouns.js'
import { roleKept } from './only-admin.js'
import { statistics } from './statistics.js'
import { number, object, unwrap, type Wire } from './values.js'
import {
  toAccount,
  toApplication,
  toFieldDefinition,
  toKey,
  toReferrerFilter,
  toSettings,
  toSubscription,
  toUser,
} from './wire.js'
import { listOf } from './xml.js'

/** 3scale's Account Management API. Flat form parameters, `.json` in every path, Basic credentials; see nouns.ts for errors. */
export function createThreescale(options: ThreescaleOptions): AccountApi {
  const calls = createCalls({ ...options, conditional: createConditional() })
  const { get, getXml, bulk, longList, write, remove, pages } = calls
  const account = (id: number) => `/admin/api/accounts/${id}`
  const application = (accountId: number, id: number) => `${account(accountId)}/applications/${id}`

  return {
    ...catalogueReads({ bulk, pages }),
    listFieldDefinitions: async () =>
      unwrap((await bulk('/admin/api/fields_definitions')).fields_definitions, 'fields_definition')
        .map(toFieldDefinition)
        .filter((field) => field !== undefined),
    readSettings: async ({ patient = false } = {}) =>
      toSettings(object((await (patient ? bulk : get)('/admin/api/settings')).settings)),
    async readAlwaysApprove() {
      const list = unwrap(
        (await get('/admin/api/authentication_providers')).authentication_providers,
        'authentication_provider',
      )
      return list.some(
        (entry) =>
          entry.account_type === 'developer' &&
          entry.published === true &&
          entry.automatically_approve_accounts === true,
      )
    },

    async findByUsername(username) {
      const found = await findAccount({ username })
      const user = found?.users.find((candidate) => candidate.username === username)
      return found && user ? { account: found.account, user } : undefined
    },
    async findAllByUsername(username) {
      const all = []
      for await (const one of everybody((page) => accountsPage(calls, page)))
        if (one.user.username === username) all.push(one)
      return all
    },
    everybody: () => everybody((page) => accountsPage(calls, page)),
    async findByEmail(email) {
      const found = await findAccount({ email })
      const user = found?.users.find((candidate) => candidate.email === email)
      return found && user ? { account: found.account, user, users: found.users } : undefined
    },
    signUp: async ({ orgName, username, email, fields }) =>
      toAccount(
        one(
          await write('POST', '/admin/api/signup', { ...fields, org_name: orgName, username, ...given({ email }) }),
          'account',
        ),
      ),
    listUsers,
    createUser: async (accountId, { username, email, fields }) =>
      toUser(
        one(await write('POST', `${account(accountId)}/users`, { ...fields, username, email }), 'user'),
        accountId,
      ),
    async setRole(accountId, userId, role) {
      try {
        return toUser(one(await write('PUT', `${account(accountId)}/users/${userId}/${role}`, {}), 'user'), accountId)
      } catch (error) {
        if (!isProblem(error, 'threescale_denied')) throw error
        return roleKept(await listUsers(accountId), userId, role, error)
      }
    },
    async deleteUser(accountId, userId) {
      await absent(() => remove(`${account(accountId)}/users/${userId}`))
    },
    async activateUser(accountId, userId) {
      await write('PUT', `${account(accountId)}/users/${userId}/activate`, {})
    },
    updateUser: async (accountId, userId, { username, email, fields = {} }) =>
      toUser(
        one(
          await write('PUT', `${account(accountId)}/users/${userId}`, { ...fields, ...given({ username, email }) }),
          'user',
        ),
        accountId,
      ),
    readAccount: async (accountId) => toAccount(one(await get(account(accountId)), 'account')),
    updateAccount: async (accountId, fields) =>
      toAccount(one(await write('PUT', account(accountId), fields), 'account')),
    async deleteAccount(accountId) {
      await absent(() => remove(account(accountId)))
    },
    /** Approving twice is refused as a change of state that is none: what counts is where the account stands. */
    async approveAccount(accountId) {
      try {
        await write('PUT', `${account(accountId)}/approve`, {})
      } catch (error) {
        if (!isProblem(error, 'invalid_fields')) throw error
        const { state } = toAccount(one(await get(account(accountId)), 'account'))
        if (state !== 'approved') throw error
      }
    },
    listSubscriptions: async (accountId) =>
      unwrap(
        (await get(`${account(accountId)}/service_subscriptions`)).service_subscriptions,
        'service_subscription',
      ).map(toSubscription),

    listApplications,
    readApplication,
    ...createListed({ listApplications, readApplication }),
    async findApplicationByAppId(accountId, appId) {
      return absent(async () => own(accountId, await get(`${account(accountId)}/applications/find`, { app_id: appId })))
    },
    createApplication: async (accountId, wanted) =>
      own(
        accountId,
        await write('POST', `${account(accountId)}/applications`, {
          ...wanted.fields,
          plan_id: String(wanted.planId),
          name: wanted.name,
          description: wanted.description,
          application_id: wanted.applicationId,
          ...given({ user_key: wanted.userKey, application_key: wanted.applicationKey }),
        }),
      ),
    updateApplication: async (accountId, id, { name, description, userKey, fields = {} }) =>
      own(
        accountId,
        await write('PUT', application(accountId, id), {
          ...fields,
          ...given({ name, description, user_key: userKey }),
        }),
      ),
    async deleteApplication(accountId, id) {
      await absent(() => remove(application(accountId, id)))
    },
    async changePlan(accountId, id, planId) {
      await write('PUT', `${application(accountId, id)}/change_plan`, { plan_id: String(planId) })
    },
    listKeys: async (accountId, id) => unwrap((await get(`${application(accountId, id)}/keys`)).keys, 'key').map(toKey),
    async addKey(accountId, id, value) {
      await write('POST', `${application(accountId, id)}/keys`, { key: value })
    },
    /** The parameter wins over the path, so a key of any characters can be named (porta, application_keys_controller.rb). */
    async deleteKey(accountId, id, value) {
      await absent(() => remove(`${application(accountId, id)}/keys/x`, { key: value }))
    },
    listReferrerFilters: async (accountId, id) =>
      unwrap((await get(`${application(accountId, id)}/referrer_filters`)).referrer_filters, 'referrer_filter').map(
        toReferrerFilter,
      ),
    async addReferrerFilter(accountId, id, value) {
      await write('POST', `${application(accountId, id)}/referrer_filters`, { referrer_filter: value })
    },
    async deleteReferrerFilter(accountId, id, filterId) {
      await absent(() => remove(`${application(accountId, id)}/referrer_filters/${filterId}`))
    },
    ...statistics(get),
    /** Rejects with a sentence for the operator, which names the setting to mend. */
    async ping() {
      try {
        await get('/admin/api/settings')
      } catch (error) {
        throw error instanceof PortalError && error.cause instanceof Error ? error.cause : error
      }
    },
    async close() {},
  }

  async function listApplications(accountId: number): Promise<Application[]> {
    return unwrap((await longList(`${account(accountId)}/applications`)).applications, 'application').map(toApplication)
  }

  async function readApplication(accountId: number, id: number): Promise<Application> {
    return own(accountId, await get(application(accountId, id)))
  }

  async function listUsers(accountId: number): Promise<User[]> {
    return unwrap((await get(`${account(accountId)}/users`)).users, 'user').map((wire) => toUser(wire, accountId))
  }

  /** porta answers 404 for another account's application; a wrong answer is not passed on either. */
  function own(accountId: number, answer: Wire): Application {
    const record = toApplication(one(answer, 'application'))
    if (record.accountId !== accountId) throw problem('not_found')
    return record
  }

  /** The XML of this call embeds the users, its JSON does not. */
  async function findAccount(criterion: Record<string, string>) {
    const answer = await absent(() => getXml('/admin/api/accounts/find', criterion))
    if (!answer) return undefined
    const node = one(answer, 'account')
    const account = toAccount(node)
    const users: User[] = listOf(node.users, 'user').map((wire) => toUser(wire, account.id))
    return { account, users }
  }
}

async function absent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as { code?: string }).code === 'not_found') return undefined
    throw error
  }
}

function given(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** A record without an id is none: something else than 3scale answered. */
function one(answer: Wire, root: string): Wire {
  const record = object(answer[root])
  if (number(record.id) > 0) return record
  throw problem('threescale_unavailable', { cause: new Error(`3scale answered without ${root}`) })
}
