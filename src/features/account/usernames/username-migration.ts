import type { Account, Threescale, User } from '../../../clients/threescale/types.js'
import { isProblem } from '../../../errors.js'
import { migrationReasons } from '../messages.js'
import { legacyUsername } from './legacy-usernames.js'
import { isServiceAddressShape, type UsernameOrigin, type Usernames } from './usernames.js'

export interface UsernameMigrationDeps {
  threescale: Pick<Threescale, 'listAllUsers' | 'findByUsername' | 'updateUser'>
  usernames: Usernames
  issuerId: string
  /** Clients of API_CLIENTS. */
  services: string[]
}

export interface UsernameMigrationOptions {
  /** False: nothing is written. */
  apply: boolean
  /** Only these kinds; all where it is empty. */
  kinds: UsernameOrigin['kind'][]
  /** Ids of users that are not renamed. */
  except: number[]
}

/** A user whose username is not under the first secret, and what the command does with it. */
export interface UsernameMigration {
  kind: UsernameOrigin['kind']
  account_id: number
  organisation: string
  account_state: Account['state']
  user_id: number
  role: User['role']
  user_state: User['state']
  created_at: string
  /**
   * `rename`: `apply` renames the user. `renamed`: it has renamed the user. `excluded`: `except` lists the user. `pending_sign_in`: the
   * next sign-in renames the user. `review`: an operator must decide; see `reason`.
   */
  action: 'rename' | 'renamed' | 'excluded' | 'pending_sign_in' | 'review'
  reason: string | null
}

type UserChange = { username: string; email?: string }
type MigrationPlan = { change: UserChange } | { action: 'pending_sign_in' | 'review'; reason: string }

/**
 * Renames users whose usernames an earlier build or an older secret created. Users are read page by page and renamed one after the
 * other; each is read again before its write. The next run continues an interrupted one, because it skips renamed users. Rejects
 * where 3scale does not respond.
 */
export function createUsernameMigration({ threescale, usernames, issuerId, services }: UsernameMigrationDeps) {
  return async function* run({ apply, kinds, except }: UsernameMigrationOptions): AsyncGenerator<UsernameMigration> {
    for await (const { account, user } of threescale.listAllUsers()) {
      const origin = usernames.originOf(user)
      if (!origin || origin.secret === 'first') continue
      const kind = clientOf(user) === undefined ? origin.kind : 'service'
      if (kinds.length > 0 && !kinds.includes(kind)) continue
      yield {
        kind,
        account_id: account.id,
        organisation: account.orgName,
        account_state: account.state,
        user_id: user.id,
        role: user.role,
        user_state: user.state,
        created_at: user.createdAt,
        ...(except.includes(user.id)
          ? { action: 'excluded' as const, reason: null }
          : await migrate(user, origin, apply)),
      }
    }
  }

  async function migrate(
    user: User,
    origin: UsernameOrigin,
    apply: boolean,
  ): Promise<Pick<UsernameMigration, 'action' | 'reason'>> {
    const plan = planFor(user, origin)
    if ('action' in plan) return plan
    return apply ? rename(user, plan.change) : { action: 'rename', reason: null }
  }

  function planFor(user: User, origin: UsernameOrigin): MigrationPlan {
    const client = clientOf(user)
    if (client !== undefined) {
      const isGenerated = isServiceAddressShape(user.email)
      const address = isGenerated ? { email: usernames.serviceAddress(user.accountId, client) } : {}
      return { change: { username: usernames.usernameFor('service', client), ...address } }
    }
    if (origin.kind === 'invitation') return planForInvitation(user, origin)
    if (origin.secret === 'older') return { action: 'pending_sign_in', reason: migrationReasons.nextSignIn }
    if (origin.kind === 'service') return { action: 'review', reason: migrationReasons.unlistedClient }
    if (origin.kind === 'claim_account' && user.email !== undefined)
      return { action: 'review', reason: migrationReasons.unexpectedEmail }
    return { change: { username: usernames.replacementFor(user.username) } }
  }

  function planForInvitation(user: User, { secret }: UsernameOrigin): MigrationPlan {
    const { accountId, email } = user
    if (user.state !== 'pending' || email === undefined)
      return { action: 'review', reason: migrationReasons.closedInvitation }
    const client = services.find((each) => usernames.serviceAddresses(accountId, each).includes(email))
    const address = client === undefined ? email : usernames.serviceAddress(accountId, client)
    const role = user.username.startsWith('invite-a-') ? 'admin' : 'member'
    const username =
      secret === 'older'
        ? usernames.invitationUsernameWithRole({ ...user, email: address }, role)
        : usernames.invitationUsername({ accountId, email: address, role, idempotencyKey: user.username })
    return { change: { username, ...(address === email ? {} : { email: address }) } }
  }

  /** The listed client of this user, whose username an earlier build or an older secret created. */
  function clientOf({ username }: User): string | undefined {
    return services.find(
      (client) =>
        username === legacyUsername('service', issuerId, client) ||
        usernames.usernamesFor('service', client).includes(username),
    )
  }

  async function rename(user: User, change: UserChange): Promise<Pick<UsernameMigration, 'action' | 'reason'>> {
    const current = await threescale.findByUsername(user.username)
    if (current?.user.id !== user.id) return { action: 'review', reason: migrationReasons.changed }
    try {
      await threescale.updateUser(user.accountId, user.id, change)
    } catch (error) {
      if (isProblem(error, 'threescale_unavailable')) {
        // 3scale may have stored the change although its response was lost.
        if ((await threescale.findByUsername(change.username))?.user.id !== user.id) throw error
      } else if (isProblem(error, 'invalid_fields', 'conflict')) {
        const other = (await threescale.findByUsername(change.username))?.user
        const { rejected, signedUpAgain } = migrationReasons
        return { action: 'review', reason: other ? signedUpAgain(other.id, other.accountId) : rejected }
      } else throw error
    }
    return { action: 'renamed', reason: null }
  }
}
