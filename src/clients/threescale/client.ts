import { isProblem, PortalError, problem } from '../../errors.js'
import { allUsers, readAccountsPage } from './account-list.js'
import { createAccountSearch } from './account-search.js'
import { createApplicationLists } from './application-list.js'
import { createCatalogueRequests } from './catalogue-requests.js'
import { createLargeLists } from './large-lists.js'
import {
  toAccount,
  toApplication,
  toFieldDefinition,
  toKey,
  toReferrerFilter,
  toSettings,
  toSubscription,
  toUser,
} from './mapping/mappers.js'
import { object, recordIn, unwrap, type WireObject } from './mapping/wire-values.js'
import { createConditionalRequests } from './requests/conditional-requests.js'
import { createRequests, type ThreescaleOptions } from './requests/requests.js'
import { SINGLE_MS } from './requests/timeouts.js'
import { createStatistics } from './statistics.js'
import { explainRejectedRole } from './tenant-rules/last-admin.js'
import type { AccountApi, ThreescaleApplication, User } from './types.js'

/** 3scale's Account Management API. Flat form parameters, `.json` in every path, Basic credentials; see types.ts for errors. */
export function createThreescale(options: ThreescaleOptions): AccountApi {
  const calls = createRequests({ ...options, conditional: createConditionalRequests() })
  const { get, getXml, bulk, rows, write, remove, pages } = calls
  const account = (id: number) => `/admin/api/accounts/${id}`
  const application = (accountId: number, id: number) => `${account(accountId)}/applications/${id}`
  const search = createAccountSearch({ get, getXml, listUsers, countApplications: (id) => countApplications(id) })
  const findAccount = (criterion: Record<string, string>) => unlessAbsent(() => search.find(criterion))
  const largeLists = createLargeLists(new URL(options.adminUrl).host)
  const { countApplications, ...applicationLists } = createApplicationLists({
    ...calls,
    isLarge: search.isLarge,
    largeLists,
    readApplication,
  })

  return {
    ...createCatalogueRequests({ bulk, rows, pages }),
    listFieldDefinitions: async () =>
      (
        await rows('/admin/api/fields_definitions', 'fields_definitions', 'fields_definition', {
          toRow: toFieldDefinition,
        })
      ).filter((field) => field !== undefined),
    readSettings: async ({ isBackground = false } = {}) =>
      toSettings(object((await (isBackground ? bulk : get)('/admin/api/settings')).settings)),
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
      const match = await findAccount({ username })
      const user = match?.users.find((candidate) => candidate.username === username)
      return match && user ? { account: match.account, user } : undefined
    },
    async findAllByUsername(username) {
      const all = []
      for await (const one of allUsers((page) => readAccountsPage(calls, page)))
        if (one.user.username === username) all.push(one)
      return all
    },
    listAllUsers: () => allUsers((page) => readAccountsPage(calls, page)),
    async findByEmail(email) {
      const match = await findAccount({ email })
      const user = match?.users.find((candidate) => candidate.email === email)
      return match && user ? { account: match.account, user, users: match.users } : undefined
    },
    signUp: async ({ orgName, username, email, fields }) =>
      toAccount(
        recordIn(
          await write('POST', '/admin/api/signup', { ...fields, org_name: orgName, username, ...defined({ email }) }),
          'account',
        ),
      ),
    listUsers,
    createUser: async (accountId, { username, email, fields }) =>
      toUser(
        recordIn(await write('POST', `${account(accountId)}/users`, { ...fields, username, email }), 'user'),
        accountId,
      ),
    async setRole(accountId, userId, role) {
      try {
        return toUser(
          recordIn(await write('PUT', `${account(accountId)}/users/${userId}/${role}`, {}), 'user'),
          accountId,
        )
      } catch (error) {
        if (!isProblem(error, 'threescale_denied')) throw error
        return explainRejectedRole(await listUsers(accountId), userId, role, error)
      }
    },
    async deleteUser(accountId, userId) {
      await unlessAbsent(() => remove(`${account(accountId)}/users/${userId}`))
    },
    async activateUser(accountId, userId) {
      await write('PUT', `${account(accountId)}/users/${userId}/activate`, {})
    },
    updateUser: async (accountId, userId, { username, email, fields = {} }) =>
      toUser(
        recordIn(
          await write('PUT', `${account(accountId)}/users/${userId}`, { ...fields, ...defined({ username, email }) }),
          'user',
        ),
        accountId,
      ),
    readAccount: async (accountId) => toAccount(recordIn(await get(account(accountId)), 'account')),
    updateAccount: async (accountId, fields) =>
      toAccount(recordIn(await write('PUT', account(accountId), fields), 'account')),
    async deleteAccount(accountId) {
      await unlessAbsent(() => remove(account(accountId)))
    },
    /** 3scale rejects a second approval because the state does not change. The state of the account decides. */
    async approveAccount(accountId) {
      try {
        await write('PUT', `${account(accountId)}/approve`, {})
      } catch (error) {
        if (!isProblem(error, 'invalid_fields')) throw error
        const { state } = toAccount(recordIn(await get(account(accountId)), 'account'))
        if (state !== 'approved') throw error
      }
    },
    listSubscriptions: async (accountId) =>
      unwrap(
        (await get(`${account(accountId)}/service_subscriptions`)).service_subscriptions,
        'service_subscription',
      ).map(toSubscription),

    ...applicationLists,
    readApplication,
    async findApplicationByAppId(accountId, appId) {
      return unlessAbsent(async () =>
        ofAccount(accountId, await get(`${account(accountId)}/applications/find`, { app_id: appId })),
      )
    },
    createApplication: async (
      accountId,
      { planId, name, description, applicationId, userKey, applicationKey, fields },
    ) =>
      ofAccount(
        accountId,
        await write('POST', `${account(accountId)}/applications`, {
          ...fields,
          plan_id: String(planId),
          name,
          description,
          application_id: applicationId,
          ...defined({ user_key: userKey, application_key: applicationKey }),
        }),
      ),
    updateApplication: async (accountId, id, { name, description, userKey, fields = {} }) =>
      ofAccount(
        accountId,
        await write('PUT', application(accountId, id), {
          ...fields,
          ...defined({ name, description, user_key: userKey }),
        }),
      ),
    async deleteApplication(accountId, id) {
      await unlessAbsent(() => remove(application(accountId, id)))
    },
    async changePlan(accountId, id, planId) {
      await write('PUT', `${application(accountId, id)}/change_plan`, { plan_id: String(planId) })
    },
    listKeys: async (accountId, id) => [
      ...(await rows(`${application(accountId, id)}/keys`, 'keys', 'key', { toRow: toKey, timeoutMs: SINGLE_MS })),
    ],
    async addKey(accountId, id, value) {
      await write('POST', `${application(accountId, id)}/keys`, { key: value })
    },
    /** The parameter takes precedence over the path, so keys may have any characters (porta, application_keys_controller.rb). */
    async deleteKey(accountId, id, value) {
      await unlessAbsent(() => remove(`${application(accountId, id)}/keys/x`, { key: value }))
    },
    listReferrerFilters: async (accountId, id) =>
      unwrap((await get(`${application(accountId, id)}/referrer_filters`)).referrer_filters, 'referrer_filter').map(
        toReferrerFilter,
      ),
    async addReferrerFilter(accountId, id, value) {
      await write('POST', `${application(accountId, id)}/referrer_filters`, { referrer_filter: value })
    },
    async deleteReferrerFilter(accountId, id, filterId) {
      await unlessAbsent(() => remove(`${application(accountId, id)}/referrer_filters/${filterId}`))
    },
    ...createStatistics(get),
    /** Rejects with a message for the operator that names the setting to fix. */
    async ping() {
      try {
        await get('/admin/api/settings')
      } catch (error) {
        throw error instanceof PortalError && error.cause instanceof Error ? error.cause : error
      }
    },
    async close() {},
  }

  async function readApplication(accountId: number, id: number): Promise<ThreescaleApplication> {
    return ofAccount(accountId, await get(application(accountId, id)))
  }

  async function listUsers(accountId: number): Promise<User[]> {
    const toRow = (wire: WireObject) => toUser(wire, accountId)
    return [...(await rows(`${account(accountId)}/users`, 'users', 'user', { toRow, timeoutMs: SINGLE_MS }))]
  }

  /** porta returns 404 for an application of another account. A response with another account's application is rejected as well. */
  function ofAccount(accountId: number, response: WireObject): ThreescaleApplication {
    const record = toApplication(recordIn(response, 'application'))
    if (record.accountId !== accountId) throw problem('not_found')
    return record
  }
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as { code?: string }).code === 'not_found') return undefined
    throw error
  }
}

function defined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
