import type { Account, Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import { legacyUsername } from './legacy-names.js'
import { isServiceShaped, type MadeBy, type Names } from './names.js'

export interface RenamingDeps {
  threescale: Pick<Threescale, 'everybody' | 'findByUsername' | 'updateUser'>
  names: Names
  issuerId: string
  /** clients that may act as services */
  services: string[]
}

export interface RenamingChoice {
  /** false: nothing is written */
  apply: boolean
  /** only these; all where it is empty */
  kinds: MadeBy['kind'][]
  /** ids of users that keep their names */
  except: number[]
}

/** What happens to one user whose name is not under the first secret. */
export interface Renaming {
  kind: MadeBy['kind']
  account_id: number
  organisation: string
  account_state: Account['state']
  user_id: number
  role: User['role']
  user_state: User['state']
  created_at: string
  /**
   * `rename`: `--apply` renames it; `renamed`: it did; `kept`: it is one of those that keep their names; `waits`: it is renamed
   * when its person signs in; `review`: an operator must decide, as `reason` says
   */
  action: 'rename' | 'renamed' | 'kept' | 'waits' | 'review'
  reason: string | null
}

type Change = { username: string; email?: string }
type Plan = { change: Change } | { action: 'waits' | 'review'; reason: string }

/**
 * Gives users that earlier builds named, or that have names under an older secret, names under the first one. Users are
 * read page by page and renamed one after the other; each is read again before its write. A run that ended early is continued by
 * the next one, as who is renamed is not looked at again. Rejects where 3scale does not answer.
 */
export function createRenaming({ threescale, names, issuerId, services }: RenamingDeps) {
  return async function* run({ apply, kinds, except }: RenamingChoice): AsyncGenerator<Renaming> {
    for await (const { account, user } of threescale.everybody()) {
      const made = names.madeBy(user)
      if (!made || made.secret === 'first') continue
      const kind = clientOf(user) === undefined ? made.kind : 'service'
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
        ...(except.includes(user.id) ? { action: 'kept' as const, reason: null } : await settle(user, made, apply)),
      }
    }
  }

  async function settle(user: User, made: MadeBy, apply: boolean): Promise<Pick<Renaming, 'action' | 'reason'>> {
    const plan = planFor(user, made)
    if ('action' in plan) return plan
    return apply ? rename(user, plan.change) : { action: 'rename', reason: null }
  }

  function planFor(user: User, made: MadeBy): Plan {
    const client = clientOf(user)
    if (client !== undefined) {
      const address = isServiceShaped(user.email) ? { email: names.serviceAddress(user.accountId, client) } : {}
      return { change: { username: names.usernameOf('service', client), ...address } }
    }
    if (made.kind === 'invitation') return planForInvitation(user, made)
    if (made.secret === 'older') return { action: 'waits', reason: 'It is renamed at the next sign-in.' }
    if (made.kind === 'service')
      return {
        action: 'review',
        reason: 'No client of API_CLIENTS has this name. List the client, or remove the user.',
      }
    if (made.kind === 'anchor' && user.email !== undefined)
      return { action: 'review', reason: 'It has an e-mail address, so the portal did not create it. Remove it.' }
    return { change: { username: names.replacing(user.username) } }
  }

  function planForInvitation(user: User, { secret }: MadeBy): Plan {
    const { accountId, username, email } = user
    if (user.state !== 'pending' || email === undefined)
      return {
        action: 'review',
        reason: 'It has the name of an invitation but is not an open one. Remove or rename it.',
      }
    const client = services.find((one) => names.serviceAddressesOf(accountId, one).includes(email))
    const address = client === undefined ? email : names.serviceAddress(accountId, client)
    const role = username.startsWith('invite-a-') ? 'admin' : 'member'
    const name =
      secret === 'older'
        ? names.renamedInvitation({ ...user, email: address }, role)
        : names.invitationName({ accountId, email: address, role, attempt: username })
    return { change: { username: name, ...(address === email ? {} : { email: address }) } }
  }

  /** The listed client whose user this is, under a name of an earlier build or of an older secret. */
  function clientOf({ username }: User): string | undefined {
    return services.find(
      (client) =>
        username === legacyUsername('service', issuerId, client) ||
        names.usernamesOf('service', client).includes(username),
    )
  }

  async function rename(user: User, change: Change): Promise<Pick<Renaming, 'action' | 'reason'>> {
    const now = await threescale.findByUsername(user.username)
    if (now?.user.id !== user.id)
      return {
        action: 'review',
        reason: 'It has changed in the meantime, or another user has the same name. Run the command again.',
      }
    try {
      await threescale.updateUser(user.accountId, user.id, change)
    } catch (error) {
      if (isProblem(error, 'threescale_unavailable')) {
        // the answer may have been lost after the write
        if ((await threescale.findByUsername(change.username))?.user.id !== user.id) throw error
      } else if (isProblem(error, 'invalid_fields', 'conflict')) {
        const taken = (await threescale.findByUsername(change.username))?.user
        return { action: 'review', reason: taken ? takenBy(taken) : '3scale does not accept a change of this user.' }
      } else throw error
    }
    return { action: 'renamed', reason: null }
  }
}

function takenBy({ id, accountId }: User): string {
  return `User ${id} of account ${accountId} has the new name: the person signed up again. Keep one of the two.`
}
