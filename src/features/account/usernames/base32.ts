import { codec } from 'rfc4648'

/** Base32 (RFC 4648) in lower case and without padding: 3scale compares user names in lower case. */
const lowerCase = { chars: 'abcdefghijklmnopqrstuvwxyz234567', bits: 5 }

/** The first `length` characters of the base32 text of these bytes. */
export function toBase32(bytes: Uint8Array, length: number): string {
  return codec.stringify(bytes, lowerCase, { pad: false }).slice(0, length)
}

/** Undefined where the text is not base32. */
export function fromBase32(text: string): Uint8Array | undefined {
  try {
    return codec.parse(text, lowerCase, { loose: true })
  } catch {
    return undefined
  }
}
