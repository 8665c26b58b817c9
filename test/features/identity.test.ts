import t from 'tap'
import { identityOf } from '../../src/features/account/identity.js'

const long = 'x'.repeat(255)
const rules = {
  issuer: 'https://sso.example.com',
  groupsClaim: 'groups',
  knownGroups: ['staff', long],
  mapped: ['org_name', 'badge'],
  deciding: [{ name: 'badge', values: ['blue', long] }],
}

t.test('a claim that identifies or decides is taken whole or not at all', async (t) => {
  const of = (claims: object) => identityOf({ sub: 'ada', ...claims }, rules)
  t.match(of({ groups: ['staff', `${long}y`], badge: `${long}y` }), { groups: ['staff'], claims: { badge: undefined } })
  t.match(of({ groups: [long], badge: ['blue', long] }), { groups: [long], claims: { badge: ['blue', 'blue', long] } })
  t.equal(of({ sid: `${long}y` }).sid, undefined)
  t.equal(of({ sid: long }).sid, long)
  const email = `${'a'.repeat(240)}@corp.example.evil.org`
  t.equal(of({ email }).email, email, 'an address is never cut')
  t.equal(of({ email: 5 }).email, undefined)
  t.same(of({ groups: [{ name: 'staff' }, ['staff'], null, true] }).groups, [])
  t.equal(of({ email_verified: 'true' }).emailVerified, false)
})

t.test('a text for people is cut', async (t) => {
  const { name, claims } = identityOf({ sub: 'ada', name: '🚀'.repeat(300), org_name: `${long}y` }, rules)
  t.equal(name, '🚀'.repeat(255))
  t.same(claims.org_name, [long])
})
