import { domainToASCII } from 'node:url'

/** One address without quotes, comments or a display name (RFC 5321 Mailbox, RFC 6531 for international characters). */
const plain = /^([\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]+)@((?:[\p{L}\p{M}\p{N}-]+\.)*[\p{L}\p{M}\p{N}-]+)$/u

/**
 * Converts only A to Z to lower case. `toLowerCase` also maps other characters to ASCII (U+212A, the Kelvin sign, becomes `k`), so two
 * different addresses would be equal.
 */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (character) => character.toLowerCase())
}

/** The domain in lower case; undefined if the text is not exactly one plain address. */
export function domainOf(address: string): string | undefined {
  const domain = plain.exec(address)?.[2]
  return domain === undefined ? undefined : asciiLower(domain)
}

/** True for exactly one plain address: no list, quotes, comments, spaces, control or invisible characters. */
export function isPlainAddress(address: string): boolean {
  return plain.test(address)
}

/** An international domain may be listed in Unicode or as `xn--`. */
export function isListedDomain(domain: string, listed: string[]): boolean {
  return domain !== '' && listed.some((entry) => domain === asciiLower(entry) || domain === domainToASCII(entry))
}
