import t from 'tap'
import type { FieldDefinition, Plan, Product } from '../../src/clients/threescale/nouns.js'
import { checkFields } from '../../src/features/applications/fields.js'
import {
  applicationIdOf,
  isKeyOfAttempt,
  isKeyOfWish,
  keyDay,
  keyPattern,
  makeKey,
  newAttempt,
} from '../../src/features/applications/keys.js'
import { choosePlan } from '../../src/features/applications/plans.js'

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
  t.match(applicationIdOf(origin), /^[0-9a-f]{32}$/)
  t.equal(applicationIdOf(origin), applicationIdOf({ ...origin, wish: 'another' }))
  t.not(applicationIdOf(origin), applicationIdOf({ ...origin, account: 8 }))
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

t.test('extra fields: required, choices, hidden and read-only', async (t) => {
  const field = (name: string, change: Partial<FieldDefinition> = {}): FieldDefinition => ({
    target: 'application',
    name,
    label: name,
    required: false,
    hidden: false,
    readOnly: false,
    choices: [],
    ...change,
  })
  const fields = [
    field('purpose', { required: true, choices: ['Experiment', 'Production'] }),
    field('note'),
    field('tier', { hidden: true, required: true }),
    field('seat', { readOnly: true }),
  ]
  t.same(checkFields(fields, { purpose: ' Production ', note: '' }), { purpose: 'Production' })
  const errorsOf = (given: Record<string, string>) => {
    try {
      checkFields(fields, given)
      return []
    } catch (error) {
      return Object.keys((error as { fields: Record<string, string> }).fields)
    }
  }
  t.same(errorsOf({}), ['fields.purpose'])
  t.same(errorsOf({ purpose: 'Fun' }), ['fields.purpose'])
  t.same(errorsOf({ purpose: 'Production', tier: 'x', seat: 'y', other: 'z' }), [
    'fields.tier',
    'fields.seat',
    'fields.other',
  ])
})
