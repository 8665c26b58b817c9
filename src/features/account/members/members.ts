import type { RecentReads } from '../../../clients/threescale/memory/recent-reads.js'
import type { Threescale, User } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { DayLimits } from '../../../infra/day-limits.js'
import type { WithLock } from '../../../infra/lock.js'
import { type Allowances, enforce } from '../../../policies.js'
import type { Precondition } from '../../../web/api/preconditions.js'
import { assertReadOnlyUnchanged } from '../../../web/api/validation/read-only-fields.js'
import type { Caller } from '../../../web/auth/caller.js'
import type { Accounts } from '../enrolment/accounts.js'
import type { ClaimAccounts } from '../enrolment/claim-accounts.js'
import type { Member, MemberChange, NewMember } from '../schemas.js'
import type { InvitationMail } from './invitation-mail.js'
import { memberEtag } from './member-etag.js'
import { createMemberRecords, type MemberRecordsDeps } from './member-records.js'
import type { MemberResults } from './member-results.js'
import { memberErrors } from './messages.js'

type UserRequests = 'listUsers' | 'updateUser' | 'deleteUser' | 'setRole' | 'readSettings'

export interface MembersDeps extends Omit<MemberRecordsDeps, 'threescale'> {
  threescale: MemberRecordsDeps['threescale'] & Pick<Threescale, UserRequests>
  /** for display */
  recent: Pick<RecentReads, 'listUsers' | 'readSettings'>
  allowances: Allowances
  accounts: Pick<Accounts, 'invalidateUser' | 'endUserSessions'>
  claims: Pick<ClaimAccounts, 'claimedElsewhere'>
  invitationMail: InvitationMail
  dayLimits: Pick<DayLimits, 'take'>
  withLock: WithLock
  results: MemberResults
}

const MAX_NEW_MEMBERS_A_DAY = 100

export type Members = ReturnType<typeof createMembers>

interface AccountMembers {
  users: User[]
  me: User
}

/** The people and services of the caller's account. Changes read 3scale, so a removed user can change nothing. */
export function createMembers({
  threescale,
  recent,
  allowances,
  accounts,
  claims,
  invitationMail,
  dayLimits,
  withLock,
  usernames,
  results,
  ...recordsDeps
}: MembersDeps) {
  const records = createMemberRecords({ threescale, usernames, ...recordsDeps })

  return {
    /** In the order of their creation. Only admins see the claimed organisations. */
    async list(caller: Caller): Promise<Member[]> {
      const account = await readMembers(caller, recent)
      const users = account.users.filter(({ username }) => !usernames.isClaimAccountUsername(username))
      return Promise.all(users.map((user) => toMember(user, account)))
    },

    async read(caller: Caller, id: number): Promise<Member> {
      const account = await readMembers(caller, recent)
      return toMember(findMember(account, id), account)
    },

    sendsInvitationMail: invitationMail.isEnabled,

    /** Whether the tenant lets accounts change their members, for display. */
    async isAccountAreaEnabled({ accountId }: Caller): Promise<boolean> {
      return (await recent.readSettings(accountId)).userAccountAreaEnabled
    },

    /**
     * Invites a person or a service. A repeated invitation returns the same member, also where two are sent at once. Rejects
     * with idempotency_key_reused where the key belongs to another request, with result_deleted where its result was removed,
     * with conflict where the member has another role, with invalid_fields where 3scale rejects the address, and with
     * too_many_requests after a hundred new members in a day. An invitee receives at most one e-mail a day.
     */
    async invite(
      caller: Caller,
      invitee: NewMember,
      idempotencyKey: string,
    ): Promise<{ member: Member; isNew: boolean; isMailed: boolean }> {
      const record = records.forInvitation(caller, invitee, idempotencyKey)
      const invited = await withMembersLock(caller, async (account) => {
        enforce(['admins_manage_members'], account.me)
        const existing =
          record.findExisting(account.users) ?? (await results.find(caller, idempotencyKey, account.users))
        if (existing)
          return { member: await toMember(await record.activate(existing), account), isNew: false, sendsMail: false }
        enforce(['multiple_users'], { allowances })
        await countNewMember(caller)
        try {
          const { user, isOurs } = await record.create()
          await results.record(caller, idempotencyKey, user)
          return { member: await toMember(user, account), isNew: isOurs, sendsMail: isOurs }
        } catch (error) {
          if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')) throw error
          // Another replica was first, or the response was lost.
          const created = record.findExisting((await readMembers(caller)).users)
          if (!created) throw record.toFieldError(error)
          const user = await record.activate(created)
          await results.record(caller, idempotencyKey, user)
          const isNew = isProblem(error, 'threescale_unavailable')
          return { member: await toMember(user, account), isNew, sendsMail: false }
        }
      })
      const { member, isNew, sendsMail } = invited
      const isMailed = sendsMail && member.email !== null && (await invitationMail.send(caller, member.email))
      return { member, isNew, isMailed }
    },

    /**
     * Changes the role of a member or of an invitation. Read-only fields must be unchanged; an unchanged role writes nothing.
     * Rejects with precondition_failed, invalid_fields and policy_violation.
     */
    async change(
      caller: Caller,
      id: number,
      { role, ...readOnlyFields }: MemberChange,
      precondition?: Precondition,
    ): Promise<{ member: Member; before: Member['role'] }> {
      return withMembersLock(caller, async (account) => {
        enforce(['admins_manage_members'], account.me)
        const user = findMember(account, id)
        const current = await toMember(user, account)
        precondition?.(memberEtag(current))
        assertReadOnlyUnchanged(current, readOnlyFields)
        const { role: before } = current
        if (role === undefined || role === before) return { member: current, before }
        const changed = usernames.invitedRole(user)
          ? await changeInvitedRole(caller, user, role)
          : await changeMemberRole(caller, account, user, role)
        return { member: await toMember(changed, account), before }
      })
    },

    /** Admins remove members and invitations; a member may leave. Applications stay with the account. */
    async remove(caller: Caller, id: number, precondition?: Precondition): Promise<Member> {
      return withMembersLock(caller, async (account) => {
        const user = findMember(account, id)
        if (user.id !== account.me.id) enforce(['admins_manage_members'], account.me)
        if (usernames.invitedRole(user)) enforce(['multiple_users'], { allowances })
        else {
          await assertAccountAreaEnabled()
          if (user.role === 'admin') assertNotLastAdmin(account, user)
        }
        const member = await toMember(user, account)
        precondition?.(memberEtag(member))
        await keepingLastAdmin(user, () =>
          threescale.deleteUser(caller.accountId, id).finally(() => accounts.invalidateUser(user)),
        )
        await accounts.endUserSessions(user)
        return member
      })
    },
  }

  async function changeInvitedRole({ accountId }: Caller, user: User, role: Member['role']): Promise<User> {
    enforce(['multiple_users'], { allowances })
    return threescale.updateUser(accountId, user.id, { username: usernames.invitationUsernameWithRole(user, role) })
  }

  async function changeMemberRole(
    { accountId }: Caller,
    account: AccountMembers,
    user: User,
    role: Member['role'],
  ): Promise<User> {
    await assertAccountAreaEnabled()
    if (role === 'member') assertNotLastAdmin(account, user)
    // The user is invalidated also where 3scale did not respond: it may have stored the change.
    return keepingLastAdmin(user, () =>
      threescale.setRole(accountId, user.id, role).finally(() => accounts.invalidateUser(user)),
    )
  }

  async function readMembers(
    { accountId, userId }: Caller,
    { listUsers }: Pick<Threescale, 'listUsers'> = threescale,
  ): Promise<AccountMembers> {
    const users = await listUsers(accountId)
    const me = users.find(({ id }) => id === userId)
    if (!me) throw problem('forbidden', { detail: memberErrors.notAMember })
    return { users, me }
  }

  /** Serializes changes: of two admins that remove each other at the same time, the second one is the last admin. */
  async function withMembersLock<T>(caller: Caller, work: (account: AccountMembers) => Promise<T>): Promise<T> {
    return withLock(`members:${caller.accountId}`, async () => work(await readMembers(caller)))
  }

  /** The response reveals whether an address has an account, so the number of invitations is limited. */
  async function countNewMember({ accountId }: Caller): Promise<void> {
    const max = MAX_NEW_MEMBERS_A_DAY
    if (await dayLimits.take([{ key: `new members of ${accountId}`, max }])) return
    throw problem('too_many_requests', { detail: memberErrors.dailyLimit(max), retryAfter: 3600 })
  }

  async function assertAccountAreaEnabled(): Promise<void> {
    const { userAccountAreaEnabled: areaEnabled } = await threescale.readSettings()
    enforce(['useraccountarea_enabled'], { areaEnabled })
  }

  function assertNotLastAdmin({ users }: AccountMembers, { id }: User): void {
    enforce(['last_admin'], { otherAdmins: users.filter((user) => user.id !== id && isActiveAdmin(user)).length })
  }

  /** 3scale protects the last admin too (porta, app/models/user.rb): another replica may have removed the others. */
  async function keepingLastAdmin<T>({ id, accountId }: User, write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (!isProblem(error, 'conflict')) throw error
      const others = (await threescale.listUsers(accountId)).filter((user) => user.role === 'admin' && user.id !== id)
      enforce(['last_admin'], { otherAdmins: others.length })
      throw error
    }
  }

  /** Neither an invitation nor the user that holds a claim account counts. */
  function isActiveAdmin({ role, state, username }: User): boolean {
    const isActive = state === 'active' || state === 'email_unverified'
    return role === 'admin' && isActive && !usernames.isClaimAccountUsername(username)
  }

  function findMember({ users }: AccountMembers, id: number): User {
    const user = users.find((each) => each.id === id && !usernames.isClaimAccountUsername(each.username))
    if (!user) throw problem('not_found')
    return user
  }

  async function toMember(user: User, { users, me }: AccountMembers): Promise<Member> {
    const claimed = isActiveAdmin(me) ? await claims.claimedElsewhere(user, users) : undefined
    return { ...records.summarize(user), you: user.id === me.id, claimed_organisation: claimed ?? null }
  }
}
