import { asciiLower } from '../../clients/email-address.js'
import type { Threescale, User } from '../../clients/threescale/nouns.js'
import { isProblem, problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import { createUserOnce, type UserOnceDeps } from './doubled-users.js'
import { isServiceShaped, type Names, shapeOf } from './names.js'
import type { Member, NewMember } from './schemas.js'
import { clientIdFault } from './service-addresses.js'

export interface EntriesDeps {
  threescale: UserOnceDeps['threescale'] & Pick<Threescale, 'updateUser'>
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
    /** An invitation, checked: how it is found again and created. Rejects with invalid_fields. */
    of({ accountId }: Caller, wanted: NewMember, attempt: string) {
      const { role, target, usernames, emails } = checked(accountId, wanted)
      const [email = ''] = emails
      const wish = { username: names.invitationName({ accountId, email, role, attempt }), email }

      return {
        /** Rejects with attempt_reused or conflict where something else is there instead. */
        find(users: User[]): User | undefined {
          const earlier = users.find((user) => names.requestedRole(user, attempt) !== undefined)
          if (earlier && (!isHere(earlier) || names.requestedRole(earlier, attempt) !== role))
            throw problem('attempt_reused')
          if (earlier) return earlier
          const same = users.find(isHere)
          if (same && !isUnproven(same) && roleOf(same) !== role) throw already(same)
          return same
        },

        async make(): Promise<User> {
          return createUserOnce({ threescale, duplicateRemoved }, accountId, { ...wish, fields: {} })
        },

        finish,

        /**
         * What an admin reads where 3scale rejects the invitation. A taken address gets one sentence, whoever has it: otherwise any
         * admin could find out who has an account.
         */
        refused(error: unknown): unknown {
          if (!isProblem(error, 'invalid_fields')) return error
          const { fields = {} } = error
          if (fields.email?.includes('taken')) return wrong(target, CANNOT_INVITE)
          return fields.email ? wrong(target, `3scale does not accept this address. ${fields.email}`) : error
        },
      }

      function isHere(user: User): boolean {
        return usernames.includes(user.username) || emails.includes(asciiLower(user.email ?? ''))
      }

      /** An invitation of an earlier build becomes the one that this admin asks for. */
      async function finish(user: User): Promise<User> {
        return isUnproven(user) ? threescale.updateUser(accountId, user.id, { username: wish.username }) : user
      }
    },

    describe,
  }

  function checked(accountId: number, { email, client_id, role }: NewMember) {
    if ((email === undefined) === (client_id === undefined))
      throw wrong('email', 'Name an e-mail address, or a client_id of a service, and not both.')
    if (client_id !== undefined) {
      const client = client_id.trim()
      const fault = clientIdFault(client)
      if (fault) throw wrong('client_id', fault)
      // listed in API_CLIENTS or not, signed up elsewhere or not: the answer is the same, and the service decides
      const usernames = names.usernamesOf('service', client)
      return { role, target: 'client_id', usernames, emails: names.serviceAddressesOf(accountId, client) } as const
    }
    // 3scale compares addresses by case
    const address = asciiLower((email ?? '').trim())
    const fault = addressFault(address)
    if (fault) throw wrong('email', fault)
    return { role, target: 'email', usernames: [] as string[], emails: [address] } as const
  }

  function roleOf(user: User): Member['role'] {
    return names.invitedRole(user) ?? user.role
  }

  /** Looks like an invitation, and no secret verifies it: made by an earlier build, or under a secret that was lost. */
  function isUnproven(user: User): boolean {
    return user.state === 'pending' && shapeOf(user) === 'invitation' && !names.invitedRole(user)
  }

  function already(user: User) {
    const who = describe(user).kind === 'service' ? 'This service' : 'This person'
    const state = names.invitedRole(user) ? 'has already been invited' : 'is already in this account'
    const role = roleOf(user) === 'admin' ? 'an admin' : 'a member'
    return problem('conflict', { detail: `${who} ${state} as ${role}. Change the role instead.` })
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
      client_id: names.clientOf(user) ?? serviceOf.get(user.username) ?? null,
      created_at: user.createdAt || null,
    }
  }
}

const CANNOT_INVITE =
  'This address cannot be invited. Invite another address, or ask its owner to contact the operator of this portal.'

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
