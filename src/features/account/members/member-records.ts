import { asciiLower } from '../../../clients/mail/email-address.js'
import type { Threescale, User } from '../../../clients/threescale/types.js'
import { isProblem, problem } from '../../../errors.js'
import type { Caller } from '../../../web/auth/caller.js'
import { type CreateUserOnceDeps, createUserOnce } from '../duplicate-users.js'
import type { Member, NewMember } from '../schemas.js'
import { clientIdError } from '../usernames/service-addresses.js'
import { isServiceAddressShape, type Usernames, usernameShape } from '../usernames/usernames.js'
import { memberErrors } from './messages.js'

export interface MemberRecordsDeps {
  threescale: CreateUserOnceDeps['threescale'] & Pick<Threescale, 'updateUser'>
  duplicateRemoved: CreateUserOnceDeps['duplicateRemoved']
  usernames: Usernames
  /** Clients of API_CLIENTS. */
  services: string[]
}

type MemberSummary = Omit<Member, 'you' | 'claimed_organisation'>

/** How members and invitations are stored in 3scale, where each of them is a user with an address. */
export function createMemberRecords({ threescale, duplicateRemoved, usernames, services }: MemberRecordsDeps) {
  const clientByUsername = new Map(
    services.flatMap((client) => usernames.usernamesFor('service', client).map((username) => [username, client])),
  )

  return {
    /** Validates an invitation. Rejects with invalid_fields. */
    forInvitation({ accountId }: Caller, invitee: NewMember, idempotencyKey: string) {
      const { role, field, inviteeUsernames, emails } = validate(accountId, invitee)
      const [email = ''] = emails
      const username = usernames.invitationUsername({ accountId, email, role, idempotencyKey })

      return {
        /** Rejects with idempotency_key_reused or conflict where another invitation or member is found instead. */
        findExisting(users: User[]): User | undefined {
          const earlier = users.find((user) => usernames.requestedRole(user, idempotencyKey) !== undefined)
          if (earlier && (!isInvitee(earlier) || usernames.requestedRole(earlier, idempotencyKey) !== role))
            throw problem('idempotency_key_reused')
          if (earlier) return earlier
          const existing = users.find(isInvitee)
          if (existing && !isUnverifiedInvitation(existing) && roleOf(existing) !== role) throw roleConflict(existing)
          return existing
        },

        /** `isOurs`: false where another replica created it at the same moment. */
        async create(): Promise<{ user: User; isOurs: boolean }> {
          return createUserOnce({ threescale, duplicateRemoved }, accountId, { username, email, fields: {} })
        },

        activate,

        /**
         * The error for the admin where 3scale rejects the invitation. Every taken address gets the same message: otherwise any
         * admin could find out which addresses have an account.
         */
        toFieldError(error: unknown): unknown {
          if (!isProblem(error, 'invalid_fields')) return error
          const { fields = {} } = error
          if (fields.email?.includes('taken')) return fieldError(field, memberErrors.cannotInvite)
          return fields.email ? fieldError(field, memberErrors.rejectedAddress(fields.email)) : error
        },
      }

      function isInvitee(user: User): boolean {
        return inviteeUsernames.includes(user.username) || emails.includes(asciiLower(user.email ?? ''))
      }

      /** An invitation that no secret verifies becomes the one of this request. */
      async function activate(user: User): Promise<User> {
        return isUnverifiedInvitation(user) ? threescale.updateUser(accountId, user.id, { username }) : user
      }
    },

    summarize,
  }

  function validate(accountId: number, { email, client_id, role }: NewMember) {
    if ((email === undefined) === (client_id === undefined)) throw fieldError('email', memberErrors.emailOrClientId)
    if (client_id !== undefined) {
      const client = client_id.trim()
      const error = clientIdError(client)
      if (error) throw fieldError('client_id', error)
      // The result is the same whether API_CLIENTS lists the client or not, so that it is not revealed; the service decides.
      const inviteeUsernames = usernames.usernamesFor('service', client)
      return { role, field: 'client_id', inviteeUsernames, emails: usernames.serviceAddresses(accountId, client) }
    }
    // 3scale compares addresses case-sensitively.
    const address = asciiLower((email ?? '').trim())
    const error = addressError(address)
    if (error) throw fieldError('email', error)
    return { role, field: 'email', inviteeUsernames: [], emails: [address] }
  }

  function roleOf(user: User): Member['role'] {
    return usernames.invitedRole(user) ?? user.role
  }

  /** The username has the form of an invitation, and no secret verifies it: its secret was lost, or an earlier build created it. */
  function isUnverifiedInvitation(user: User): boolean {
    return user.state === 'pending' && usernameShape(user) === 'invitation' && !usernames.invitedRole(user)
  }

  function roleConflict(user: User) {
    const { kind } = summarize(user)
    const isInvited = usernames.invitedRole(user) !== undefined
    return problem('conflict', { detail: memberErrors.conflictingRole(kind, isInvited, roleOf(user)) })
  }

  /** A service that signed up: every other user that the portal creates has an address. */
  function isServiceWithoutAddress({ username, email }: User): boolean {
    return email === undefined && usernames.isPortalUsername(username)
  }

  function summarize(user: User): MemberSummary {
    const isService =
      usernames.isServiceAddress(user) || clientByUsername.has(user.username) || isServiceWithoutAddress(user)
    const invitedRole = usernames.invitedRole(user)
    return {
      id: user.id,
      kind: isService ? 'service' : 'person',
      state: invitedRole ? 'invited' : user.state === 'email_unverified' ? 'active' : user.state,
      role: invitedRole ?? user.role,
      email: isService ? null : (user.email ?? null),
      client_id: usernames.clientIdOf(user) ?? clientByUsername.get(user.username) ?? null,
      created_at: user.createdAt || null,
    }
  }
}

/** The checks of 3scale for users that it creates (porta, app/lib/authentication.rb: RE_EMAIL_OK; app/models/user.rb). */
function addressError(address: string): string | undefined {
  const [localPart = '', domain = '', ...rest] = address.split('@')
  if (localPart === '' || domain === '' || rest.length > 0 || isServiceAddressShape(address)) return memberErrors.email
  if (address.length > 255) return memberErrors.emailMax
  if (!/^['\w.%+-]+$/.test(localPart)) return memberErrors.emailLocalPart
  if (!/^(?:[a-z0-9-]+\.)+[a-z]{2,63}$/.test(domain)) return memberErrors.emailDomain
  return address.length < 6 ? memberErrors.emailMin : undefined
}

function fieldError(field: string, message: string) {
  return problem('invalid_fields', { fields: { [field]: message } })
}
