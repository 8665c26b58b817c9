import { createHmac, hkdfSync } from 'node:crypto'
import type { RedisTrust } from '../clients/redis.js'
import { createSeal } from './seal.js'

/** Of what is stored and of how: a portal with another number does not read it. */
const FORMAT = 'redis 1'
const HASH_BYTES = 16

/**
 * What makes Redis a store that need not be trusted: texts are sealed for one place (AES-256-GCM), and names are keyed hashes
 * (HMAC-SHA256), so that nobody without the session secrets can forge the one or test a guess of the other. The first secret
 * writes, all read, so that a secret can be replaced.
 */
export function createRedisTrust(secrets: string[]): RedisTrust {
  const seal = createSeal(secrets, FORMAT)
  const keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, 'maas-portal', `${FORMAT} hash`, 32)))

  return {
    seal: (place, text) => seal.seal(text, place),
    open: (place, sealed) => seal.open(sealed, place),
    hashes: (...parts) => {
      const text = JSON.stringify(parts)
      return keys.map((key) =>
        createHmac('sha256', key).update(text).digest().subarray(0, HASH_BYTES).toString('base64url'),
      )
    },
  }
}
