import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'

/** The same JSON whatever the order of object members. */
export function canonicalJson(value: unknown): string {
  return stringify(value) ?? ''
}

/** The first characters of the SHA-256 digest of a value as canonical JSON. */
export function hashJson(value: unknown, characters: number, encoding: 'base64url' | 'hex' = 'base64url'): string {
  return createHash('sha256').update(canonicalJson(value)).digest(encoding).slice(0, characters)
}
