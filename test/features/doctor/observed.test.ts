import t from 'tap'
import type { HttpRequest } from '../../../src/clients/http.js'
import { doctorOf, ISSUER, recordedTenant } from './tenant.js'

const NOW = Date.UTC(2026, 10, 2, 12, 30)
const MINUTE = 60_000
const DAY = 86_400_000
const used = [
  { setting: 'groups_claim', claim: 'realm_access.roles' },
  { setting: 'sign_up.org_name_claim', claim: 'organization' },
]

interface Seen {
  notes?: Record<string, number>
  trustEmail?: boolean
  issuer?: string
  /** members of the discovery document */
  announces?: object
}

/** What the doctor says of the sign-in service after such sign-ins. */
async function found({ notes = {}, trustEmail = false, issuer = ISSUER, announces = {} }: Seen) {
  const tenant = recordedTenant()
  const deps = tenant.deps()
  const doctor = doctorOf(tenant, {
    http: {
      async send(request: HttpRequest) {
        if (!request.url.href.endsWith('/.well-known/openid-configuration')) return tenant.http.send(request)
        const url = new URL(`${ISSUER}/.well-known/openid-configuration`)
        const answer = await tenant.http.send({ ...request, url })
        return { ...answer, text: JSON.stringify({ ...JSON.parse(answer.text), issuer, ...announces }) }
      },
    },
    signIn: { ...deps.signIn, issuer, used, trustEmail, notes: async () => notes },
    now: () => NOW,
  })
  const { findings } = await doctor.examine(60_000)
  const codes = [
    'claim_not_seen',
    'claim_omitted',
    'email_not_stated',
    'email_trusted',
    'token_form',
    'identity_call_failed',
  ]
  return findings.filter(({ code }) => codes.includes(code)).map(({ code, what }) => `${code}: ${what}`)
}

t.test('a claim that a setting names and no sign-in had is reported', async (t) => {
  const absent = { 'absent realm_access.roles': NOW - MINUTE }
  t.same(await found({ notes: absent }), [
    'claim_not_seen: groups_claim names “realm_access.roles”. No sign-in of the last seven days had it; the most recent one was at 2026-11-02 12:29 UTC.',
  ])
  t.same(await found({ notes: { ...absent, 'present realm_access.roles': NOW - DAY } }), [], 'somebody had it')
  t.same(await found({ notes: { 'absent realm_access.roles': NOW - 8 * DAY } }), [], 'long ago')
  t.same(await found({ notes: { 'absent other': NOW } }), [], 'no setting names it any more')
  t.same(await found({}), [], 'nobody signed in')
})

t.test('a claim that was left out as too long is reported, also where others had it', async (t) => {
  const notes = { 'omitted realm_access.roles': NOW, 'present realm_access.roles': NOW }
  t.same(await found({ notes }), [
    'claim_omitted: groups_claim names “realm_access.roles”. It was left out at 2026-11-02 12:30 UTC.',
  ])
})

t.test('addresses without a word on their verification are reported until they are trusted', async (t) => {
  const notes = { unverified: NOW - DAY }
  t.same(await found({ notes }), [
    'email_not_stated: A sign-in at 2026-11-01 12:30 UTC had an address and no claim that states whether it is verified.',
  ])
  const elsewhere = 'https://sso.example/tenant'
  t.same(await found({ notes, trustEmail: true, issuer: elsewhere }), [])
})

t.test('a token endpoint that accepts no client secret is reported as not checked', async (t) => {
  const [finding = ''] = await found({ announces: { token_endpoint_auth_methods_supported: ['private_key_jwt'] } })
  t.match(
    finding,
    'identity_call_failed: The token endpoint accepts private_key_jwt only, which the checks do not support.',
  )
})

t.test('trusted addresses are reported where others than the administrators may set them', async (t) => {
  const trusting = (seen: Seen) => found({ trustEmail: true, ...seen })
  const says = ['email_trusted: The provider sends email_verified itself.']
  t.same(await trusting({}), says, 'a realm of Keycloak')
  const issuer = 'https://sso.example/tenant'
  t.same(await trusting({ issuer, announces: { claims_supported: ['sub', 'email_verified'] } }), says)
  t.same(await trusting({ issuer, announces: { claims_supported: 'none' } }), [])
  const others = ['email_trusted: Administrators of other tenants set the addresses of their people.']
  t.same(await trusting({ issuer: 'https://login.microsoftonline.com/organizations/v2.0' }), others)
  t.same(await trusting({ issuer: 'https://login.microsoftonline.com/11111111-2222/v2.0' }), [])
})

t.test('access tokens that were refused for their form are reported, each sentence once', async (t) => {
  const notes = { 'refused This access token has no audience (aud).': NOW }
  t.same(await found({ notes }), ['token_form: At 2026-11-02 12:30 UTC: This access token has no audience (aud).'])
})
