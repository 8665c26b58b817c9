import t from 'tap'
import { createSignInCookies } from '../../../src/features/account/sign-in/sign-in-cookies.js'
import { createUsernames } from '../../../src/features/account/usernames/usernames.js'
import { deriveReplacementKey, deriveSecret } from '../../../src/features/applications/keys/key-format.js'
import { createIdempotencyKeys } from '../../../src/idempotency/idempotency-key.js'
import type { Cache } from '../../../src/infra/cache.js'
import { createRedisEncryption } from '../../../src/infra/crypto/redis-encryption.js'
import { createSeal } from '../../../src/infra/crypto/seal.js'
import { createMac, type DerivedKey, deriveKeys, hmac, type Secrets } from '../../../src/infra/crypto/secrets.js'
import { createAsyncOperations } from '../../../src/web/api/async-operations.js'
import type { Revocations } from '../../../src/web/auth/revocations.js'
import { createSessions } from '../../../src/web/auth/session.js'
import { createProgressPages } from '../../../src/web/pages/progress-page.js'

const GOOD = 'a-secret-of-at-least-thirty-two-bytes'
/** A value that the type rejects, in the form that parsed text could have. */
const without = {
  none: [],
  'an empty one': [''],
  'a blank one': [' \n'],
  'a second one that is empty': [GOOD, ''],
  'one that is undefined': [undefined],
} as unknown as Record<string, Secrets>

const cache = { cached: () => ({}) } as unknown as Cache
const makers: Record<string, (secrets: Secrets) => unknown> = {
  seal: (secrets) => createSeal(secrets, 'revocation-check'),
  sessions: (secrets) =>
    createSessions({
      secrets,
      idleSeconds: 1,
      maxSeconds: 1,
      secure: true,
      issuer: 'https://sso.example.com',
      groups: [],
      revocations: {} as Revocations,
    }),
  'pending forms': (secrets) => createProgressPages({ secrets, secure: true }),
  'pending sign-ins': (secrets) => createSignInCookies({ secrets, secure: true }),
  'values in Redis': (secrets) => createRedisEncryption(secrets),
  'user names': (secrets) => createUsernames({ secrets, issuerIds: () => ['https://sso.example.com'] }),
  'idempotency keys': (secrets) => createIdempotencyKeys({ prefix: 'maas', secrets }),
  operations: (secrets) => createAsyncOperations({ cache, secrets, release: async () => {} }),
  'derived keys': (secrets) => deriveKeys(secrets, 'keys'),
  signatures: (secrets) => createMac(secrets),
}

t.test('encryption, signatures and derived keys require a secret', async (t) => {
  for (const [name, make] of Object.entries(makers)) {
    t.ok(make([GOOD]), name)
    for (const [what, secrets] of Object.entries(without))
      t.throws(() => make(secrets), /there is no secret|a secret is empty/, `${name}: ${what}`)
  }
})

t.test('key values are never derived from an empty key', async (t) => {
  const empty = Buffer.alloc(0) as unknown as DerivedKey
  const [key] = deriveKeys([GOOD], 'keys')
  t.match(deriveSecret(key, 'attempt', 'before'), /^\w{20,}$/)
  t.throws(() => deriveSecret(empty, 'attempt', 'before'), /empty key/)
  const current = `maas_${'0'.repeat(60)}`
  t.equal(deriveReplacementKey(key, current), undefined, 'not a key of the portal')
  t.throws(() => hmac(empty, 'text'), /empty key/)
})

t.test('each purpose and each secret has a separate key', async (t) => {
  const hex = (secrets: Secrets, ...of: [string, string?]) =>
    deriveKeys(secrets, ...of).map((key) => key.toString('hex'))
  const other = GOOD.toUpperCase()
  const all = [...hex([GOOD, other], 'one'), ...hex([GOOD, other], 'two'), ...hex([GOOD], 'one', 'maas')]
  t.equal(new Set(all).size, 5)
  t.equal(deriveKeys([GOOD], 'one')[0].length, 32)
  t.same(hex([GOOD], 'one'), hex([GOOD], 'one', 'maas-portal'))
})
