const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** The first `length` characters of some bytes, five bits each (RFC 4648 alphabet in lower case). */
export function base32(bytes: Uint8Array, length: number): string {
  let bits = 0
  let held = 0
  let text = ''
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return text.slice(0, length)
}
