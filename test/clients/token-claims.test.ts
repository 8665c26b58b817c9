import t from 'tap'
import { claimAt } from '../../src/clients/token-claims.js'

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
  t.same(claimAt(claims, 'realm_access.roles'), ['by name'], 'the very name comes first')
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
