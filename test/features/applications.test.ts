import t from 'tap'
import type { FieldDefinition, Plan, Product, Application as Record3scale } from '../../src/clients/threescale/nouns.js'
import { type PortalError, problem } from '../../src/errors.js'
import type { FoundModel } from '../../src/features/applications/applications.js'
import { createCredentials } from '../../src/features/applications/credentials.js'
import { checkChange, checkTexts } from '../../src/features/applications/fields.js'
import { createKeyRepair } from '../../src/features/applications/key-repair.js'
import { checkKeyValue } from '../../src/features/applications/key-values.js'
import {
  applicationIdOf,
  isApplicationIdOf,
  isKeyOfAttempt,
  isKeyOfWish,
  keyDay,
  keyPattern,
  makeKey,
  newAttempt,
} from '../../src/features/applications/keys.js'
import { createOwnApplication } from '../../src/features/applications/own.js'
import { choosePlan } from '../../src/features/applications/plans.js'
import { type PresentedWith, present } from '../../src/features/applications/present.js'
import type { Receipt } from '../../src/features/applications/schemas.js'
import type { Caller } from '../../src/web/caller.js'

const today = new Date('2026-11-24T23:59:59Z')

t.test('a key has its shape, its day, its attempt and a checksum', async (t) => {
  const attempt = newAttempt()
  const origin = { account: 7, attempt, wish: 'a chat' }
  const key = makeKey(origin, today)
  t.match(key, keyPattern)
  t.equal(keyDay(key), '2026-11-24')
  t.ok(isKeyOfAttempt(key, origin))
  t.ok(isKeyOfAttempt(key, { ...origin, wish: 'another' }), 'an attempt is the same whatever is asked for under it')
  t.notOk(isKeyOfAttempt(key, { ...origin, account: 8 }), 'another account')
  t.notOk(isKeyOfAttempt(key, { ...origin, attempt: newAttempt() }), 'another attempt')
  t.ok(isKeyOfWish(key, origin))
  t.notOk(isKeyOfWish(key, { ...origin, wish: 'another' }))
  t.not(makeKey(origin, today), key, 'the same attempt makes another secret')
  const typo = key.slice(0, 20) + (key[20] === 'a' ? 'b' : 'a') + key.slice(21)
  t.equal(keyDay(typo), undefined, 'a typo is noticed')
  t.equal(keyDay('0cc175b9c0f1b6a831c399e269772661'), undefined, 'a key of the stock portal has no day')
})

t.test('the application id of an attempt is the same everywhere and differs by account', async (t) => {
  const origin = { account: 7, attempt: 'a', wish: 'a chat' }
  const shared = applicationIdOf(origin, 'user_key')
  t.match(shared, /^[0-9a-f]{32}$/)
  t.equal(
    shared,
    applicationIdOf({ ...origin, wish: 'another' }, 'user_key'),
    'not shown by 3scale: the same each time',
  )
  t.not(shared, applicationIdOf({ ...origin, account: 8 }, 'user_key'))
  const [one, other] = [applicationIdOf(origin, 'app_id'), applicationIdOf(origin, 'app_id')]
  t.not(one, other, 'shown by 3scale: of its own each time')
  for (const id of [shared, one, other]) t.ok(isApplicationIdOf(id, origin))
  t.notOk(isApplicationIdOf(one, { ...origin, account: 8 }))
  t.notOk(isApplicationIdOf(undefined, origin))
})

const product = { name: 'Granite', buyersManageApps: true, canSelectPlan: true } as Product
const plan = (id: number, systemName: string, isDefault = false) => ({ id, systemName, isDefault }) as Plan

t.test('the plan is chosen as 3scale lets developers choose', async (t) => {
  const two = [plan(1, 'basic'), plan(2, 'gold')]
  t.equal(choosePlan(product, two, 'gold').id, 2)
  t.throws(() => choosePlan(product, two, undefined), { code: 'invalid_fields' }, 'no default: say which')
  t.throws(() => choosePlan(product, two, 'platinum'), { code: 'invalid_fields' })
  t.equal(choosePlan(product, [plan(1, 'basic'), plan(2, 'gold', true)], undefined).id, 2, 'the default')
  const fixed = { ...product, canSelectPlan: false }
  t.equal(choosePlan(fixed, two, undefined).id, 1, 'the first published one')
  t.throws(() => choosePlan(fixed, two, 'gold'), { code: 'rule', rule: 'buyer_can_select_plan' })
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

/** Field -> sentence of what is refused; undefined: nothing is. */
function faultsOf(work: () => unknown): Record<string, string> | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { fields: Record<string, string> }).fields
  }
}

t.test('extra fields: required, choices, hidden and read-only', async (t) => {
  const fields = [
    nameField,
    field('purpose', { required: true, choices: ['Experiment', 'Production'] }),
    field('note'),
    field('tier', { hidden: true, required: true }),
    field('seat', { readOnly: true }),
  ]
  const check = (given: Record<string, string>) => checkTexts(fields, { name: 'x', fields: given })
  t.same(check({ purpose: ' Production ', note: '' }).fields, { purpose: 'Production' })
  const names = (given: Record<string, string>) => Object.keys(faultsOf(() => check(given)) ?? {})
  t.same(names({}), ['fields.purpose'])
  t.same(names({ purpose: 'Fun' }), ['fields.purpose'])
  t.same(names({ purpose: 'Production', tier: 'x', seat: 'y', other: 'z' }), [
    'fields.tier',
    'fields.seat',
    'fields.other',
  ])
  t.same(names({ purpose: 'Production', name: 'x' }), ['fields.name'], 'an attribute is no extra field')
})

t.test(
  'the name and the description are attributes, whatever the tenant calls, requires or hides of them',
  async (t) => {
    const given = { name: ' Chat ', description: ' talks ' }
    const texts = { name: 'Chat', description: 'talks', fields: {} }
    t.same(checkTexts([nameField, descriptionField()], given), texts)
    t.same(checkTexts([nameField, descriptionField({ required: true })], given), texts)
    const only = { name: 'Chat' }
    t.same(checkTexts([], only), { name: 'Chat', description: '', fields: {} }, 'a name requires no definition')
    t.same(
      faultsOf(() => checkTexts([nameField, descriptionField({ required: true })], only)),
      {
        description: 'Purpose is required.',
      },
    )
    t.same(
      faultsOf(() => checkTexts([nameField], { name: ' ' })),
      { name: 'Title is required.' },
    )
    const chosen = [nameField, descriptionField({ choices: ['Research', 'Sales'] })]
    t.same(
      faultsOf(() => checkTexts(chosen, given)),
      { description: 'Purpose is one of: Research, Sales.' },
    )
    t.equal(checkTexts(chosen, { name: 'x', description: 'Sales' }).description, 'Sales')
    for (const [closed, sentence] of [
      [[nameField, descriptionField({ hidden: true })], /have no description here/],
      [[nameField, descriptionField({ readOnly: true })], /Purpose is set by the operator/],
      [[nameField], /have no description here/],
    ] as const) {
      const definitions = [...closed]
      t.match(faultsOf(() => checkTexts(definitions, given))?.description, sentence)
      t.same(checkTexts(definitions, { name: 'x', description: ' ' }).description, '', 'nothing is nothing')
      t.match(faultsOf(() => checkChange(definitions, { description: 'y' }))?.description, sentence)
      t.same(
        checkChange(definitions, { name: 'x', description: '' }),
        { name: 'x' },
        'an empty form field changes nothing',
      )
    }
    t.same(checkChange([nameField, descriptionField({ required: true })], { name: 'y' }), { name: 'y' })
    t.same(
      faultsOf(() => checkChange([nameField, descriptionField({ required: true })], { description: '' })),
      {
        description: 'Purpose is required.',
      },
    )
  },
)

t.test('what no 3scale can store is refused at its field', async (t) => {
  const open = [nameField, descriptionField(), field('note'), ...Array.from({ length: 40 }, (_, at) => field(`f${at}`))]
  const faults = (given: Parameters<typeof checkTexts>[1]) => faultsOf(() => checkTexts(open, given))
  t.same(faults({ name: 'x'.repeat(256) }), { name: 'Use at most 255 characters.' })
  t.equal(faults({ name: '🚀'.repeat(255) }), undefined, 'characters are counted as Rails counts them')
  t.same(faults({ name: 'x', description: 'y'.repeat(4001) }), { description: 'Use at most 4,000 characters.' })
  for (const control of ['\u0000', '\u0007', '\u001b', '\u007f', '\u0085', '\ud800']) {
    const odd = `a${control}b`
    const code = control.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    const sentence = `Remove the control character U+${code}.`
    t.same(faults({ name: odd, description: odd, fields: { note: odd } }), {
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
  t.match(faults({ name: 'x', fields: rockets }), { 'fields.f0': /60,000 bytes/ }, 'YAML writes ten bytes for each')
})

t.test('a record shows neither fields nor a description that the tenant hides', async (t) => {
  const record = {
    description: 'secret plan',
    fields: { note: 'n', tier: 'gold', gone: 'x' },
  } as unknown as Record3scale
  const shown = (definitions: FieldDefinition[]) =>
    present(record, { model: {}, product, plans: [], applicationFields: definitions } as unknown as PresentedWith)
  const hidden = [nameField, descriptionField({ hidden: true }), field('note'), field('tier', { hidden: true })]
  t.match(shown(hidden), { description: '', fields: { note: 'n' } })
  t.same(Object.keys(shown(hidden).fields), ['note'])
  t.equal(shown([nameField]).description, '', 'the tenant has none')
  t.equal(shown([nameField, descriptionField({ readOnly: true })]).description, 'secret plan')
  t.match(present(record, undefined), { description: 'secret plan', fields: {} }, 'what is hidden is not known')
})

t.test('the names of plan and product are those of the catalogue', (t) => {
  const record = { planId: 4, planName: 'Name in the row', fields: {}, description: '' } as unknown as Record3scale
  const found = (plans: { id: number; name: string }[]) =>
    ({ model: { name: 'Granite' }, product, plans, applicationFields: [] }) as unknown as PresentedWith
  t.match(present(record, found([{ id: 4, name: 'Name in the catalogue' }])), {
    plan_name: 'Name in the catalogue',
    model_name: 'Granite',
  })
  t.equal(present(record, found([])).plan_name, 'Name in the row', 'a plan that the catalogue does not have yet')
  t.equal(present(record, undefined).plan_name, 'Name in the row')
  t.end()
})

t.test('a row of a product that authenticates in another way by now is read again by itself', async (t) => {
  const row = { id: 7, productId: 1, userKey: 'old' } as unknown as Record3scale
  const itself = { id: 7, productId: 1, appId: 'new' } as unknown as Record3scale
  const read = (mode: string | undefined) =>
    createOwnApplication({
      threescale: { listedApplication: async () => row, readApplication: async () => itself },
      models: {
        describe: async () => (mode ? ({ model: { credentials: { mode } } } as unknown as FoundModel) : undefined),
      },
    })({ accountId: 5 } as Caller, 7)
  t.equal((await read('user_key')).record, row)
  t.equal((await read(undefined)).record, row, 'nothing is known of a product that is not deployed')
  t.equal((await read('app_id')).record, itself)
})

t.test('a chosen key is checked as 3scale takes it', async (t) => {
  const fault = (value: string, mode: 'user_key' | 'app_id' | 'oidc', location: 'query' | 'headers' = 'headers') =>
    faultsOf(() => checkKeyValue(value, { mode, location }))?.value
  for (const value of ['abc', 'a_b.c-d', 'YWJjZGVmZ2hpams=', 'YWJj', 'YW==', 'ab+c', 'x'.repeat(256)])
    t.equal(fault(value, 'user_key'), undefined, JSON.stringify(value.slice(0, 20)))
  for (const value of ['abc+=', 'a+b', 'ab/c', 'a b', 'ü', 'a\u0000', '🚀', 'YW===', 'x'.repeat(257)])
    t.match(fault(value, 'user_key'), /^Use /, JSON.stringify(value.slice(0, 20)))
  for (const value of ['abcde', 'a:b/c', '!~!~!']) t.equal(fault(value, 'app_id'), undefined, value)
  for (const value of ['abcd', 'a b c', 'abcdé', 'abcd\u0000', 'abcd🚀', 'x'.repeat(256)])
    t.match(fault(value, 'app_id'), /^Use /, JSON.stringify(value.slice(0, 20)))
})

t.test('3scale refuses a chosen key: the sentence is at the value, whatever 3scale calls it', async (t) => {
  const caller = { accountId: 5 } as Caller
  const setUp = (held: string[], refusal: PortalError, userKey?: string) => {
    const record = { id: 7, productId: 1, fields: {}, ...(userKey ? { userKey } : { appId: 'app' }) }
    const threescale = {
      listedApplication: async () => record as unknown as Record3scale,
      readApplication: async () => record as unknown as Record3scale,
      listKeys: async () => held.map((value) => ({ value, createdAt: '' })),
      addKey: async (_account: number, _id: number, value: string) => {
        if (refusal.status === 409) held.push(value)
        throw refusal
      },
      updateApplication: async () => {
        throw refusal
      },
      deleteKey: async () => {},
    }
    const keys = { changed: () => {}, seen: () => {}, usable: async () => {} }
    const secret = Buffer.from('secret')
    const records = { get: async () => ({ value: null }), put: async () => {} }
    return createCredentials({
      keys,
      threescale,
      repair: createKeyRepair({ threescale, keys, secret, records, check: async () => 'unknown' }),
      oneAtATime: (_name, work) => work({ isLost: async () => false }),
      models: { describe: async () => undefined },
      receipts: { removed: async () => ({}) as Receipt },
      secret,
      now: () => today,
    })
  }
  const taken = problem('invalid_fields', { fields: { value: 'This is already taken.' } })
  await t.rejects(setUp(['My-Own-Key'], taken).add(caller, 7, 'my-own-key', 'a'), {
    code: 'invalid_fields',
    fields: { value: /upper and lower case only/ },
  })
  await t.rejects(setUp(['another'], taken).add(caller, 7, 'my-own-key', 'a'), {
    code: 'invalid_fields',
    fields: { value: /already taken/ },
  })
  const both = await setUp([], problem('conflict')).add(caller, 7, 'my-own-key', 'a')
  t.equal(both.value, 'my-own-key', 'the same value was added at the same moment: 409 without a body')
  const single = problem('invalid_fields', { fields: { user_key: 'This is already taken.' } })
  await t.rejects(setUp([], single, 'old').rotate(caller, 7, 'my-own-key', 'a'), {
    code: 'invalid_fields',
    fields: { value: 'This is already taken. Use another value.' },
  })
})
