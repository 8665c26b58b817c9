import type { Cache } from '../../clients/cache.js'
import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { problem } from '../../errors.js'
import type { Identity } from '../../web/caller.js'
import { findFirst, renamed } from './lookup.js'
import type { Names } from './names.js'
import type { Found } from './standing.js'

export interface ClaimAccountsDeps {
  threescale: Pick<Threescale, 'findByUsername' | 'updateUser'>
  cache: Cache
  names: Names
  /** off where PORTAL_CONFIG has none */
  settings: { claim: string; admin_groups: string[] } | undefined
}

export type ClaimAccounts = ReturnType<typeof createClaimAccounts>

const KEEP_SECONDS = 30 * 86_400
/** What the sign-in service tells is cut there, and a cut value is somebody else's. */
const LONGEST = 255

/** Accounts that people share because the sign-in service says the same of them. */
export function createClaimAccounts({ threescale, cache, names, settings }: ClaimAccountsDeps) {
  /** only a hint for admins: when it is lost, the next sign-in tells it again */
  const told = cache.cached<string | null>(
    'claims',
    { fresh: KEEP_SECONDS, keep: KEEP_SECONDS, secret: true },
    async () => null,
  )
  const anchors = (value: string) => names.anchorsOf(settings?.claim ?? '', value)
  const anchor = (value: string) => anchors(value)[0] ?? ''

  return {
    anchor,

    /** Groups whose people join as admins. */
    adminGroups: settings?.admin_groups ?? [],

    /** The value that decides where this person belongs; undefined where the claim decides nothing. */
    valueFor,

    roleOf({ groups }: Identity): User['role'] {
      return settings?.admin_groups.some((group) => groups.includes(group)) ? 'admin' : 'member'
    },

    /** The account of a value, with the user that holds its name. */
    async find(value: string): Promise<Found | undefined> {
      const found = await findFirst(threescale.findByUsername, anchors(value))
      // the stock portal lets people choose a user name, but never without an address: such an account is no anchor of ours
      if (found?.user.email) throw problem('sign_up_refused')
      return found
    },

    /**
     * Rejects where an earlier build made the account of a value: another one would split the organisation. One call, before
     * an account is created. People of 3scale's own portal can take that name, but never without an address.
     */
    async checkNotNamedBefore(value: string): Promise<void> {
      const before = await threescale.findByUsername(names.earlierAnchorOf(settings?.claim ?? '', value))
      if (!before || before.user.email) return
      const detail = 'The account of your organisation cannot be joined yet. Ask the operator of this portal.'
      const cause = new Error(`account ${before.account.id} has a name of an earlier build: run maas-portal names`)
      throw problem('sign_up_refused', { detail, cause })
    },

    /** The same account, held by the name under the first secret. */
    renewed: (home: Found, value: string): Promise<Found> => renamed(threescale, home, anchor(value)),

    /** Remembers what was said at a sign-in, for the admins; moves nobody. */
    async note(identity: Identity, username: string): Promise<void> {
      if (settings && identity.kind === 'person') await told.put(username, valueFor(identity) ?? '')
    },

    /** What the sign-in service said last of somebody, where that is another account than this one; else undefined. */
    async elsewhere({ username }: User, users: User[]): Promise<string | undefined> {
      if (!settings) return undefined
      const value = (await told.get(username)).value
      if (value === null) return undefined
      const there = users.map((user) => user.username)
      const wanted = anchors(value)
      const fits = value === '' ? !there.some(names.isAnchor) : there.some((name) => wanted.includes(name))
      return fits ? undefined : value
    },
  }

  function valueFor(identity: Identity): string | undefined {
    if (!settings || identity.kind !== 'person') return undefined
    const [value] = [identity.claims[settings.claim] ?? []].flat()
    return value !== undefined && value.trim() !== '' && Array.from(value).length < LONGEST ? value : undefined
  }
}
