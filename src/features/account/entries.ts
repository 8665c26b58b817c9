import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { createUserOnce, type UserOnceDeps, unlessDoubled } from './doubled-users.js'
import { isServiceShaped, type Names, shapeOf } from './names.js'
import type { Member, NewMember } from './schemas.js'

export interface EntriesDeps {
  threescale: UserOnceDeps['threescale'] & Pick<Threescale, 'setRole' | 'activateUser' | 'updateUser'>
  /** told of each user that 3scale accepted twice and was removed */
  duplicateRemoved(kind: 'user'): void
  names: Names
  services: string[]
}

type Described = Omit<Member, 'you' | 'claim_elsewhere'>

/** How people and services of an account are written in 3scale, where every one of them is a user with an address. */
export function createEntries({ threescale, duplicateRemoved, names, services }: EntriesDeps) {
  const serviceOf = new Map(
    services.flatMap((client) => names.usernamesOf('service', client).map((username) => [username, client])),
  )

  return {
    /** What is wanted, checked: how it is found again, made, and made whole. Rejects with invalid_fields. */
    of({ accountId }: Caller, wanted: NewMember, attempt: string) {
      const { role, target, usernames, emails } = checked(accountId, wanted)
      const [username] = usernames
      const [email = ''] = emails
      const wish = { username: username ?? names.invitationName({ accountId, email, role, attempt }), email }

      return {
        /** Rejects with attempt_reused or conflict where something else is there instead. */
        find(users: User[]): User | undefined {
          const earlier = users.find((user) => names.requestedRole(user, attempt) !== undefined)
          if (earlier && (!isHere(earlier) || names.requestedRole(earlier, attempt) !== role))
            throw problem('attempt_reused')
          if (earlier) return earlier
          const same = users.find(isHere)
          if (same && !isUnfinished(same) && !isUnproven(same) && roleOf(same) !== role) throw already(same)
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

      function isHere(user: User): boolean {
        return username ? usernames.includes(user.username) : emails.includes(user.email?.toLowerCase() ?? '')
      }

      /**
       * A service is there at once, its role before its state; a person makes themselves whole when they sign in. An invitation
       * of an earlier build becomes the one that this admin asks for.
       */
      async function finish(user: User): Promise<User> {
        if (isUnproven(user)) return threescale.updateUser(accountId, user.id, { username: wish.username })
        if (!username || !isUnfinished(user)) return user
        if (user.role !== role) await unlessDoubled(() => threescale.setRole(accountId, user.id, role))
        await unlessDoubled(() => threescale.activateUser(accountId, user.id))
        return { ...user, role, state: 'active' }
      }
    },

    describe,
  }

  function checked(accountId: number, { email, client_id, role }: NewMember) {
    if ((email === undefined) === (client_id === undefined))
      throw wrong('email', 'Name an e-mail address, or a client_id of a service, and not both.')
    if (client_id !== undefined) {
      if (!services.includes(client_id)) throw wrong('client_id', 'The operator of this portal lists no such service.')
      const usernames = names.usernamesOf('service', client_id)
      return { role, target: 'client_id', usernames, emails: names.serviceAddressesOf(accountId, client_id) } as const
    }
    // 3scale compares addresses by case
    const address = (email ?? '').trim().toLowerCase()
    const fault = addressFault(address)
    if (fault) throw wrong('email', fault)
    return { role, target: 'email', usernames: [] as string[], emails: [address] } as const
  }

  function roleOf(user: User): Member['role'] {
    return names.invitedRole(user) ?? user.role
  }

  /** A service that was cut off between its first and its last write. */
  function isUnfinished(user: User): boolean {
    return user.state === 'pending' && names.isServiceAddress(user)
  }

  /** Looks like an invitation, and no secret verifies it: made by an earlier build, or under a secret that was lost. */
  function isUnproven(user: User): boolean {
    return user.state === 'pending' && shapeOf(user) === 'invitation' && !names.invitedRole(user)
  }

  function already(user: User) {
    const what = names.invitedRole(user) ? 'is invited' : 'is here'
    const role = roleOf(user) === 'admin' ? 'an admin' : 'a member'
    return problem('conflict', { detail: `That one ${what} already, as ${role}. Change the role instead.` })
  }

  function describe(user: User): Described {
    const service = names.isServiceAddress(user) || serviceOf.has(user.username)
    const invited = names.invitedRole(user)
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
  if (local === '' || domain === '' || more.length > 0 || isServiceShaped(address))
    return 'This is not an e-mail address.'
  if (address.length > 255) return 'Use at most 255 characters.'
  if (!/^['\w.%+-]+$/.test(local)) return `3scale accepts only a-z, 0-9 and . _ % + - ' before the @.`
  if (!/^(?:[a-z0-9-]+\.)+[a-z]{2,63}$/.test(domain))
    return 'Write the domain as in example.com; one with other letters in its form with xn--.'
  return address.length < 6 ? 'Use at least 6 characters.' : undefined
}

function wrong(field: string, sentence: string) {
  return problem('invalid_fields', { fields: { [field]: sentence } })
}
