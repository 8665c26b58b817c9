import { LRUCache } from 'lru-cache'
import { asciiLower } from '../../../clients/mail/email-address.js'
import { COLUMN_CHARACTERS, toSingleLine } from '../../../clients/threescale/tenant-rules/text-limits.js'
import type { User } from '../../../clients/threescale/types.js'
import { deriveKeys, hmac, type Secrets } from '../../../infra/crypto/secrets.js'
import { toBase32 } from './base32.js'
import { legacyClaimAccountUsername, legacyUsername } from './legacy-usernames.js'
import { clientIdOfLabels, clientLabels } from './service-addresses.js'

export interface UsernamesDeps {
  /** USERNAME_SECRET: the first one creates usernames, all of them verify and find users. */
  secrets: Secrets
  /** The spellings of the issuer in usernames, the current one first. */
  issuerIds(): [string, ...string[]]
}

export type IdentityKind = 'person' | 'service'
export type MemberRole = User['role']
export type Usernames = ReturnType<typeof createUsernames>

/** The properties that an invitation is bound to. `email` may be a `serviceAddress`. */
export interface InvitationBinding {
  accountId: number
  email: string
  role: MemberRole
  idempotencyKey: string
}

export interface UsernameOrigin {
  kind: 'user' | 'service' | 'claim_account' | 'invitation'
  /** `none`: an earlier build, a lost secret, or a user of 3scale's developer portal. */
  secret: 'first' | 'older' | 'none'
}

/** The properties of a user that verify its username. */
export type NamedUser = Pick<User, 'accountId' | 'username' | 'email' | 'state'>

const USERNAME = /^(sso|claim)-([a-z2-7]{20})([a-z2-7]{12})$/
const INVITATION = /^(invite-[am]-([a-z2-7]{15})([am]))([a-z2-7]{15})$/
const SERVICE_ADDRESS = /^([a-z2-7]{16})([a-z2-7]{15})@(?:([a-z2-7.]+)\.)?service\.invalid$/
/** Every request of a caller requires its usernames, whose hashes take a tenth of the time of a cached page. */
const MAX_CACHED_CHARACTERS = 1_000_000

/**
 * The usernames that the portal gives users in 3scale. People can choose their username and address in 3scale's developer portal, so
 * every username contains an HMAC under a secret of the portal, and one that does not verify is an ordinary user's. They fit
 * 3scale's 3 to 40 characters. HMAC-SHA256 in base32: 5 bits a character.
 */
export function createUsernames({ secrets, issuerIds }: UsernamesDeps) {
  const [current, ...older] = secrets
  const first = keysOf(current)
  const keys = [first, ...older.map(keysOf)]
  /** Usernames of recent callers, by kind, issuer and subject. */
  const recent = new LRUCache<string, string[]>({
    maxSize: MAX_CACHED_CHARACTERS,
    sizeCalculation: (usernames, key) => usernames.join('').length + key.length,
  })

  return {
    /** The username of a caller. It depends on issuer and subject only, so every replica finds the user by it in one call. */
    usernameFor: (kind: IdentityKind, subject: string): string =>
      sign(legacyUsername(kind, currentIssuer(), subject), first),

    /** The usernames under every secret and issuer, the current ones first. */
    usernamesFor: (kind: IdentityKind, subject: string): string[] =>
      issuerIds().flatMap((issuer) => callerUsernames(kind, issuer, subject)),

    /** True for people and services that this portal created: they have a subject and are never linked to another one. */
    isPortalUsername: (username: string): boolean => isKind('sso', username),

    /**
     * The usernames, under every secret, of the user that holds the account of a claim's value. 3scale accepts a username twice where
     * two requests arrive at once, and one of these accounts remains. The user belongs to no person: an account requires an
     * admin before its first member.
     */
    claimAccountUsernames: (claim: string, value: string): string[] =>
      issuerIds().flatMap((issuer) => signAll(legacyClaimAccountUsername(issuer, claim, value))),

    /** The username that earlier builds gave the same user. It is not verifiable. */
    legacyClaimAccountUsername: (claim: string, value: string): string =>
      legacyClaimAccountUsername(currentIssuer(), claim, value),

    isClaimAccountUsername: (username: string): boolean => isKind('claim', username),

    /** Undefined for a user of 3scale's developer portal. */
    originOf(user: NamedUser): UsernameOrigin | undefined {
      const shape = usernameShape(user)
      if (!shape) return undefined
      const index = shape === 'invitation' ? verifyInvitation(user)?.secretIndex : secretIndexOf(user.username)
      const kind = shape === 'user' && isServiceAddressShape(user.email) ? 'service' : shape
      return { kind, secret: index === undefined ? 'none' : index === 0 ? 'first' : 'older' }
    },

    /** The username that replaces one of an earlier build. It equals that of `usernameFor`, without its subject. */
    replacementFor: (legacy: string): string => sign(legacy, first),

    /**
     * An invitation is a pending user with the address of the invitee. Its username contains the role, so that an invitee is not yet
     * an admin for 3scale, which protects the last one; a tag of the idempotency key, so that a repeat finds the user; and
     * a tag that binds it to this account, role and address.
     */
    invitationUsername({ accountId, email, role, idempotencyKey }: InvitationBinding): string {
      const start = `invite-${roleCode(role)}-${requestTag(accountId, idempotencyKey)}${roleCode(role)}`
      return start + invitationTag(accountId, start, email)
    },

    invitedRole,

    invitationUsernameWithRole({ accountId, username, email = '' }: NamedUser, role: MemberRole): string {
      const [, , tag, requested] = INVITATION.exec(username) ?? []
      const start = `invite-${roleCode(role)}-${tag}${requested}`
      return start + invitationTag(accountId, start, email)
    },

    /** The role that the request with this idempotency key gave; undefined where another request created the invitation. */
    requestedRole(user: NamedUser, idempotencyKey: string): MemberRole | undefined {
      if (!invitedRole(user)) return undefined
      const [, , tag, requested] = INVITATION.exec(user.username) ?? []
      if (!keys.some((key) => requestTag(user.accountId, idempotencyKey, key) === tag)) return undefined
      return requested === 'a' ? 'admin' : 'member'
    },

    /**
     * The address of a service in an account, by which one call finds its user or its invitation: 3scale requires an address of
     * users that it creates, and a service has none. RFC 2606 reserves `invalid`.
     */
    serviceAddress: (accountId: number, clientId: string): string => serviceAddress(accountId, clientId),

    /** The addresses under every secret, the first one first. */
    serviceAddresses,

    /** The client id of the address of a service in this account; undefined for every other address. */
    clientIdOf({ accountId, email = '' }: Pick<User, 'accountId' | 'email'>): string | undefined {
      const [, , , labels = ''] = SERVICE_ADDRESS.exec(email) ?? []
      const clientId = clientIdOfLabels(labels)
      return clientId !== undefined && serviceAddresses(accountId, clientId).includes(email) ? clientId : undefined
    },

    /** True for the address of a service in this account. */
    isServiceAddress({ accountId, email = '' }: Pick<User, 'accountId' | 'email'>): boolean {
      const [, start, tag] = SERVICE_ADDRESS.exec(email) ?? []
      return keys.some((key) => tag === mac(key.service, `tag\n${accountId}\n${start}`, 15))
    },
  }

  function currentIssuer(): string {
    return issuerIds()[0]
  }

  /** A legacy username under one secret: 100 bits that find the user, and 60 that verify its origin. */
  function sign(legacy: string, { body, tag }: UsernameKeys): string {
    const [kind = ''] = legacy.split('-')
    const start = `${kind}-${mac(body, legacy, 20)}`
    return start + mac(tag, start, 12)
  }

  function callerUsernames(kind: IdentityKind, issuer: string, subject: string): string[] {
    const key = JSON.stringify([kind, issuer, subject])
    const cached = recent.get(key)
    if (cached) return cached
    const usernames = signAll(legacyUsername(kind, issuer, subject))
    recent.set(key, usernames)
    return usernames
  }

  function signAll(legacy: string): string[] {
    return keys.map((key) => sign(legacy, key))
  }

  /** Index of the secret that verifies the username; undefined where none does. */
  function secretIndexOf(username: string): number | undefined {
    const [, kind, body, tag] = USERNAME.exec(username) ?? []
    const index = keys.findIndex((key) => tag === mac(key.tag, `${kind}-${body}`, 12))
    return index < 0 ? undefined : index
  }

  function isKind(kind: 'sso' | 'claim', username: string): boolean {
    return username.startsWith(`${kind}-`) && secretIndexOf(username) !== undefined
  }

  function invitationTag(accountId: number, start: string, email: string, key = first): string {
    return mac(key.invitation, `${accountId}\n${start}\n${asciiLower(email)}`, 15)
  }

  function requestTag(accountId: number, idempotencyKey: string, key = first): string {
    return mac(key.invitation, `attempt\n${accountId}\n${idempotencyKey}`, 15)
  }

  function serviceAddress(accountId: number, clientId: string, key = first, issuer = currentIssuer()): string {
    const start = mac(key.service, `client\n${accountId}\n${issuer}\n${clientId}`, 16)
    const tag = mac(key.service, `tag\n${accountId}\n${start}`, 15)
    return `${start}${tag}@${clientLabels(clientId)}.service.invalid`
  }

  function serviceAddresses(accountId: number, clientId: string): string[] {
    return issuerIds().flatMap((issuer) => keys.map((key) => serviceAddress(accountId, clientId, key, issuer)))
  }

  /** Undefined where this user is not an invitation of this portal to this address and account. */
  function invitedRole(user: NamedUser): MemberRole | undefined {
    return verifyInvitation(user)?.role
  }

  function verifyInvitation({
    accountId,
    username,
    email = '',
    state,
  }: NamedUser): { role: MemberRole; secretIndex: number } | undefined {
    // In 3scale's developer portal, people choose a username when they join an account, and are active immediately.
    if (state !== 'pending') return undefined
    const [, start = '', , , tag] = INVITATION.exec(username) ?? []
    const secretIndex = keys.findIndex((key) => tag === invitationTag(accountId, start, email, key))
    if (secretIndex < 0) return undefined
    return { role: start.startsWith('invite-a-') ? 'admin' : 'member', secretIndex }
  }
}

/** The form of a username, which does not verify its origin. */
export function usernameShape({
  username,
}: Pick<User, 'username'>): 'user' | 'claim_account' | 'invitation' | undefined {
  const kind = USERNAME.exec(username)?.[1]
  if (kind) return kind === 'sso' ? 'user' : 'claim_account'
  return /^invite-[am]-[a-z2-7]{31}$/.test(username) ? 'invitation' : undefined
}

/** The form of a service's address, which receives no mail; it does not verify its origin. */
export function isServiceAddressShape(email: string | undefined): boolean {
  return email !== undefined && SERVICE_ADDRESS.test(email)
}

/**
 * The first of these texts that 3scale accepts as the name of an organisation: one line with an ASCII alphanumeric character, cut to its
 * 255 characters (porta, app/models/account.rb).
 */
export function organisationName(...candidates: (string | undefined)[]): string {
  const names = candidates.map((text = '') => Array.from(toSingleLine(text)).slice(0, COLUMN_CHARACTERS).join(''))
  return names.find((name) => /[a-zA-Z0-9]/.test(name)) ?? ''
}

type UsernameKeys = ReturnType<typeof keysOf>

function keysOf(secret: string) {
  return {
    body: keyOf(secret, 'user names'),
    tag: keyOf(secret, 'user name tags'),
    invitation: keyOf(secret, 'invitations'),
    service: keyOf(secret, 'service addresses'),
  }
}

function keyOf(secret: string, purpose: string): Buffer {
  return deriveKeys([secret], purpose)[0]
}

function mac(key: Buffer, text: string, length: number): string {
  return toBase32(hmac(key, text), length)
}

function roleCode(role: MemberRole): 'a' | 'm' {
  return role === 'admin' ? 'a' : 'm'
}
