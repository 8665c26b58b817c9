import { asciiLower } from '../../clients/email-address.js'
import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { createUserOnce, type UserOnceDeps, unlessDoubled } from './doubled-users.js'
import {
  invitationName,
  invitationTag,
  invitedRole,
  isServiceAddress,
  serviceAddress,
  tagOf,
  usernameOf,
} from './names.js'
import type { Member, NewMember } from './schemas.js'

export interface EntriesDeps {
  threescale: UserOnceDeps['threescale'] & Pick<Threescale, 'setRole' | 'activateUser'>
  /** told of each user that 3scale accepted twice and was removed */
  duplicateRemoved(kind: 'user'): void
  issuerId: string
  services: string[]
}

type Described = Omit<Member, 'you' | 'claim_elsewhere'>

/** How people and services of an account are written in 3scale, where every one of them is a user with an address. */
export function createEntries({ threescale, duplicateRemoved, issuerId, services }: EntriesDeps) {
  const serviceOf = new Map(services.map((client) => [usernameOf('service', issuerId, client), client]))

  return {
    /** What is wanted, checked: how it is found again, made, and made whole. Rejects with invalid_fields. */
    of({ accountId }: Caller, wanted: NewMember, attempt: string) {
      const { role, target, username, email } = checked(wanted)
      const tag = invitationTag(accountId, attempt, [target, username ?? email, role])
      const wish = {
        username: username ?? invitationName(role, tag),
        email: username ? serviceAddress(tag) : email,
      }

      return {
        /** Rejects with attempt_reused or conflict where something else is there instead. */
        find(users: User[]): User | undefined {
          const earlier = users.find((user) => tagOf(user)?.attempt === tag.attempt)
          if (earlier && tagOf(earlier)?.wish !== tag.wish) throw problem('attempt_reused')
          if (earlier) return earlier
          const same = users.find((user) => (username ? user.username === username : isSame(user.email, email)))
          if (same && !isUnfinished(same) && roleOf(same) !== role) throw already(same)
          return same
        },

        async make(): Promise<User> {
          return finish(await createUserOnce({ threescale, duplicateRemoved }, accountId, { ...wish, fields: {} }))
        },

        finish,

        /** 3scale's "taken", for people. */
        refused(error: unknown): unknown {
          if (!isProblem(error, 'invalid_fields')) return error
          const { fields = {} } = error
          if (username && (fields.username || fields.email))
            return wrong(target, 'This service has an account of its own here, or belongs to another one.')
          if (fields.email?.includes('taken'))
            return wrong(
              target,
              'Somebody with this address has an account of their own here, or an invitation to one.',
            )
          return fields.email ? wrong(target, `3scale does not accept this address. ${fields.email}`) : error
        },
      }

      /** A service is there at once, its role before its state; a person makes themselves whole when they sign in. */
      async function finish(user: User): Promise<User> {
        if (!username || !isUnfinished(user)) return user
        if (user.role !== role) await unlessDoubled(() => threescale.setRole(accountId, user.id, role))
        await unlessDoubled(() => threescale.activateUser(accountId, user.id))
        return { ...user, role, state: 'active' }
      }
    },

    describe,
  }

  function checked({ email, client_id, role }: NewMember) {
    if ((email === undefined) === (client_id === undefined))
      throw wrong('email', 'Name an e-mail address, or a client_id of a service, and not both.')
    if (client_id !== undefined) {
      if (!services.includes(client_id)) throw wrong('client_id', 'The operator of this portal lists no such service.')
      return { role, target: 'client_id', username: usernameOf('service', issuerId, client_id), email: '' } as const
    }
    // 3scale compares addresses by case
    const address = asciiLower((email ?? '').trim())
    const fault = addressFault(address)
    if (fault) throw wrong('email', fault)
    return { role, target: 'email', username: undefined, email: address } as const
  }

  function describe(user: User): Described {
    const service = isServiceAddress(user.email) || serviceOf.has(user.username)
    const invited = invitedRole(user.username)
    return {
      id: user.id,
      kind: service ? 'service' : 'person',
      state: invited ? 'invited' : user.state === 'email_unverified' ? 'active' : user.state,
      role: invited ?? user.role,
      email: service ? null : (user.email ?? null),
      client_id: serviceOf.get(user.username) ?? null,
      created_at: user.createdAt || null,
    }
  }
}

/** As 3scale takes it of a user that is created there (porta, app/lib/authentication.rb: RE_EMAIL_OK; app/models/user.rb). */
function addressFault(address: string): string | undefined {
  const [local = '', domain = '', ...more] = address.split('@')
  if (local === '' || domain === '' || more.length > 0 || isServiceAddress(address))
    return 'This is not an e-mail address.'
  if (address.length > 255) return 'Use at most 255 characters.'
  if (!/^['\w.%+-]+$/.test(local)) return `3scale accepts only a-z, 0-9 and . _ % + - ' before the @.`
  if (!/^(?:[a-z0-9-]+\.)+[a-z]{2,63}$/.test(domain))
    return 'Write the domain as in example.com; one with other letters in its form with xn--.'
  return address.length < 6 ? 'Use at least 6 characters.' : undefined
}

function roleOf(user: User): Member['role'] {
  return invitedRole(user.username) ?? user.role
}

/** A service that was cut off between its first and its last write. */
function isUnfinished({ state, email }: User): boolean {
  return state === 'pending' && isServiceAddress(email)
}

function isSame(one: string | undefined, other: string): boolean {
  return one !== undefined && asciiLower(one) === other
}

function already(user: User) {
  const what = invitedRole(user.username) ? 'is invited' : 'is here'
  const role = roleOf(user) === 'admin' ? 'an admin' : 'a member'
  return problem('conflict', { detail: `That one ${what} already, as ${role}. Change the role instead.` })
}

function wrong(field: string, sentence: string) {
  return problem('invalid_fields', { fields: { [field]: sentence } })
}
