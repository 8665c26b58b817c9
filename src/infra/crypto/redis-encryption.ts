import type { RedisCrypto } from '../redis.js'
import { createSeal } from './seal.js'
import { deriveKeys, hmac, type Secrets } from './secrets.js'

/** The version of stored content and its encryption. A portal with another version does not read it. */
const FORMAT = 'redis 1'
const HASH_BYTES = 16

/**
 * Encryption for a Redis that is not trusted: text is sealed for one key or channel (AES-256-GCM), and names are keyed hashes
 * (HMAC-SHA256). Without the session secrets, text cannot be forged and guesses of names cannot be tested. The first secret writes and
 * all secrets read, so a secret can be replaced.
 */
export function createRedisEncryption(secrets: Secrets): RedisCrypto {
  const seal = createSeal(secrets, FORMAT)
  const keys = deriveKeys(secrets, `${FORMAT} hash`)

  return {
    seal: (context, text) => seal.seal(text, context),
    open: (context, sealed) => seal.open(sealed, context),
    hashes: (...parts) => {
      const text = JSON.stringify(parts)
      return keys.map((key) => hmac(key, text).subarray(0, HASH_BYTES).toString('base64url'))
    },
  }
}
