import t from 'tap'
import { claimAt, displayText, valuesOf } from '../../../src/clients/identity/token-claims.js'

t.test('a claim is found by its name or by a path of members', async (t) => {
  const claims = {
    'https://example.com/groups': ['research'],
    'cognito:groups': ['admins'],
    realm_access: { roles: ['maas-user'] },
    'realm_access.roles': ['by name'],
    resource_access: { 'my.client': { roles: ['reader'] }, my: { client: 'text' } },
    groups: ['staff'],
  }
  t.same(claimAt(claims, 'https://example.com/groups'), ['research'])
  t.same(claimAt(claims, 'cognito:groups'), ['admins'])
  t.same(claimAt(claims, 'realm_access.roles'), ['by name'], 'the exact name has precedence')
  t.same(claimAt({ realm_access: claims.realm_access }, 'realm_access.roles'), ['maas-user'])
  t.same(claimAt(claims, 'resource_access.my.client.roles'), ['reader'], 'a step may contain dots')
  for (const path of [
    '',
    '.',
    'groups.0',
    'groups.length',
    'realm_access.',
    'constructor',
    '__proto__.x',
    'none.at.all',
  ])
    t.equal(claimAt(claims, path), undefined, path)
  t.equal(claimAt('text', 'length'), undefined)
})

t.test('a step of a path applies to each object of a list', async (t) => {
  const claims = { orgs: [{ id: 1, roles: ['a', 'b'] }, 'text', null, [{ id: 3 }], { id: 2 }], none: [] }
  t.same(claimAt(claims, 'orgs.id'), [1, 2])
  t.same(claimAt(claims, 'orgs.roles'), ['a', 'b'])
  for (const path of ['orgs.name', 'none.id', 'orgs.0', 'orgs.length']) t.equal(claimAt(claims, path), undefined, path)
})

t.test('claim values are strings, whatever their type', async (t) => {
  t.same(valuesOf(['a', 7, true, false, null, '', undefined, 1.5, Number.NaN]), ['a', '7', 'true', 'false', '1.5'])
  t.same(valuesOf(Number.MAX_SAFE_INTEGER + 1), [], 'a rounded number')
  t.same(valuesOf({ a: {}, b: { id: 1 } }), ['a', 'b'])
  t.same(valuesOf({ c: true, d: false }), ['c'])
  t.same(valuesOf({ id: ['42'], title: ['acme'] }), [], 'attributes of one object are not names')
  t.same(valuesOf({ a: {}, active: true }), [])
  t.same(valuesOf({ a: {}, name: 'text' }), ['text'], 'an object with one string member: a name')
  t.same(valuesOf({ formatted: '1 Main St', country: 'DE' }), ['1 Main St'], 'the claim address')
  t.same(valuesOf({ name: { first: 'x' }, value: 'y' }), [], 'another format of a name')
  t.same(valuesOf([{ name: ['a'] }, { value: 8 }]), ['8'], 'no nested lists')
  t.same(valuesOf('x'.repeat(256)), [], 'not truncated')
  t.same(valuesOf({ ['x'.repeat(256)]: {} }), [])
  t.same(valuesOf('x'.repeat(256), displayText), ['x'.repeat(255)], 'except for display')
})
