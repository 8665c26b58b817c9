import { findRow } from '../application-list.js'
import type { TenantSettings, Threescale } from '../types.js'
import type { AccountMemory } from './account-memory.js'

/** Reads for display. */
export interface RecentReads
  extends Pick<
    Threescale,
    | 'listApplications'
    | 'listNewestApplications'
    | 'hasManyApplications'
    | 'readListedApplication'
    | 'listKeys'
    | 'listUsers'
  > {
  readSettings(accountId: number): Promise<TenantSettings>
}

/**
 * The same reads, but what was read in the last minute is returned again if the portal has not changed the account since. For display
 * only: checks before a write, and responses with credentials, read 3scale.
 */
export function createRecentReads(threescale: Threescale, memory: AccountMemory): RecentReads {
  const listApplications: Threescale['listApplications'] = async (accountId) => [
    ...(await memory.list(accountId, 'applications', () => threescale.listApplications(accountId))),
  ]

  return {
    listApplications,
    listNewestApplications: threescale.listNewestApplications,
    hasManyApplications: threescale.hasManyApplications,
    async readListedApplication(accountId, id) {
      if (!threescale.hasManyApplications(accountId)) return findRow(await listApplications(accountId), accountId, id)
      const rows = await memory.list(accountId, `application ${id}`, async () => [
        await threescale.readApplication(accountId, id),
      ])
      return findRow(rows, accountId, id)
    },
    listKeys: async (accountId, id) => [
      ...(await memory.list(accountId, `keys ${id}`, () => threescale.listKeys(accountId, id))),
    ],
    listUsers: async (accountId) => [...(await memory.list(accountId, 'users', () => threescale.listUsers(accountId)))],
    // Settings of the tenant, cached for an account like its lists.
    async readSettings(accountId) {
      const [settings] = await memory.list(accountId, 'settings', async () => [await threescale.readSettings()])
      return settings ?? threescale.readSettings()
    },
  }
}
