import { clientIdErrors } from '../messages.js'
import { fromBase32, toBase32 } from './base32.js'

/** The longest client id whose address fits 3scale's 255 characters. */
export const MAX_CLIENT_ID_CHARACTERS = 120
/** RFC 1035: a label has at most 63 characters. */
const LABELS = /.{1,63}/g

/** The error of a client id (RFC 6749, appendix A.1, without spaces, because API_CLIENTS separates ids by them). */
export function clientIdError(clientId: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(clientId)) return clientIdErrors.characters
  return clientId.length > MAX_CLIENT_ID_CHARACTERS ? clientIdErrors.length(MAX_CLIENT_ID_CHARACTERS) : undefined
}

/** A client id as labels of a host name: an invitation of a service has no other field of 3scale for its client id. */
export function clientLabels(clientId: string): string {
  const bytes = Buffer.from(clientId)
  const text = toBase32(Buffer.concat([bytes, Buffer.alloc(1)]), Math.ceil((bytes.length * 8) / 5))
  return (text.match(LABELS) ?? []).join('.')
}

/** The client id of these labels, which the caller must verify; undefined where they are not base32. */
export function clientIdOfLabels(labels: string): string | undefined {
  const bytes = fromBase32(labels.replaceAll('.', ''))
  return bytes && Buffer.from(bytes).toString()
}
