import type { DayLimits } from '../../clients/day-limits.js'
import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import { type Allowances, check } from '../../rules.js'
import type { Caller } from '../../web/caller.js'
import type { Accounts } from './accounts.js'
import type { Alone } from './alone.js'
import type { ClaimAccounts } from './claim-accounts.js'
import { createEntries } from './entries.js'
import type { Letters } from './letters.js'
import type { Names } from './names.js'
import type { Member, NewMember } from './schemas.js'

export interface MembersDeps {
  threescale: Threescale
  allowances: Allowances
  accounts: Pick<Accounts, 'changed' | 'removed'>
  claims: ClaimAccounts
  letters: Letters
  dayLimits: Pick<DayLimits, 'take'>
  alone: Alone
  duplicateRemoved(kind: 'user'): void
  names: Names
  /** clients that may act as services */
  services: string[]
}

const MOST_NEW_A_DAY = 100

export type Members = ReturnType<typeof createMembers>

interface Look {
  /** everybody of the account, as 3scale has them */
  users: User[]
  me: User
}

/** The people and services of the caller's own account, read from 3scale each time: who was removed does nothing more. */
export function createMembers({
  threescale,
  allowances,
  accounts,
  claims,
  letters,
  dayLimits,
  alone,
  names,
  ...more
}: MembersDeps) {
  const entries = createEntries({ threescale, names, ...more })

  return {
    /** In the order in which they came. What the sign-in service said of whom is for admins. */
    async list(caller: Caller): Promise<Member[]> {
      const { users, me } = await look(caller)
      const shown = users.filter(({ username }) => !names.isAnchor(username))
      return Promise.all(shown.map((user) => present(user, { users, me })))
    },

    async read(caller: Caller, id: number): Promise<Member> {
      const all = await look(caller)
      return present(one(all, id), all)
    },

    /** True where people who are invited receive an e-mail. */
    mails: letters.sends,

    /** Which rules stand before what an admin would do; for pages. One call to 3scale. */
    async readArea(): Promise<boolean> {
      return (await threescale.readSettings()).userAccountAreaEnabled
    },

    /**
     * Invites a person or a service: the same one again is the same member, also when it is sent twice at once. With the attempt
     * of another request it is attempt_reused; in another role conflict; invalid_fields where 3scale does not take the
     * address; too_many_requests after a hundred attempts within a day. Mailed at most once a day.
     */
    async add(caller: Caller, wanted: NewMember, attempt: string): Promise<{ member: Member; mailed: boolean }> {
      const entry = entries.of(caller, wanted, attempt)
      const { member, isNew } = await oneByOne(caller, async (all) => {
        check(['admins_manage_members'], all.me)
        const there = entry.find(all.users)
        if (there) return { member: await present(await entry.finish(there), all), isNew: false }
        check(['multiple_users'], { allowances })
        await countAttempt(caller)
        try {
          return { member: await present(await entry.make(), all), isNew: true }
        } catch (error) {
          if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')) throw error
          // another replica was first, or the answer was lost
          const made = entry.find((await look(caller)).users)
          if (made) return { member: await present(await entry.finish(made), all), isNew: false }
          throw entry.refused(error)
        }
      })
      return { member, mailed: isNew && member.email !== null && (await letters.invite(caller, member.email)) }
    },

    /** The role of somebody who is here, or that an invitation gives. */
    async change(
      caller: Caller,
      id: number,
      role: Member['role'],
    ): Promise<{ member: Member; before: Member['role'] }> {
      return oneByOne(caller, async (all) => {
        check(['admins_manage_members'], all.me)
        const user = one(all, id)
        const before = names.invitedRole(user)
        if (before) {
          check(['multiple_users'], { allowances })
          const username = names.renamedInvitation(user, role)
          const renamed = before === role ? user : await threescale.updateUser(caller.accountId, id, { username })
          return { member: await present(renamed, all), before }
        }
        await checkArea()
        if (role === 'member' && user.role === 'admin') checkLast(all, user)
        // also where 3scale did not answer: it may have stored the change
        const write = () => threescale.setRole(caller.accountId, id, role).finally(() => accounts.changed(user))
        const changed = user.role === role ? user : await lastKept(user, write)
        return { member: await present(changed, all), before: user.role }
      })
    },

    /** Of an admin: anybody, and every invitation; of everybody: themselves. Applications stay with the account. */
    async remove(caller: Caller, id: number): Promise<Member> {
      return oneByOne(caller, async (all) => {
        const user = one(all, id)
        if (user.id !== all.me.id) check(['admins_manage_members'], all.me)
        if (names.invitedRole(user)) check(['multiple_users'], { allowances })
        else {
          await checkArea()
          if (user.role === 'admin') checkLast(all, user)
        }
        const member = await present(user, all)
        await lastKept(user, () => threescale.deleteUser(caller.accountId, id).finally(() => accounts.changed(user)))
        await accounts.removed(user)
        return member
      })
    },
  }

  async function look({ accountId, userId }: Caller): Promise<Look> {
    const users = await threescale.listUsers(accountId)
    const me = users.find(({ id }) => id === userId)
    if (!me) throw problem('forbidden', { detail: 'You do not belong to this account any more. Sign in again.' })
    return { users, me }
  }

  /** Two admins who remove one another at once: one of them goes first, and the other is the last. */
  async function oneByOne<T>(caller: Caller, work: (all: Look) => Promise<T>): Promise<T> {
    return alone(`members:${caller.accountId}`, async () => work(await look(caller)))
  }

  /** An answer says whether an address has an account already, so that nobody may ask for any number of addresses. */
  async function countAttempt({ accountId }: Caller): Promise<void> {
    if (await dayLimits.take([{ key: `new members of ${accountId}`, most: MOST_NEW_A_DAY }])) return
    throw problem('too_many_requests', {
      detail: `An account can invite or add at most ${MOST_NEW_A_DAY} people and services a day. Try again tomorrow.`,
      retryAfter: 3600,
    })
  }

  async function checkArea(): Promise<void> {
    const { userAccountAreaEnabled: areaEnabled } = await threescale.readSettings()
    check(['useraccountarea_enabled'], { areaEnabled })
  }

  function checkLast({ users }: Look, { id }: User): void {
    check(['last_admin'], { otherAdmins: users.filter((user) => user.id !== id && isAdmin(user)).length })
  }

  /** 3scale keeps the last admin too (porta, app/models/user.rb): another replica may have removed the others meanwhile. */
  async function lastKept<T>({ id, accountId }: User, write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (!isProblem(error, 'conflict')) throw error
      const others = (await threescale.listUsers(accountId)).filter((user) => user.role === 'admin' && user.id !== id)
      check(['last_admin'], { otherAdmins: others.length })
      throw error
    }
  }

  /** Somebody who is here and manages the others: not an invitation, and not the name that holds an account together. */
  function isAdmin({ role, state, username }: User): boolean {
    const here = state === 'active' || state === 'email_unverified'
    return role === 'admin' && here && !names.isAnchor(username)
  }

  function one({ users }: Look, id: number): User {
    const user = users.find((candidate) => candidate.id === id && !names.isAnchor(candidate.username))
    if (!user) throw problem('not_found')
    return user
  }

  async function present(user: User, { users, me }: Look): Promise<Member> {
    const elsewhere = isAdmin(me) ? await claims.elsewhere(user, users) : undefined
    return { ...entries.describe(user), you: user.id === me.id, claim_elsewhere: elsewhere ?? null }
  }
}
