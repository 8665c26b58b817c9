import { createHash } from 'node:crypto'

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/**
 * The 3scale user name of a caller: `sso-` and 32 characters of base32 of SHA-256 over kind, issuer and subject. It never
 * changes with an e-mail or a name, fits 3scale's 3 to 40 characters, and any replica finds the person by it in one call.
 */
export function usernameOf(kind: 'person' | 'service', issuerId: string, subject: string): string {
  const digest = createHash('sha256')
    .update(`${kind === 'person' ? 'user' : 'client'}\n${issuerId}\n${subject}`)
    .digest()
  let bits = 0
  let held = 0
  let text = ''
  for (const byte of digest) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return `sso-${text.slice(0, 32)}`
}

/** True for names that this portal made: such a person already has a subject and is never linked to another. */
export function isOurs(username: string): boolean {
  return /^sso-[a-z2-7]{32}$/.test(username)
}

/** 3scale wants one ASCII letter or digit and at most 255 characters (porta, app/models/account.rb); else the e-mail. */
export function orgNameOf(claim: string | undefined, email: string): string {
  const clean = (claim ?? '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
    .replace(/[\u0000-\u001f\u007f]/g, ' ')
    .trim()
  const short = Array.from(clean).slice(0, 255).join('')
  return /[a-zA-Z0-9]/.test(short) ? short : email
}
