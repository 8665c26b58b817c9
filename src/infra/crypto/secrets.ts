import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** One or more secrets: the first one writes and all read, so a secret can be replaced. */
export type Secrets = readonly [string, ...string[]]

declare const derived: unique symbol
/** Only `deriveKeys` creates such a key, so it is never that of an empty secret. */
export type DerivedKey = Buffer & { readonly [derived]: true }

/**
 * A key of 32 bytes for each secret, by HKDF-SHA256. Throws without a secret and for an empty one: HKDF accepts an empty text, and an
 * attacker could derive that key.
 */
export function deriveKeys(secrets: Secrets, purpose: string, salt = 'maas-portal'): [DerivedKey, ...DerivedKey[]] {
  const [first, ...others] = checked(secrets)
  const keyOf = (secret: string) => Buffer.from(hkdfSync('sha256', secret, salt, purpose, 32)) as DerivedKey
  return [keyOf(first), ...others.map(keyOf)]
}

/** HMAC-SHA256 keyed with the first secret itself. Throws like `deriveKeys`. */
export function createMac(secrets: Secrets): (text: string) => Buffer {
  const [first] = checked(secrets)
  return (text) => createHmac('sha256', first).update(text).digest()
}

/** Whether a text is one of the secrets. The duration depends neither on the text nor on which secret it is. */
export function createSecretCheck(secrets: Secrets): (text: string) => boolean {
  const expected = checked(secrets).map((secret) => ({ secret, mac: createMac([secret])(secret) }))
  return (text) =>
    expected.map(({ secret, mac }) => timingSafeEqual(createMac([secret])(text), mac)).some((isEqual) => isEqual)
}

/** HMAC of a text. Throws for an empty key. */
export function hmac(key: Buffer, text: string, hash: 'sha256' | 'sha512' = 'sha256'): Buffer {
  if (key.length === 0) throw new Error('an empty key cannot sign')
  return createHmac(hash, key).update(text).digest()
}

/** The type excludes this only for values that were not read as text. */
function checked(secrets: Secrets): Secrets {
  if (secrets.length === 0) throw new Error('there is no secret')
  if (secrets.some((secret) => typeof secret !== 'string' || secret.trim() === '')) throw new Error('a secret is empty')
  return secrets
}
