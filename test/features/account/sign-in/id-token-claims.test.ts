import t from 'tap'
import { demoEnvironment } from '../../../../src/cli/demo-settings.js'
import { decidingClaims, identityRules, requestedClaims } from '../../../../src/composition/identity-claims.js'
import { loadConfig } from '../../../../src/config/environment.js'
import { parsePortalConfig } from '../../../../src/config/portal-config.js'
import { observeClaims, toIdentity } from '../../../../src/features/account/sign-in/id-token-claims.js'
import { defaultClaims } from '../../../helper/claim-rules.js'

const long = 'x'.repeat(255)
const rules = {
  issuer: 'https://sso.example.com',
  ...defaultClaims,
  knownGroups: ['staff', long],
  mapped: ['org_name', 'badge'],
  deciding: [{ name: 'badge', values: ['blue', long] }],
  configuredClaims: ['groups', 'badge'],
}

t.test('a claim that identifies or decides is used whole or not at all', async (t) => {
  const of = (claims: object) => toIdentity({ sub: 'ada', ...claims }, rules)
  t.match(of({ groups: ['staff', `${long}y`], badge: `${long}y` }), { groups: ['staff'], claims: { badge: undefined } })
  t.match(of({ groups: [long], badge: ['blue', long] }), { groups: [long], claims: { badge: ['blue', 'blue', long] } })
  t.equal(of({ sid: `${long}y` }).sid, undefined)
  t.equal(of({ sid: long }).sid, long)
  const email = `${'a'.repeat(240)}@corp.example.evil.org`
  t.equal(of({ email }).email, email, 'an address is never truncated')
  t.equal(of({ email: 5 }).email, undefined)
  t.same(of({ groups: [{ id: 'staff' }, ['staff'], null, true, `${long}y`] }).groups, [])
})

t.test('an address is verified where the provider states it, as a boolean or as text', async (t) => {
  const email = 'zoe@example.com'
  const verified = (claims: object, differing: object = {}) =>
    toIdentity({ sub: 'zoe', email, ...claims }, { ...rules, ...differing }).emailVerified
  t.equal(verified({ email_verified: true }), true)
  t.equal(verified({ email_verified: 'true' }), true, 'ADFS and mappers send a string')
  for (const no of [false, 'false', 'True', ' true', 'yes', '1', 1, 0, '', [true], ['true'], {}])
    for (const trustEmail of [false, true])
      t.equal(
        verified({ email_verified: no }, { trustEmail }),
        false,
        `${JSON.stringify(no)} means not verified, even for a trusted provider`,
      )
  for (const nothing of [{}, { email_verified: null }]) {
    t.equal(verified(nothing), undefined, 'unknown')
    t.equal(verified(nothing, { trustEmail: true }), true, 'the operator trusts the provider')
  }
  const edov = { emailVerified: 'xms_edov' }
  for (const yes of [true, 'true', 1, '1']) t.equal(verified({ xms_edov: yes }, edov), true, `xms_edov ${yes}`)
  for (const no of [false, '0', 0, 'false', 2])
    t.equal(verified({ xms_edov: no, email_verified: true }, { ...edov, trustEmail: true }), false, `xms_edov ${no}`)
  t.equal(verified({ email_verified: true }, edov), undefined, 'a claim other than the configured one')
})

t.test('email, name and subject are read from the claims that the configuration names', async (t) => {
  const differing = { email: 'upn', name: 'profile.unique_name', subject: 'oid' }
  const of = (claims: object) => toIdentity({ sub: 'pairwise', ...claims }, { ...rules, ...differing })
  t.match(of({ oid: 'o-1', upn: 'zoe@example.com', email: 'other@example.com', profile: { unique_name: 'Zoe' } }), {
    subject: 'o-1',
    email: 'zoe@example.com',
    name: 'Zoe',
  })
  t.match(of({ oid: 'o-1', upn: ['zoe@example.com', 'second@example.com'] }), { email: 'zoe@example.com' })
  t.match(of({ oid: 'o-1', upn: 'zoe@example.com' }), { name: 'zoe@example.com' }, 'an address instead of a name')
  t.equal(of({ oid: 'o-1', email: 'zoe@example.com' }).email, undefined, 'no other claim is used instead')
  for (const oid of [undefined, '', `${long}y`, null, {}])
    t.throws(
      () => of({ oid, upn: 'zoe@example.com' }),
      { code: 'identity_denied', message: /not configured/ },
      `subject ${JSON.stringify(oid)}`,
    )
})

t.test('groups are read in every format of the providers', async (t) => {
  const known = ['research', '/ops', 'lab/a', '42', long]
  const of = (claims: object, groups = 'groups') =>
    toIdentity({ sub: 'ada', ...claims }, { ...rules, groups, knownGroups: known }).groups
  t.same(of({ groups: 'research' }), ['research'], 'a string')
  t.same(of({ groups: ['other', 'research'] }), ['research'], 'a list')
  t.same(of({ groups: 42 }), ['42'], 'a number')
  t.same(of({ groups: { research: { id: '7' } } }), ['research'], 'an object with the groups as keys')
  t.same(of({ groups: { research: true, '42': false } }), ['research'], 'an object with boolean values')
  t.same(of({ groups: [{ id: 7, name: 'research' }, { value: '42' }] }), ['research', '42'], 'a list of objects')
  t.same(of({ realm_access: { roles: ['research'] } }, 'realm_access.roles'), ['research'])
  t.same(of({ resource_access: { 'my.app': { roles: ['research'] } } }, 'resource_access.my.app.roles'), ['research'])
  t.same(of({ 'cognito:groups': ['research'] }, 'cognito:groups'), ['research'])
  t.same(of({ 'https://example.com/groups': ['research'] }, 'https://example.com/groups'), ['research'])
  const zitadel = 'urn:zitadel:iam:org:project:roles'
  t.same(of({ [zitadel]: { research: { '1': 'acme.example' } } }, zitadel), ['research'])
  t.same(of({ member: [{ of: 'research' }, { of: 'x' }] }, 'member.of'), ['research'], 'a path through a list')
})

t.test('the path of a group is compared from its root', async (t) => {
  const of = (...groups: string[]) =>
    toIdentity({ sub: 'ada', groups }, { ...rules, knownGroups: ['research', '/ops', 'lab/a'] }).groups
  t.same(of('/research', '/ops', '/lab/a'), ['research', '/ops', 'lab/a'])
  t.same(of('/a/research', 'a/research', '//research', 'research/', '/x/lab/a', 'ops', '/a/ops'), [])
})

t.test('omitted groups are detected only where a setting names a group', async (t) => {
  const of = (claims: object, differing: object = {}) =>
    toIdentity({ sub: 'ada', ...claims }, { ...rules, ...differing }).groupsOmitted
  const names = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } }
  t.equal(of(names), true)
  t.equal(of({ hasgroups: true }), true)
  t.equal(of({ groups: [], ...names }), true, 'next to an empty list')
  t.equal(of({ groups: 'https://graph.microsoft.com/v1.0/users/7/getMemberObjects' }), true)
  t.equal(of({ _claim_names: { realm_access: 'src1' } }, { groups: 'realm_access.roles' }), true)
  t.equal(of(names, { knownGroups: [] }), false)
  for (const none of [
    { groups: ['staff'], ...names },
    { groups: ['other'], hasgroups: true },
    { groups: 'https://example.com/entitlements/staff' },
    { _claim_names: { address: 'src1' } },
    { _claim_names: 'groups' },
    { hasgroups: false },
    {},
  ])
    t.equal(of(none), false, JSON.stringify(none))
  t.equal(of({ hasgroups: true }, { groups: 'roles' }), false, 'another claim')
})

t.test('people with the same organization get the same value in every format of the claim', async (t) => {
  const value = (organization: unknown) =>
    toIdentity({ sub: 'ada', organization }, { ...rules, mapped: ['organization'] }).claims.organization
  for (const form of [
    'acme',
    ['acme'],
    { acme: {} },
    { acme: { id: '42' } },
    { name: 'acme', id: '42' },
    [{ name: 'acme' }],
  ])
    t.same(value(form), ['acme'], JSON.stringify(form))
  t.same(value({ acme: {}, beta: {} }), ['acme'], 'the first of several')
  for (const none of [{}, [], null, '', { id: '42' }, { acme: 'text' }, { acme: false }, 2 ** 60])
    t.equal(value(none), undefined, `a key is not a value: ${JSON.stringify(none)}`)
})

t.test('display text is truncated', async (t) => {
  const { name, claims } = toIdentity({ sub: 'ada', name: '🚀'.repeat(300), org_name: `${long}y` }, rules)
  t.equal(name, '🚀'.repeat(255))
  t.same(claims.org_name, [long])
})

t.test('claims that decide or fill fields are read by path and stored under it', async (t) => {
  const roles = 'resource_access.portal.roles'
  const differing = { mapped: ['address.country', roles], deciding: [{ name: roles, values: ['developer', 'tester'] }] }
  const { claims } = toIdentity(
    {
      sub: 'ada',
      address: { country: 'DE', formatted: '1 Main St' },
      resource_access: { portal: { roles: ['viewer', 'tester', 'other'] } },
    },
    { ...rules, ...differing },
  )
  t.same(claims, { 'address.country': ['DE'], [roles]: ['viewer', 'tester'] })
})

t.test('present, absent and omitted claims are recorded without personal data', async (t) => {
  const configuredClaims = ['groups', 'organization.id', 'plan']
  const claims = {
    sub: 'ada',
    email: 'ada@example.com',
    organization: { id: '42' },
    plan: null,
    _claim_names: { groups: 'src1' },
  }
  const noting = { ...rules, configuredClaims }
  t.same(observeClaims(claims, noting, toIdentity(claims, noting)), [
    'omitted groups',
    'present organization.id',
    'absent plan',
    'unverified',
  ])
  const stated = { ...claims, email_verified: false }
  t.notOk(observeClaims(stated, noting, toIdentity(stated, noting)).includes('unverified'))
})

const configOf = (text: string) => ({
  ...loadConfig(demoEnvironment(1, {})),
  portal: parsePortalConfig(text, 'test').config,
})

t.test('every claim that a setting uses for a decision is listed as not editable', async (t) => {
  const deciding = decidingClaims(
    configOf(`
identity_provider:
  claims: { subject: employee, email: upn, email_verified: xms_edov, name: title }
  access_tokens: { subject_claim: uid }
groups_claim: roles
claim_accounts: { claim: organization, admin_groups: [leads] }
sign_up: { claims: [{ name: plan, values: [gold] }], fields: { user: { job_title: job } } }`),
  )
  t.same(
    deciding.map(({ setting, claim }) => `${setting}: ${claim}`),
    [
      'identity_provider.claims.subject: employee',
      'identity_provider.claims.email: upn',
      'identity_provider.claims.email_verified: xms_edov',
      'identity_provider.access_tokens.subject_claim: uid',
      'claim_accounts.claim: organization',
      'groups_claim: roles',
      'sign_up.claims: plan',
    ],
  )
  const standard = '{ subject: sub, email: email, email_verified: email_verified }'
  for (const text of ['{}', `identity_provider: { claims: ${standard} }`])
    t.same(decidingClaims(configOf(text)), [], text)
})

t.test('every configured claim that the ID token lacks is requested from userinfo', async (t) => {
  const required = (text: string) => requestedClaims(identityRules(configOf(text)))
  t.same(required('{}'), ['sub', 'email', 'email_verified', 'name', 'org_name'])
  const claims = '{ subject: employee, email: work.address, email_verified: work.verified, name: title }'
  const all = required(`
identity_provider: { claims: ${claims} }
groups_claim: roles
operators: [staff]
claim_accounts: { claim: organization, admin_groups: [leads] }
sign_up: { claims: [{ name: plan, values: [gold] }], fields: { user: { job_title: job } } }`)
  for (const claim of ['employee', 'work.address', 'work.verified', 'title', 'roles', 'organization', 'plan', 'job'])
    t.ok(all.includes(claim), claim)
  t.notOk(required('identity_provider: { trust_email: true }').includes('email_verified'))
})
