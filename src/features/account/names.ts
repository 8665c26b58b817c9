import { createHash } from 'node:crypto'
import { COLUMN_CHARACTERS, onOneLine } from '../../clients/threescale/text.js'

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const invitation = /^invite-([am])-([a-z2-7]{31})$/
const serviceMail = /^([a-z2-7]{31})@service\.invalid$/

/**
 * The 3scale user name of a caller: `sso-` and 32 characters of base32 of SHA-256 over kind, issuer and subject. It never
 * changes with an e-mail or a name, fits 3scale's 3 to 40 characters, and any replica finds the person by it in one call.
 */
export function usernameOf(kind: 'person' | 'service', issuerId: string, subject: string): string {
  return `sso-${base32(`${kind === 'person' ? 'user' : 'client'}\n${issuerId}\n${subject}`, 32)}`
}

/** True for names that this portal made: such a person already has a subject and is never linked to another. */
export function isOurs(username: string): boolean {
  return /^sso-[a-z2-7]{32}$/.test(username)
}

/** What makes an invitation the same one when it is sent again: who asked under which key, and for what. */
export interface InvitationTag {
  attempt: string
  wish: string
}

export function invitationTag(account: number, attempt: string, wish: string[]): InvitationTag {
  return {
    attempt: base32(`invitation\n${account}\n${attempt}`, 16),
    wish: base32(`wish\n${account}\n${JSON.stringify(wish)}`, 15),
  }
}

/**
 * An invitation is a pending 3scale user with the invited address. Its name holds the role, so that nobody who has not
 * come yet is an admin for 3scale, which keeps the last one; and the tags, so that a repeat finds it.
 */
export function invitationName(role: 'admin' | 'member', { attempt, wish }: InvitationTag): string {
  return `invite-${role === 'admin' ? 'a' : 'm'}-${attempt}${wish}`
}

/** The role that an invitation gives; undefined: this is somebody who is here. */
export function invitedRole(username: string): 'admin' | 'member' | undefined {
  const letter = invitation.exec(username)?.[1]
  return letter === undefined ? undefined : letter === 'a' ? 'admin' : 'member'
}

/** The same invitation with another role. */
export function renamedInvitation(username: string, role: 'admin' | 'member'): string {
  return username.replace(/^invite-[am]/, `invite-${role === 'admin' ? 'a' : 'm'}`)
}

/** 3scale wants an address of every user that it is told to make, and a service has none (RFC 2606: `invalid` never is). */
export function serviceAddress({ attempt, wish }: InvitationTag): string {
  return `${attempt}${wish}@service.invalid`
}

export function isServiceAddress(email: string | undefined): boolean {
  return email !== undefined && serviceMail.test(email)
}

/** What tells which request made this invitation or service; undefined where none did, or its person has come since. */
export function tagOf({ username, email }: { username: string; email: string | undefined }): InvitationTag | undefined {
  const tags = invitation.exec(username)?.[2] ?? serviceMail.exec(email ?? '')?.[1]
  return tags === undefined ? undefined : { attempt: tags.slice(0, 16), wish: tags.slice(16) }
}

/**
 * The user name that a value of the mapped claim has in 3scale: its account is found by it in one call. 3scale
 * accepts it twice where two requests arrive at once, and of those one account is kept. It is nobody's: an account needs an
 * admin before the first person comes.
 */
export function anchorOf(issuerId: string, claim: string, value: string): string {
  return `claim-${base32(`claim\n${issuerId}\n${claim}\n${value}`, 32)}`
}

export function isAnchor(username: string): boolean {
  return /^claim-[a-z2-7]{32}$/.test(username)
}

/**
 * The first of these that 3scale takes for the name of an organisation: one line with an ASCII letter or digit, cut to its
 * 255 characters (porta, app/models/account.rb).
 */
export function orgNameOf(...candidates: (string | undefined)[]): string {
  const names = candidates.map((text = '') => Array.from(onOneLine(text)).slice(0, COLUMN_CHARACTERS).join(''))
  return names.find((name) => /[a-zA-Z0-9]/.test(name)) ?? ''
}

/** The first characters of the SHA-256 of a text, five bits each. */
function base32(of: string, length: number): string {
  let bits = 0
  let held = 0
  let text = ''
  for (const byte of createHash('sha256').update(of).digest()) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return text.slice(0, length)
}
