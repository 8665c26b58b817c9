import { domainToASCII } from 'node:url'

/** One address without quotes, comments or a display name (RFC 5321 Mailbox, RFC 6531 for other letters). */
const plain = /^([\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]+)@((?:[\p{L}\p{M}\p{N}-]+\.)*[\p{L}\p{M}\p{N}-]+)$/u

/**
 * ASCII letters in lower case; every other character stays. `toLowerCase` maps characters beyond ASCII to ASCII letters
 * (U+212A, the Kelvin sign, becomes `k`), so that two different addresses would be equal.
 */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** The domain as it is written, in lower case; undefined: the text is not exactly one plain address. */
export function domainOf(address: string): string | undefined {
  const domain = plain.exec(address)?.[2]
  return domain === undefined ? undefined : asciiLower(domain)
}

/** True for exactly one plain address: no list, quotes, comments, spaces, control or invisible characters. */
export function isPlainAddress(address: string): boolean {
  return plain.test(address)
}

/** Whether a domain is one of these. An international domain may be listed with its own letters or as `xn--`. */
export function isListed(domain: string, listed: string[]): boolean {
  return domain !== '' && listed.some((entry) => domain === asciiLower(entry) || domain === domainToASCII(entry))
}
