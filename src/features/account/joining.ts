import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Identity } from '../../web/caller.js'
import type { ClaimAccounts } from './claim-accounts.js'
import { orStripped } from './claimed-text.js'
import { createUserOnce, unlessDoubled } from './doubled-users.js'
import { findByEmail } from './link.js'
import type { Names } from './names.js'
import { refusedAddress } from './refused-text.js'
import type { Completion, Questions, SignUp } from './sign-up.js'
import { checkStanding, type Found } from './standing.js'

/** An account that somebody joins instead of having one of their own. */
export interface Joins {
  account: string
  role: User['role']
  by: 'invitation' | 'claim'
  /** nobody is there yet: this person's answers make the account */
  isNew: boolean
}

export type Joined = Found | (Questions & { into: Joins })

export interface JoiningDeps {
  threescale: Threescale
  names: Pick<Names, 'invitedRole'>
  signUp: SignUp
  claims: ClaimAccounts
  duplicateRemoved(kind: 'user'): void
}

/** Two ways into an account that is there already; each can be cut off at any step and goes on at the next sign-in. */
export function createJoining({ threescale, names, signUp, claims, duplicateRemoved }: JoiningDeps) {
  return {
    /** Whose account a newcomer would join; undefined: they would have their own. */
    async destination(identity: Identity): Promise<Joins | undefined> {
      const { kind, email, emailVerified } = identity
      const other = kind === 'person' && email && emailVerified ? await findByEmail(threescale, email) : undefined
      if (other) return joinsByInvitation(other)
      const value = claims.valueFor(identity)
      return value === undefined ? undefined : joinsByClaim(claims, identity, value, await claims.find(value))
    },

    /**
     * The invited user becomes this person's. It is asked first always, as whoever invites chooses the address. The role is
     * written first and the state last: until the name is this person's, the user is pending, which is what makes an invitation
     * count, and whoever has the name is finished at the next sign-in, in a role that is there already.
     */
    async invited(identity: Identity, invitation: Found, username: string, completion?: Completion): Promise<Joined> {
      const { account, user } = invitation
      const into = joinsByInvitation(invitation)
      if (!into) throw problem('not_found')
      const { role } = into
      checkStanding(invitation)
      const ready = await signUp.prepare(identity, completion, { joins: true, always: true })
      if (!('answers' in ready)) return { ...ready, into }
      if (user.role !== role) await threescale.setRole(account.id, user.id, role)
      const taken = await taking(async () =>
        orStripped(ready.answers, ready.claimed, async (fields) => {
          const renamed = await threescale.updateUser(account.id, user.id, { username, fields })
          return { account, user: { ...renamed, role, fields: { ...renamed.fields, ...fields } } }
        }),
      )
      if (taken.user.state === 'pending')
        await unlessDoubled(() => threescale.activateUser(taken.account.id, taken.user.id))
      return { account: taken.account, user: { ...taken.user, state: 'active' } }

      async function taking(write: () => Promise<Found>): Promise<Found> {
        try {
          return await write()
        } catch (error) {
          const done = isProblem(error, 'threescale_unavailable')
            ? await threescale.findByUsername(username)
            : undefined
          if (done) return done
          throw refusedAddress(error)
        }
      }
    },

    /** The first of a value makes its account, under a name that one account has, and is then in it as all others are. */
    async byClaim(identity: Identity, value: string, username: string, completion?: Completion): Promise<Joined> {
      const there = await claims.find(value)
      const into = joinsByClaim(claims, identity, value, there)
      const ready = await signUp.prepare(identity, completion, { joins: !into.isNew })
      if (!('answers' in ready)) return { ...ready, into }
      const wanted = { orgName: value, username: claims.anchor(value), email: undefined }
      if (!there) await claims.checkNotNamedBefore(value)
      const home = there ? await claims.renewed(await signUp.finish(there), value) : await signUp.make(ready, wanted)
      checkStanding(home)
      const { account } = home
      const user = await orStripped(ready.userAnswers, ready.claimed, (fields) =>
        enrolled(account.id, username, ready.email ?? '', fields),
      )
      return settled({ account, user }, into.role)
    },

    /** Somebody whose joining was cut off, as an admin where the sign-in service says so. */
    async goOn(identity: Identity, known: Found): Promise<Found> {
      const value = claims.valueFor(identity)
      const there = value === undefined ? undefined : await claims.find(value)
      return there?.account.id === known.account.id ? settled(known, claims.roleOf(identity)) : known
    },
  }

  function joinsByInvitation({ account, user }: Found): Joins | undefined {
    const role = names.invitedRole(user)
    return role && { account: short(account.orgName), role, by: 'invitation', isNew: false }
  }

  /** "Taken": another replica was first, or the answer was lost; the name tells. */
  async function enrolled(accountId: number, username: string, email: string, fields: Record<string, string>) {
    try {
      return await createUserOnce({ threescale, duplicateRemoved }, accountId, { username, email, fields })
    } catch (error) {
      const done = isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable')
        ? await threescale.findByUsername(username)
        : undefined
      if (done?.account.id === accountId) return done.user
      throw refusedAddress(error)
    }
  }

  /** The role before the state: who is active was made whole. */
  async function settled({ account, user }: Found, role: User['role']): Promise<Found> {
    if (user.state !== 'pending') return { account, user }
    if (role === 'admin' && user.role !== 'admin')
      await unlessDoubled(() => threescale.setRole(account.id, user.id, role))
    await unlessDoubled(() => threescale.activateUser(account.id, user.id))
    return (await threescale.findByUsername(user.username)) ?? { account, user }
  }
}

function joinsByClaim(claims: ClaimAccounts, identity: Identity, value: string, there: Found | undefined): Joins {
  const account = short(there?.account.orgName ?? value)
  return { account, role: claims.roleOf(identity), by: 'claim', isNew: there === undefined }
}

/** It travels in a cookie. */
function short(name: string): string {
  return Array.from(name).slice(0, 80).join('')
}
