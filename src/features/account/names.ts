import { createHmac, hkdfSync } from 'node:crypto'
import { asciiLower } from '../../clients/email-address.js'
import type { User } from '../../clients/threescale/nouns.js'
import { COLUMN_CHARACTERS, onOneLine } from '../../clients/threescale/text.js'
import { base32 } from './base32.js'
import { legacyAnchor, legacyUsername } from './legacy-names.js'
import { clientLabels, clientOfLabels } from './service-addresses.js'

export interface NamesDeps {
  /** USERNAME_SECRET: the first makes names, all verify and find them; at least one */
  secrets: string[]
  /** what the issuer may have been called in names, the present one first */
  issuerIds(): [string, ...string[]]
}

export type Kind = 'person' | 'service'
export type Role = User['role']
export type Names = ReturnType<typeof createNames>

/** What an invitation is bound to; `email` is a service's `serviceAddress`. */
export interface InvitationOf {
  accountId: number
  email: string
  role: Role
  /** the idempotency key of the request that invites */
  attempt: string
}

export interface MadeBy {
  kind: 'user' | 'service' | 'anchor' | 'invitation'
  /** `none`: of an earlier build, under a secret that was lost, or chosen by somebody in 3scale's own portal */
  secret: 'first' | 'older' | 'none'
}

/** The parts of a user that decide whether their name is believed. */
export type Named = Pick<User, 'accountId' | 'username' | 'email' | 'state'>

const NAME = /^(sso|claim)-([a-z2-7]{20})([a-z2-7]{12})$/
const INVITATION = /^(invite-[am]-([a-z2-7]{15})([am]))([a-z2-7]{15})$/
const SERVICE = /^([a-z2-7]{16})([a-z2-7]{15})@(?:([a-z2-7.]+)\.)?service\.invalid$/

/**
 * The names that the portal gives users in 3scale. 3scale's own portal lets people choose their user name and address, so every
 * name carries an HMAC under the portal's secret, and a name that does not verify belongs to an ordinary user of 3scale.
 * They fit 3scale's 3 to 40 characters. HMAC-SHA256, base32: 5 bits a character.
 */
export function createNames({ secrets, issuerIds }: NamesDeps) {
  const keys = secrets.map((secret) => ({
    body: keyOf(secret, 'user names'),
    tag: keyOf(secret, 'user name tags'),
    invitation: keyOf(secret, 'invitations'),
    service: keyOf(secret, 'service addresses'),
  }))
  const [first] = keys
  if (!first) throw new Error('no secret to make names with')

  /** A legacy name under one secret: 100 bits that find the user, 60 that show who made the name. */
  const named = (legacy: string, { body, tag }: typeof first) => {
    const [kind = ''] = legacy.split('-')
    const start = `${kind}-${mac(body, legacy, 20)}`
    return start + mac(tag, start, 12)
  }
  const all = (legacy: string) => keys.map((key) => named(legacy, key))
  /** 0 for a name under the first secret; undefined for one that is not ours. */
  const secretOf = (username: string): number | undefined => {
    const [, kind, body, tag] = NAME.exec(username) ?? []
    const index = keys.findIndex((key) => tag === mac(key.tag, `${kind}-${body}`, 12))
    return index < 0 ? undefined : index
  }
  const isKind = (kind: 'sso' | 'claim', username: string) =>
    username.startsWith(`${kind}-`) && secretOf(username) !== undefined
  const invitationTag = (accountId: number, start: string, email: string, key = first) =>
    mac(key.invitation, `${accountId}\n${start}\n${asciiLower(email)}`, 15)
  const attemptTag = (accountId: number, attempt: string, key = first) =>
    mac(key.invitation, `attempt\n${accountId}\n${attempt}`, 15)
  const present = () => issuerIds()[0]
  const service = (accountId: number, clientId: string, key = first, issuer = present()) => {
    const start = mac(key.service, `client\n${accountId}\n${issuer}\n${clientId}`, 16)
    const tag = mac(key.service, `tag\n${accountId}\n${start}`, 15)
    return `${start}${tag}@${clientLabels(clientId)}.service.invalid`
  }
  const servicesOf = (accountId: number, clientId: string): string[] =>
    issuerIds().flatMap((issuer) => keys.map((key) => service(accountId, clientId, key, issuer)))

  return {
    /** The user name of a caller. It depends on issuer and subject alone, so every replica finds them by it in one call. */
    usernameOf: (kind: Kind, subject: string): string => named(legacyUsername(kind, present(), subject), first),

    /** The same under every secret and issuer, the present ones first: where to look for somebody. */
    usernamesOf: (kind: Kind, subject: string): string[] =>
      issuerIds().flatMap((issuer) => all(legacyUsername(kind, issuer, subject))),

    /** True for names of people and services that this portal made: they have a subject and are never linked to another. */
    isOurs: (username: string): boolean => isKind('sso', username),

    /**
     * The user that holds the account of a value of the mapped claim, under every secret. 3scale accepts a name twice where two
     * requests arrive at once, and of those one account is kept. It is nobody's: an account needs an admin before the
     * first person comes.
     */
    anchorsOf: (claim: string, value: string): string[] =>
      issuerIds().flatMap((issuer) => all(legacyAnchor(issuer, claim, value))),

    /** The name that earlier builds gave the same user; proves nothing. */
    earlierAnchorOf: (claim: string, value: string): string => legacyAnchor(present(), claim, value),

    isAnchor: (username: string): boolean => isKind('claim', username),

    /** What a user is by their name, and which secret verifies it; undefined for an ordinary user of 3scale's own portal. */
    madeBy(user: Named): MadeBy | undefined {
      const shape = shapeOf(user)
      if (!shape) return undefined
      const index = shape === 'invitation' ? invitationOf(user)?.index : secretOf(user.username)
      const kind = shape === 'user' && isServiceShaped(user.email) ? 'service' : shape
      return { kind, secret: index === undefined ? 'none' : index === 0 ? 'first' : 'older' }
    },

    /** The name that replaces one of an earlier build, as `usernameOf` would make it; its subject need not be known. */
    replacing: (legacy: string): string => named(legacy, first),

    /**
     * An invitation is a pending user with the invited address, or with a `serviceAddress`. Its name holds the role, so that
     * nobody who has not joined yet is an admin for 3scale, which keeps the last one; which request made it, so that a
     * repeat finds it; and a tag that binds it to this account, role and address.
     */
    invitationName({ accountId, email, role, attempt }: InvitationOf): string {
      const start = `invite-${letter(role)}-${attemptTag(accountId, attempt)}${letter(role)}`
      return start + invitationTag(accountId, start, email)
    },

    invitedRole,

    /** The name of the same invitation with another role. */
    renamedInvitation({ accountId, username, email = '' }: Named, role: Role): string {
      const [, , attempt, requested] = INVITATION.exec(username) ?? []
      const start = `invite-${letter(role)}-${attempt}${requested}`
      return start + invitationTag(accountId, start, email)
    },

    /** The role that the request of this idempotency key asked for; undefined: another request made this invitation. */
    requestedRole(user: Named, attempt: string): Role | undefined {
      if (!invitedRole(user)) return undefined
      const [, , tag, requested] = INVITATION.exec(user.username) ?? []
      if (!keys.some((key) => attemptTag(user.accountId, attempt, key) === tag)) return undefined
      return requested === 'a' ? 'admin' : 'member'
    },

    /**
     * The address of a service in an account, by which its user or its invitation is found in one call: 3scale requires an address
     * of users that are created there, and a service has none (RFC 2606: `invalid` never is).
     */
    serviceAddress: (accountId: number, clientId: string): string => service(accountId, clientId),

    /** The same under every secret, the first one first. */
    serviceAddressesOf: servicesOf,

    /** The client id of the address of a service in this very account; undefined for every other address. */
    clientOf({ accountId, email = '' }: Pick<User, 'accountId' | 'email'>): string | undefined {
      const [, , , labels = ''] = SERVICE.exec(email) ?? []
      const clientId = clientOfLabels(labels)
      return servicesOf(accountId, clientId).includes(email) ? clientId : undefined
    },

    /** True for the address of a service in this very account. */
    isServiceAddress({ accountId, email = '' }: Pick<User, 'accountId' | 'email'>): boolean {
      const [, start, tag] = SERVICE.exec(email) ?? []
      return keys.some((key) => tag === mac(key.service, `tag\n${accountId}\n${start}`, 15))
    },
  }

  /** The role that an invitation gives; undefined: this user is no invitation of this portal to this address and account. */
  function invitedRole(user: Named): Role | undefined {
    return invitationOf(user)?.role
  }

  function invitationOf({ accountId, username, email = '', state }: Named): { role: Role; index: number } | undefined {
    // 3scale's own portal makes nobody pending who belongs to an account of others: they choose a name and are active
    if (state !== 'pending') return undefined
    const [, start = '', , , tag] = INVITATION.exec(username) ?? []
    const index = keys.findIndex((key) => tag === invitationTag(accountId, start, email, key))
    return index < 0 ? undefined : { role: start.startsWith('invite-a-') ? 'admin' : 'member', index }
  }
}

/** How a name looks; nothing of it is proven. For those that no secret verifies: of an earlier build, or chosen by people. */
export function shapeOf({ username }: Pick<User, 'username'>): 'user' | 'anchor' | 'invitation' | undefined {
  const kind = NAME.exec(username)?.[1]
  if (kind) return kind === 'sso' ? 'user' : 'anchor'
  return /^invite-[am]-[a-z2-7]{31}$/.test(username) ? 'invitation' : undefined
}

/** True for addresses that look like a service's; nobody receives mail there. */
export function isServiceShaped(email: string | undefined): boolean {
  return email !== undefined && SERVICE.test(email)
}

/**
 * The first of these that 3scale takes for the name of an organisation: one line with an ASCII letter or digit, cut to its
 * 255 characters (porta, app/models/account.rb).
 */
export function orgNameOf(...candidates: (string | undefined)[]): string {
  const names = candidates.map((text = '') => Array.from(onOneLine(text)).slice(0, COLUMN_CHARACTERS).join(''))
  return names.find((name) => /[a-zA-Z0-9]/.test(name)) ?? ''
}

function letter(role: Role): 'a' | 'm' {
  return role === 'admin' ? 'a' : 'm'
}

function keyOf(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'maas-portal', purpose, 32))
}

function mac(key: Buffer, text: string, length: number): string {
  return base32(createHmac('sha256', key).update(text).digest(), length)
}
