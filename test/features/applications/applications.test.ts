import t from 'tap'
import type { FieldDefinition, Plan, Product, ThreescaleApplication } from '../../../src/clients/threescale/types.js'
import { type PortalError, problem } from '../../../src/errors.js'
import type { CatalogueModel } from '../../../src/features/applications/applications.js'
import { validateChange, validateTexts } from '../../../src/features/applications/custom-fields.js'
import { createKeyRepair } from '../../../src/features/applications/keys/gateway-sync/key-repair.js'
import {
  applicationIdOf,
  generateKey,
  isApplicationIdOf,
  isKeyOfAttempt,
  isKeyOfRequest,
  keyCreationDay,
  keyPattern,
} from '../../../src/features/applications/keys/key-format.js'
import { createKeyManagement } from '../../../src/features/applications/keys/key-management.js'
import { checkKeyValue } from '../../../src/features/applications/keys/key-validation.js'
import { createApplicationLoader } from '../../../src/features/applications/load-application.js'
import { choosePlan } from '../../../src/features/applications/plan-changes/plan-selection.js'
import type { RevocationCheck } from '../../../src/features/applications/schemas.js'
import { type ApplicationContext, toApplication } from '../../../src/features/applications/to-application.js'
import { newAttempt } from '../../../src/idempotency/idempotency-key.js'
import { deriveKeys } from '../../../src/infra/crypto/secrets.js'
import type { Caller } from '../../../src/web/auth/caller.js'

const today = new Date('2026-11-24T23:59:59Z')

t.test('a generated key contains its day, its attempt and a checksum', async (t) => {
  const attempt = newAttempt()
  const scope = { account: 7, attempt, fingerprint: 'a chat' }
  const key = generateKey(scope, today)
  t.match(key, keyPattern)
  t.equal(keyCreationDay(key), '2026-11-24')
  t.ok(isKeyOfAttempt(key, scope))
  t.ok(isKeyOfAttempt(key, { ...scope, fingerprint: 'another' }), 'the attempt of another request')
  t.notOk(isKeyOfAttempt(key, { ...scope, account: 8 }), 'another account')
  t.notOk(isKeyOfAttempt(key, { ...scope, attempt: newAttempt() }), 'another attempt')
  t.ok(isKeyOfRequest(key, scope))
  t.notOk(isKeyOfRequest(key, { ...scope, fingerprint: 'another' }))
  t.not(generateKey(scope, today), key, 'a different secret part for the same attempt')
  const typo = key.slice(0, 20) + (key[20] === 'a' ? 'b' : 'a') + key.slice(21)
  t.equal(keyCreationDay(typo), undefined, 'a typo is detected')
  const earlier = 'maas_2603012Ja48QkPOoabcdefghijklmnopqrstuv8lmxUF'
  t.equal(keyCreationDay(earlier), '2026-03-01', 'a key of an earlier build')
  t.ok(isKeyOfAttempt(earlier, { account: 7, attempt: 'attempt-1' }), 'its attempt')
  t.equal(keyCreationDay('0cc175b9c0f1b6a831c399e269772661'), undefined, 'a key of the stock portal contains no day')
})

t.test('the application id of an attempt is deterministic and differs by account', async (t) => {
  const scope = { account: 7, attempt: 'a', fingerprint: 'a chat' }
  const shared = applicationIdOf(scope, 'user_key')
  t.match(shared, /^[0-9a-f]{32}$/)
  t.equal(
    shared,
    applicationIdOf({ ...scope, fingerprint: 'another' }, 'user_key'),
    'not visible in 3scale: deterministic',
  )
  t.not(shared, applicationIdOf({ ...scope, account: 8 }, 'user_key'))
  const [one, other] = [applicationIdOf(scope, 'app_id'), applicationIdOf(scope, 'app_id')]
  t.not(one, other, 'visible in 3scale: different each time')
  for (const id of [shared, one, other]) t.ok(isApplicationIdOf(id, scope))
  t.notOk(isApplicationIdOf(one, { ...scope, account: 8 }))
  t.notOk(isApplicationIdOf(undefined, scope))
})

const product = { name: 'Granite', buyersManageApps: true, canSelectPlan: true } as Product
const plan = (id: number, systemName: string, isDefault = false) => ({ id, systemName, isDefault }) as Plan

t.test('the plan is selected by the rules of the 3scale developer portal', async (t) => {
  const two = [plan(1, 'basic'), plan(2, 'gold')]
  t.equal(choosePlan(product, two, 'gold').id, 2)
  t.throws(
    () => choosePlan(product, two, undefined),
    { code: 'invalid_fields' },
    'without a default plan, the choice is required',
  )
  t.throws(() => choosePlan(product, two, 'platinum'), { code: 'invalid_fields' })
  t.equal(choosePlan(product, [plan(1, 'basic'), plan(2, 'gold', true)], undefined).id, 2, 'the default')
  const fixed = { ...product, canSelectPlan: false }
  t.equal(choosePlan(fixed, two, undefined).id, 1, 'the first published plan')
  t.throws(() => choosePlan(fixed, two, 'gold'), { code: 'policy_violation', policy: 'buyer_can_select_plan' })
  t.throws(() => choosePlan(product, [], undefined), { code: 'not_found' })
})

const field = (name: string, change: Partial<FieldDefinition> = {}): FieldDefinition => ({
  target: 'application',
  name,
  label: name,
  builtIn: false,
  required: false,
  hidden: false,
  readOnly: false,
  choices: [],
  ...change,
})
const nameField = field('name', { label: 'Title', builtIn: true, required: true })
const descriptionField = (change: Partial<FieldDefinition> = {}) =>
  field('description', { label: 'Purpose', builtIn: true, ...change })

/** Maps each rejected field to its error message; undefined if no field is rejected. */
function faultsOf(work: () => unknown): Record<string, string> | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { fields: Record<string, string> }).fields
  }
}

t.test('extra fields are validated: required, choices, hidden and read-only', async (t) => {
  const fields = [
    nameField,
    field('purpose', { required: true, choices: ['Experiment', 'Production'] }),
    field('note'),
    field('tier', { hidden: true, required: true }),
    field('seat', { readOnly: true }),
  ]
  const check = (input: Record<string, string>) => validateTexts(fields, { name: 'x', fields: input })
  t.same(check({ purpose: ' Production ', note: '' }).fields, { purpose: 'Production' })
  const names = (input: Record<string, string>) => Object.keys(faultsOf(() => check(input)) ?? {})
  t.same(names({}), ['fields.purpose'])
  t.same(names({ purpose: 'Fun' }), ['fields.purpose'])
  t.same(names({ purpose: 'Production', tier: 'x', seat: 'y', other: 'z' }), [
    'fields.tier',
    'fields.seat',
    'fields.other',
  ])
  t.same(names({ purpose: 'Production', name: 'x' }), ['fields.name'], 'an attribute is not an extra field')
})

t.test(
  'name and description are attributes, regardless of how the tenant labels, requires or shows them',
  async (t) => {
    const input = { name: ' Chat ', description: ' talks ' }
    const texts = { name: 'Chat', description: 'talks', fields: {} }
    t.same(validateTexts([nameField, descriptionField()], input), texts)
    t.same(validateTexts([nameField, descriptionField({ required: true })], input), texts)
    const only = { name: 'Chat' }
    t.same(validateTexts([], only), { name: 'Chat', description: '', fields: {} }, 'a name requires no definition')
    t.same(
      faultsOf(() => validateTexts([nameField, descriptionField({ required: true })], only)),
      {
        description: 'Purpose is required.',
      },
    )
    t.same(
      faultsOf(() => validateTexts([nameField], { name: ' ' })),
      { name: 'Title is required.' },
    )
    const chosen = [nameField, descriptionField({ choices: ['Research', 'Sales'] })]
    t.same(
      faultsOf(() => validateTexts(chosen, input)),
      { description: 'Purpose must be one of: Research, Sales.' },
    )
    t.equal(validateTexts(chosen, { name: 'x', description: 'Sales' }).description, 'Sales')
    const stored = { name: 'before', description: 'before', fields: {} }
    for (const [closed, sentence] of [
      [[nameField, descriptionField({ hidden: true })], /does not store descriptions/],
      [[nameField, descriptionField({ readOnly: true })], /Purpose is set by the operator/],
      [[nameField], /does not store descriptions/],
    ] as const) {
      const definitions = [...closed]
      t.match(faultsOf(() => validateTexts(definitions, input))?.description, sentence)
      t.same(
        validateTexts(definitions, { name: 'x', description: ' ' }).description,
        '',
        'an empty text is stored as empty',
      )
      t.match(faultsOf(() => validateChange(definitions, stored, { description: 'y' }))?.description, sentence)
      t.same(
        validateChange(definitions, stored, { name: 'x', description: '' }),
        { name: 'x' },
        'an empty form field changes nothing',
      )
    }
    t.same(validateChange([nameField, descriptionField({ required: true })], stored, { name: 'y' }), { name: 'y' })
    t.same(
      faultsOf(() => validateChange([nameField, descriptionField({ required: true })], stored, { description: '' })),
      {
        description: 'Purpose is required.',
      },
    )
  },
)

t.test('text that 3scale cannot store is rejected at its field', async (t) => {
  const open = [nameField, descriptionField(), field('note'), ...Array.from({ length: 40 }, (_, at) => field(`f${at}`))]
  const faults = (input: Parameters<typeof validateTexts>[1]) => faultsOf(() => validateTexts(open, input))
  t.same(faults({ name: 'x'.repeat(256) }), { name: 'Use at most 255 characters.' })
  t.equal(faults({ name: '🚀'.repeat(255) }), undefined, 'characters are counted as Rails counts them')
  t.same(faults({ name: 'x', description: 'y'.repeat(4001) }), { description: 'Use at most 4,000 characters.' })
  for (const control of ['\u0000', '\u0007', '\u001b', '\u007f', '\u0085', '\ud800']) {
    const unusual = `a${control}b`
    const code = control.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    const sentence = `Remove the control character U+${code}.`
    t.same(faults({ name: unusual, description: unusual, fields: { note: unusual } }), {
      name: sentence,
      description: sentence,
      'fields.note': sentence,
    })
  }
  const lines = 'one\n\ttwo\r\nthree'
  t.same(faults({ name: lines, description: lines, fields: { note: lines } }), { name: 'Use one line.' })
  const full = Object.fromEntries(Array.from({ length: 29 }, (_, at) => [`f${at}`, 'z'.repeat(2000)]))
  t.equal(faults({ name: 'x', fields: full }), undefined)
  t.match(faults({ name: 'x', fields: { ...full, note: 'n'.repeat(1999), f39: 'z'.repeat(2000) } }), {
    'fields.f0': /60,000 bytes/,
  })
  const rockets = Object.fromEntries(Array.from({ length: 4 }, (_, at) => [`f${at}`, '🚀'.repeat(2000)]))
  t.match(faults({ name: 'x', fields: rockets }), { 'fields.f0': /60,000 bytes/ }, 'YAML uses ten bytes for each')
})

t.test('an application contains neither hidden fields nor a hidden description', async (t) => {
  const record = {
    description: 'secret plan',
    fields: { note: 'n', tier: 'gold', gone: 'x' },
  } as unknown as ThreescaleApplication
  const shown = (definitions: FieldDefinition[]) =>
    toApplication(record, {
      model: {},
      product,
      plans: [],
      applicationFields: definitions,
    } as unknown as ApplicationContext)
  const hidden = [nameField, descriptionField({ hidden: true }), field('note'), field('tier', { hidden: true })]
  t.match(shown(hidden), { description: '', fields: { note: 'n' } })
  t.same(Object.keys(shown(hidden).fields), ['note'])
  t.equal(shown([nameField]).description, '', 'the tenant has no such field')
  t.equal(shown([nameField, descriptionField({ readOnly: true })]).description, 'secret plan')
  t.match(toApplication(record, undefined), { description: 'secret plan', fields: {} }, 'hidden fields are unknown')
})

t.test('an application shows the plan and product names of the catalogue', (t) => {
  const record = {
    planId: 4,
    planName: 'Name in the row',
    fields: {},
    description: '',
  } as unknown as ThreescaleApplication
  const entry = (plans: { id: number; name: string }[]) =>
    ({ model: { name: 'Granite' }, product, plans, applicationFields: [] }) as unknown as ApplicationContext
  t.match(toApplication(record, entry([{ id: 4, name: 'Name in the catalogue' }])), {
    plan_name: 'Name in the catalogue',
    model_name: 'Granite',
  })
  t.equal(toApplication(record, entry([])).plan_name, 'Name in the row', 'a plan that is not in the catalogue yet')
  t.equal(toApplication(record, undefined).plan_name, 'Name in the row')
  t.end()
})

t.test('a listed application is read individually if its product has since changed its authentication', async (t) => {
  const row = { id: 7, productId: 1, userKey: 'previous' } as unknown as ThreescaleApplication
  const itself = { id: 7, productId: 1, appId: 'new' } as unknown as ThreescaleApplication
  const read = (mode: string | undefined) =>
    createApplicationLoader({
      threescale: { readListedApplication: async () => row, readApplication: async () => itself },
      models: {
        describe: async () => (mode ? ({ model: { credentials: { mode } } } as unknown as CatalogueModel) : undefined),
      },
    })({ accountId: 5 } as Caller, 7)
  t.equal((await read('user_key')).record, row)
  t.equal((await read(undefined)).record, row, 'a product that is not deployed has no known mode')
  t.equal((await read('app_id')).record, itself)
})

const faultOfKey = (value: string, mode: 'user_key' | 'app_id' | 'oidc', location: 'query' | 'headers' = 'headers') =>
  faultsOf(() => checkKeyValue(value, { mode, location }))?.value

t.test('a custom key is validated by the rules of 3scale', async (t) => {
  const long = 'abcdefgh01234567'
  for (const value of [long, 'a_b.c-d_e.f-g_h.i', 'YWJjZGVmZ2hpams=', `${long}YW==`, `${long}ab+c`, long.repeat(16)])
    t.equal(faultOfKey(value, 'user_key'), undefined, JSON.stringify(value.slice(0, 20)))
  for (const wrong of ['abc+=', 'a+b', 'ab/c', 'a b', 'ü', 'a\u0000', '🚀', 'YW===', long.repeat(16)])
    t.match(faultOfKey(long + wrong, 'user_key'), /^Use (only|at most)/, JSON.stringify(wrong.slice(0, 20)))
  for (const value of [long, `${long}a:b/c`, `${long}!~!~!`]) t.equal(faultOfKey(value, 'app_id'), undefined, value)
  for (const wrong of [' b c', 'é', '\u0000', '🚀', long.repeat(15)])
    t.match(faultOfKey(long + wrong, 'app_id'), /^Use (only|at most)/, JSON.stringify(wrong.slice(0, 20)))
})

t.test('a custom key that is easy to guess is rejected in every credential mode', async (t) => {
  for (const mode of ['user_key', 'app_id', 'oidc'] as const)
    for (const location of ['query', 'headers'] as const) {
      const about = `${mode} ${location}`
      for (const value of ['', 'a', 'hello', 'abcdefgh0123456', '🚀🚀🚀🚀🚀🚀🚀🚀', 'a'.repeat(15)])
        t.equal(faultOfKey(value, mode, location), 'Use at least 16 characters.', `${about} ${value}`)
      for (const value of ['a'.repeat(16), 'ab'.repeat(20), '0'.repeat(256), '1234567'.repeat(4)])
        t.equal(faultOfKey(value, mode, location), 'Use at least 8 different characters.', `${about} ${value}`)
      t.equal(faultOfKey('abcdefgh01234567', mode, location), undefined, about)
    }
})

t.test('an error of 3scale about a custom key is reported for the value', async (t) => {
  const caller = { accountId: 5 } as Caller
  const setUp = (current: string[], refusal: PortalError, userKey?: string) => {
    const record = { id: 7, productId: 1, fields: {}, ...(userKey ? { userKey } : { appId: 'app' }) }
    const threescale = {
      readListedApplication: async () => record as unknown as ThreescaleApplication,
      readApplication: async () => record as unknown as ThreescaleApplication,
      listKeys: async () => current.map((value) => ({ value, createdAt: '' })),
      addKey: async (_account: number, _id: number, value: string) => {
        if (refusal.status === 409) current.push(value)
        throw refusal
      },
      updateApplication: async () => {
        throw refusal
      },
      deleteKey: async () => {},
    }
    const readiness = { markChanged: () => {}, markSeen: () => {}, waitUntilUsable: async () => {} }
    const [secret] = deriveKeys(['secret'], 'keys')
    const records = { get: async () => ({ value: null }), put: async () => {} }
    return createKeyManagement({
      readiness,
      threescale,
      recent: threescale,
      repair: createKeyRepair({ threescale, readiness, secret, records, check: async () => 'unknown' }),
      withLock: (_name, work) => work({ isLost: async () => false }),
      models: { describe: async () => undefined },
      results: {
        keyCreated: async () => {},
        keyDeleted: async () => {},
        checkKey: async () => {},
        keyDeletionFailed: async () => {},
        findKey: async () => undefined,
      },
      revocationChecks: { schedule: async () => ({}) as RevocationCheck },
      secret,
      now: () => today,
    })
  }
  const taken = problem('invalid_fields', { fields: { value: 'This is already taken.' } })
  await t.rejects(setUp(['My-Own-Key'], taken).add(caller, 7, { value: 'my-own-key', attempt: 'a' }), {
    code: 'invalid_fields',
    fields: { value: /only in upper and lower case/ },
  })
  await t.rejects(setUp(['another'], taken).add(caller, 7, { value: 'my-own-key', attempt: 'a' }), {
    code: 'invalid_fields',
    fields: { value: /already taken/ },
  })
  const both = await setUp([], problem('conflict')).add(caller, 7, { value: 'my-own-key', attempt: 'a' })
  t.equal(both.key.value, 'my-own-key', 'the same value was added at the same time: 409 without a body')
  const single = problem('invalid_fields', { fields: { user_key: 'This is already taken.' } })
  await t.rejects(setUp([], single, 'previous').rotate(caller, 7, { value: 'my-own-key', attempt: 'a' }), {
    code: 'invalid_fields',
    fields: { value: 'This is already taken. Use another value.' },
  })
})
