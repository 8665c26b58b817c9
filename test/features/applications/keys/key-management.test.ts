import t from 'tap'
import type { Product, ThreescaleApplication } from '../../../../src/clients/threescale/types.js'
import { isProblem, problem } from '../../../../src/errors.js'
import type { CatalogueModel } from '../../../../src/features/applications/applications.js'
import type { KeyRepair } from '../../../../src/features/applications/keys/gateway-sync/key-repair.js'
import { keyIdOf, keyPattern } from '../../../../src/features/applications/keys/key-format.js'
import {
  createKeyManagement,
  type KeyManagementDeps,
} from '../../../../src/features/applications/keys/key-management.js'
import type { KeyRevocation } from '../../../../src/features/applications/keys/revocation/revoked-key.js'
import {
  type CreatedResult,
  createDeletedResults,
  type ResultStore,
} from '../../../../src/features/applications/lifecycle/deleted-results.js'
import type { RevocationCheck } from '../../../../src/features/applications/schemas.js'
import { deriveKeys } from '../../../../src/infra/crypto/secrets.js'
import { MAX_APPLICATION_KEYS } from '../../../../src/policies.js'
import type { Caller } from '../../../../src/web/auth/caller.js'
import { modelOf } from '../../../helper/models.js'

type Mode = 'user_key' | 'app_id' | 'oidc'

const caller = { accountId: 5 } as Caller
const ID = 7
const names = { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' }
const CUSTOM = 'a-custom-key-0123456789'

interface Options {
  mode?: Mode
  keys?: string[]
  product?: Partial<Product>
  isDeployed?: boolean
  /** Errors of the next writes, in order; undefined if a write succeeds. */
  errors?: (Error | undefined)[]
  /** Whether 3scale stores a write before it fails. */
  isStored?: boolean
}

function storeOf<T>(): ResultStore<T> {
  const values = new Map<string, T>()
  return {
    sync: async () => {},
    peek: (key) => {
      const value = values.get(key)
      return value === undefined ? undefined : { value, ageSeconds: 0 }
    },
    put: async (key, value) => void values.set(key, value),
    remove: async (key) => void values.delete(key),
  }
}

/** Key management with an in-memory 3scale. */
function setUp({
  mode = 'app_id',
  keys = ['first-key'],
  product = {},
  isDeployed = true,
  errors = [],
  isStored = false,
}: Options = {}) {
  const stored = [...keys]
  const writes: string[] = []
  const revocations: KeyRevocation[] = []
  const locks: string[] = []
  const write = (description: string, apply: () => void) => {
    writes.push(description)
    const error = errors.shift()
    if (!error || isStored) apply()
    if (error) throw error
  }
  const record = () =>
    ({
      id: ID,
      accountId: 5,
      productId: 1,
      planId: 1,
      planName: 'Basic',
      name: 'Chat bot',
      description: '',
      state: 'live',
      createdAt: '2026-01-01T00:00:00Z',
      fields: {},
      ...(mode === 'user_key' ? { userKey: stored[0] } : { appId: 'an-app' }),
      ...(mode === 'oidc' ? { clientSecret: stored[0] } : {}),
    }) as ThreescaleApplication
  const entry = {
    model: modelOf({ credentials: { mode, location: 'headers', names } }),
    product: {
      id: 1,
      name: 'Granite',
      buyersManageApps: true,
      buyersManageKeys: true,
      keyRegenerateEnabled: true,
      customKeysEnabled: true,
      ...product,
    },
    plans: [],
    applicationFields: [],
    rules: [],
  } as unknown as CatalogueModel
  const [secret] = deriveKeys(['a secret of thirty-two bytes or so'], 'keys')
  const threescale = {
    readListedApplication: async () => record(),
    readApplication: async () => record(),
    updateApplication: async (_account: number, _id: number, { userKey }: { userKey?: string }) => {
      write(`replace by ${userKey}`, () => stored.splice(0, 1, userKey ?? ''))
      return record()
    },
    listKeys: async () => stored.map((value) => ({ value, createdAt: '2026-03-01T10:00:00Z' })),
    addKey: async (_account: number, _id: number, value: string) =>
      write(`add ${value}`, () => void stored.push(value)),
    deleteKey: async (_account: number, _id: number, value: string) =>
      write(`delete ${value}`, () => void stored.splice(stored.indexOf(value), 1)),
  } as unknown as KeyManagementDeps['threescale']
  const deps: KeyManagementDeps = {
    threescale,
    recent: threescale,
    models: { describe: async () => (isDeployed ? entry : undefined) },
    readiness: { markChanged: () => {}, markSeen: () => {}, waitUntilUsable: async () => {} },
    repair: {
      isRequired: async () => false,
      ensure: async () => false,
      change: async (
        _target: unknown,
        { send, stored: findStored }: { send(): Promise<unknown>; stored(): Promise<unknown> },
      ) => {
        try {
          return { result: await send(), isRewritten: false }
        } catch (error) {
          const result = isProblem(error, 'threescale_unavailable') ? await findStored() : undefined
          if (result === undefined) throw error
          return { result, isRewritten: false }
        }
      },
    } as unknown as KeyRepair,
    results: createDeletedResults({ created: storeOf<CreatedResult>(), deleted: storeOf<true>() }),
    revocationChecks: {
      schedule: async (_caller, revocation) => {
        revocations.push(revocation)
        return { key_id: keyIdOf(ID, revocation.value), status: 'pending' } as RevocationCheck
      },
    },
    withLock: (name, work) => {
      locks.push(name)
      return work({ isLost: async () => false })
    },
    secret,
    now: () => new Date('2026-03-01T10:00:00Z'),
  }
  return { management: createKeyManagement(deps), stored, writes, revocations, locks }
}

t.test('keys are listed with their ids, and with their values only on request', async (t) => {
  const { management } = setUp({ keys: ['first-key', 'second-key'] })
  t.same(
    (await management.list(caller, ID)).map(({ key_id, value }) => [key_id, value]),
    ['first-key', 'second-key'].map((value) => [keyIdOf(ID, value), undefined]),
  )
  const [first] = await management.list(caller, ID, { reveal: true })
  t.equal(first?.value, 'first-key')
  t.match(await management.read(caller, ID, keyIdOf(ID, 'second-key')), { created_on: null })
  await t.rejects(management.read(caller, ID, '0'.repeat(16)), { code: 'not_found' })
})

t.test('an added key is generated by the portal, or is the custom value', async (t) => {
  const { management, stored, locks } = setUp()
  const generated = await management.add(caller, ID, { attempt: 'a' })
  t.match(generated, { isNew: true, key: { value: keyPattern, created_on: '2026-03-01' } })
  const custom = await management.add(caller, ID, { attempt: 'b', value: CUSTOM })
  t.match(custom, { isNew: true, key: { value: CUSTOM, created_on: null } })
  t.same(stored, ['first-key', generated.key.value, CUSTOM])
  t.same(new Set(locks), new Set(['changes:5/7']), 'one lock for all changes of an application')
})

t.test('a repeated attempt returns the same key and writes nothing', async (t) => {
  const { management, writes } = setUp()
  const first = await management.add(caller, ID, { attempt: 'a' })
  const second = await management.add(caller, ID, { attempt: 'a' })
  t.same([second.isNew, second.key.value], [false, first.key.value])
  t.equal(writes.length, 1)
})

t.test('an attempt that is repeated with another value is rejected', async (t) => {
  const { management } = setUp()
  await management.add(caller, ID, { attempt: 'a' })
  await t.rejects(management.add(caller, ID, { attempt: 'a', value: CUSTOM }), { code: 'idempotency_key_reused' })
})

t.test('an attempt that is repeated after its key was revoked creates nothing', async (t) => {
  const { management, stored } = setUp()
  const { key } = await management.add(caller, ID, { attempt: 'a' })
  await management.revoke(caller, ID, key.key_id)
  await t.rejects(management.add(caller, ID, { attempt: 'a' }), { code: 'result_deleted' })
  t.same(stored, ['first-key'])
})

t.test('a failed write is successful if 3scale stored it, and can be repeated otherwise', async (t) => {
  const error = problem('threescale_unavailable')
  const stored = setUp({ errors: [error], isStored: true })
  t.match(await stored.management.add(caller, ID, { attempt: 'a' }), { isNew: true })
  const lost = setUp({ errors: [error] })
  await t.rejects(lost.management.add(caller, ID, { attempt: 'a' }), { code: 'threescale_unavailable' })
  t.match(await lost.management.add(caller, ID, { attempt: 'a' }), { isNew: true })
  t.equal(lost.stored.length, 2)
})

t.test('a sixth key and a second client secret are rejected', async (t) => {
  const full = setUp({ keys: Array.from({ length: MAX_APPLICATION_KEYS }, (_, index) => `key-${index}`) })
  await t.rejects(full.management.add(caller, ID, { attempt: 'a' }), { code: 'conflict', policy: 'key_limit' })
  await t.rejects(full.management.rotate(caller, ID, { attempt: 'a' }), { code: 'conflict', policy: 'key_limit' })
  const secret = setUp({ mode: 'oidc' })
  await t.rejects(secret.management.add(caller, ID, { attempt: 'a' }), { code: 'conflict', policy: 'key_limit' })
  t.same([full.writes, secret.writes], [[], []])
})

t.test('a single key can be rotated but neither added nor revoked', async (t) => {
  const { management, writes } = setUp({ mode: 'user_key', keys: ['only-key'] })
  await t.rejects(management.add(caller, ID, { attempt: 'a' }), { code: 'conflict', policy: 'credential_mode' })
  await t.rejects(management.revoke(caller, ID, keyIdOf(ID, 'only-key')), {
    code: 'conflict',
    policy: 'credential_mode',
  })
  t.same(writes, [])
})

t.test('each policy of the product is enforced before a write', async (t) => {
  const cases: [policy: string, Mode, Partial<Product>, operations: ('add' | 'rotate' | 'revoke')[]][] = [
    ['buyers_manage_apps', 'app_id', { buyersManageApps: false }, ['add', 'rotate', 'revoke']],
    ['buyers_manage_keys', 'app_id', { buyersManageKeys: false }, ['add', 'rotate', 'revoke']],
    ['buyer_key_regenerate_enabled', 'user_key', { keyRegenerateEnabled: false }, ['rotate']],
    ['buyer_key_regenerate_enabled', 'oidc', { keyRegenerateEnabled: false }, ['rotate']],
    ['custom_keys_enabled', 'app_id', { customKeysEnabled: false }, ['add', 'rotate']],
  ]
  for (const [policy, mode, product, operations] of cases)
    for (const operation of operations) {
      const { management, writes } = setUp({ mode, product, keys: ['first-key', 'second-key'] })
      const request = { attempt: 'a', ...(policy === 'custom_keys_enabled' ? { value: CUSTOM } : {}) }
      const outcome: Promise<unknown> =
        operation === 'revoke'
          ? management.revoke(caller, ID, keyIdOf(ID, 'first-key'))
          : management[operation](caller, ID, request)
      await t.rejects(outcome, { code: 'policy_violation', policy }, `${operation} ${policy}`)
      t.same(writes, [])
    }
})

t.test('a custom value is validated before a write', async (t) => {
  for (const operation of ['add', 'rotate'] as const) {
    const { management, writes } = setUp()
    const outcome: Promise<unknown> = management[operation](caller, ID, { attempt: 'a', value: 'short' })
    await t.rejects(outcome, {
      code: 'invalid_fields',
      fields: { value: 'Use at least 16 characters.' },
    })
    t.same(writes, [])
  }
})

t.test('a failed precondition rejects each operation before a write', async (t) => {
  const expects = () => {
    throw problem('precondition_failed')
  }
  const { management, writes } = setUp({ keys: ['first-key', 'second-key'] })
  await t.rejects(management.add(caller, ID, { attempt: 'a', expects }), { code: 'precondition_failed' })
  await t.rejects(management.rotate(caller, ID, { attempt: 'a', expects }), { code: 'precondition_failed' })
  await t.rejects(management.revoke(caller, ID, keyIdOf(ID, 'first-key'), expects), { code: 'precondition_failed' })
  t.same(writes, [])
})

t.test('a revoked key is deleted and its check is scheduled', async (t) => {
  const { management, stored, revocations } = setUp({ keys: ['first-key', 'second-key'] })
  const { application, check } = await management.revoke(caller, ID, keyIdOf(ID, 'first-key'))
  t.match([application.id, check.status], [ID, 'pending'])
  t.same(stored, ['second-key'])
  t.match(revocations, [{ value: 'first-key', replaced: false }])
})

t.test('an unknown key and the last key cannot be revoked', async (t) => {
  const { management, writes } = setUp()
  await t.rejects(management.revoke(caller, ID, '0'.repeat(16)), { code: 'not_found' })
  await t.rejects(management.revoke(caller, ID, keyIdOf(ID, 'first-key')), {
    code: 'policy_violation',
    policy: 'last_key',
  })
  t.same(writes, [])
})

t.test('the only client secret can be revoked', async (t) => {
  const { management, stored } = setUp({ mode: 'oidc', keys: ['the-secret'] })
  await management.revoke(caller, ID, keyIdOf(ID, 'the-secret'))
  t.same(stored, [])
})

t.test('a key that another replica left without a successor is restored', async (t) => {
  const { management, stored } = setUp({ keys: ['first-key', 'second-key'] })
  // The other replica deletes the second key between the check of the policy and the deletion.
  const splice = stored.splice.bind(stored)
  stored.splice = (() => splice(0, stored.length)) as typeof stored.splice
  await t.rejects(management.revoke(caller, ID, keyIdOf(ID, 'first-key')), {
    code: 'policy_violation',
    policy: 'last_key',
  })
  t.same(stored, ['first-key'])
})

t.test('rotation with an application id adds a key and leaves the others active', async (t) => {
  const { management, stored, revocations } = setUp()
  const { rotation, isNew } = await management.rotate(caller, ID, { attempt: 'a' })
  t.equal(isNew, true)
  t.match(rotation, { active_key_ids: [keyIdOf(ID, 'first-key')], revocation_check: null })
  t.same(rotation.credentials.app_keys, stored)
  t.same(revocations, [])
})

t.test('rotation of a single key replaces it immediately and schedules a check', async (t) => {
  const { management, stored, writes, revocations } = setUp({ mode: 'user_key', keys: ['only-key'] })
  const { rotation, isNew } = await management.rotate(caller, ID, { attempt: 'a' })
  t.same([isNew, rotation.credentials.user_key], [true, stored[0]])
  t.match(rotation, { active_key_ids: [], revocation_check: { key_id: keyIdOf(ID, 'only-key') } })
  t.match(revocations, [{ value: 'only-key', replaced: true }])
  const repeated = await management.rotate(caller, ID, { attempt: 'a' })
  t.same([repeated.isNew, repeated.rotation.credentials.user_key], [false, stored[0]])
  t.equal(repeated.rotation.revocation_check, null, 'no key was replaced')
  t.equal(writes.length, 1)
})

t.test('a custom value that is already used is reported for the value', async (t) => {
  const taken = problem('invalid_fields', { fields: { user_key: 'This is already taken.' } })
  const single = setUp({ mode: 'user_key', keys: ['only-key'], errors: [taken] })
  await t.rejects(single.management.rotate(caller, ID, { attempt: 'a', value: CUSTOM }), {
    code: 'invalid_fields',
    fields: { value: 'This is already taken. Use another value.' },
  })
  t.match(await single.management.rotate(caller, ID, { attempt: 'a' }), { isNew: true }, 'the attempt can be repeated')
  const similar = setUp({ keys: [CUSTOM.toUpperCase()], errors: [problem('invalid_fields')] })
  await t.rejects(similar.management.add(caller, ID, { attempt: 'a', value: CUSTOM }), {
    code: 'invalid_fields',
    fields: { value: /differs only in upper and lower case/ },
  })
})

t.test('rotation of a client secret deletes it before it creates another one', async (t) => {
  const { management, stored, writes } = setUp({ mode: 'oidc', keys: ['the-secret'] })
  const { rotation } = await management.rotate(caller, ID, { attempt: 'a' })
  t.match(writes, ['delete the-secret', /^add maas_/])
  t.equal(rotation.credentials.client_secret, stored[0])
  t.match(rotation.revocation_check, { key_id: keyIdOf(ID, 'the-secret') })
})

t.test('an interrupted rotation of a client secret is completed by a repeated request', async (t) => {
  const { management, stored } = setUp({
    mode: 'oidc',
    keys: ['the-secret'],
    errors: [undefined, problem('threescale_unavailable')],
  })
  await t.rejects(management.rotate(caller, ID, { attempt: 'a' }), { code: 'threescale_unavailable' })
  t.same(stored, [])
  t.match(await management.rotate(caller, ID, { attempt: 'a' }), { isNew: true })
  t.match(stored, [keyPattern])
})

t.test('the keys of an application whose product is not deployed can be listed and rotated', async (t) => {
  const { management } = setUp({ isDeployed: false })
  t.equal((await management.list(caller, ID)).length, 1)
  t.match(await management.rotate(caller, ID, { attempt: 'a' }), { isNew: true, rotation: { model: null } })
})
