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

/** The bytes of such a text; what is left of its last character is dropped, as is any other character. */
export function fromBase32(text: string): number[] {
  let bits = 0
  let held = 0
  const bytes: number[] = []
  for (const character of text) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) continue
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push(held >> bits)
    held &= (1 << bits) - 1
  }
  return bytes
}
