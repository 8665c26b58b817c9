import type { Threescale, User } from '../../../clients/threescale/types.js'
import type { PortalConfig } from '../../../config/portal-config.js'
import { problem } from '../../../errors.js'
import type { Cache } from '../../../infra/cache.js'
import type { Identity } from '../../../web/auth/caller.js'
import type { AccountUser } from '../account-status.js'
import { findFirstByUsername, renameToCurrent } from '../usernames/username-lookup.js'
import type { Usernames } from '../usernames/usernames.js'
import { signUpErrors } from './messages.js'

export interface ClaimAccountsDeps {
  threescale: Pick<Threescale, 'findByUsername' | 'updateUser'>
  cache: Cache
  usernames: Usernames
  /** Undefined: PORTAL_CONFIG has no `claim_accounts`. */
  settings: PortalConfig['claim_accounts']
}

export type ClaimAccounts = ReturnType<typeof createClaimAccounts>

const CACHE_SECONDS = 30 * 86_400
/** Claims are cut to this length, and a cut value may be another organisation's. */
const MAX_VALUE_CHARACTERS = 255

/** Accounts that people share because the same claim of the identity provider assigns them. */
export function createClaimAccounts({ threescale, cache, usernames, settings }: ClaimAccountsDeps) {
  /** The last value by username, as a hint for admins; the next sign-in restores a lost one. */
  const lastValues = cache.cached<string | null>(
    'claims',
    { freshSeconds: CACHE_SECONDS, maxAgeSeconds: CACHE_SECONDS },
    async () => null,
  )
  const holderUsernames = (value: string) => usernames.claimAccountUsernames(settings?.claim ?? '', value)
  const holderUsername = (value: string) => holderUsernames(value)[0] ?? ''

  return {
    /** The username of the 3scale user that holds the account of this value. */
    holderUsername,

    /** The value that assigns this person to an account; undefined where the claim assigns none. */
    valueFor,

    roleOf({ groups }: Identity): User['role'] {
      return settings?.admin_groups.some((group) => groups.includes(group)) ? 'admin' : 'member'
    },

    /** The account of a value, with the user that holds it. */
    async find(value: string): Promise<AccountUser | undefined> {
      const holder = await findFirstByUsername(threescale.findByUsername, holderUsernames(value))
      // 3scale's developer portal lets people choose their username, but not without an address: this is no user of the portal.
      if (holder?.user.email) throw problem('sign_up_refused')
      return holder
    },

    /**
     * Rejects where an earlier build created the account of this value, because a second one would split the organisation. Costs
     * one call before an account is created.
     */
    async assertNoLegacyAccount(value: string): Promise<void> {
      const legacy = await threescale.findByUsername(usernames.legacyClaimAccountUsername(settings?.claim ?? '', value))
      if (!legacy || legacy.user.email) return
      const cause = new Error(`account ${legacy.account.id} has a username of an earlier build: run maas-portal names`)
      throw problem('sign_up_refused', { detail: signUpErrors.organisationNotReady, cause })
    },

    /** Gives the holder the username under the first secret. */
    renameHolder: (account: AccountUser, value: string): Promise<AccountUser> =>
      renameToCurrent(threescale, account, holderUsername(value)),

    /** Records the value of a sign-in for the admins. */
    async recordValue(identity: Identity, username: string): Promise<void> {
      if (settings && identity.kind === 'person') await lastValues.put(username, valueFor(identity) ?? '')
    },

    /** The last value of a member where it belongs to another account than the one of these `users`; else undefined. */
    async claimedElsewhere({ username }: Pick<User, 'username'>, users: User[]): Promise<string | undefined> {
      if (!settings) return undefined
      const { value } = await lastValues.get(username)
      if (value === null) return undefined
      const holders = holderUsernames(value)
      const isHere =
        value === ''
          ? !users.some((user) => usernames.isClaimAccountUsername(user.username))
          : users.some((user) => holders.includes(user.username))
      return isHere ? undefined : value
    },
  }

  function valueFor(identity: Identity): string | undefined {
    if (!settings || identity.kind !== 'person') return undefined
    const [value] = [identity.claims[settings.claim] ?? []].flat()
    const isUsable = value !== undefined && value.trim() !== '' && Array.from(value).length < MAX_VALUE_CHARACTERS
    return isUsable ? value : undefined
  }
}
