import { base32, fromBase32 } from './base32.js'

/** The longest client id whose address fits 3scale's 255 characters. */
export const LONGEST_CLIENT_ID = 120
/** RFC 1035: what a label has at most */
const LABELS = /.{1,63}/g

/** What is wrong with a client id (RFC 6749 appendix A.1, without spaces, as API_CLIENTS separates ids by them). */
export function clientIdFault(clientId: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(clientId)) return 'Use ASCII letters, digits and punctuation marks, without spaces.'
  return clientId.length > LONGEST_CLIENT_ID ? `Use at most ${LONGEST_CLIENT_ID} characters.` : undefined
}

/**
 * A client id as labels of a host name: 3scale has no other place for the id of a service that has not joined yet, and people have
 * to tell one invitation from another.
 */
export function clientLabels(clientId: string): string {
  const bytes = Buffer.from(clientId)
  const text = base32(Buffer.concat([bytes, Buffer.alloc(1)]), Math.ceil((bytes.length * 8) / 5))
  return (text.match(LABELS) ?? []).join('.')
}

/** The client id of such labels; whether they say the truth is for the caller to check. */
export function clientOfLabels(labels: string): string {
  return Buffer.from(fromBase32(labels.replaceAll('.', ''))).toString()
}
