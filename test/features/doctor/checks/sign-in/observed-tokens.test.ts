import t from 'tap'
import type { HttpRequest } from '../../../../../src/infra/http/http.js'
import { doctorOf, ISSUER, recordedTenant } from '../../recorded-tenant.js'

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
  /** Fields of the discovery document. */
  announces?: object
}

/** The findings about the identity provider after these sign-ins. */
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
    signIn: { ...deps.signIn, issuer, configuredClaims: used, trustEmail, observations: async () => notes },
    now: () => NOW,
  })
  const { findings } = await doctor.examine(60_000)
  const codes = [
    'claim_absent',
    'claim_omitted',
    'email_verification_missing',
    'email_trusted',
    'access_token_format',
    'identity_call_failed',
  ]
  return findings.filter(({ code }) => codes.includes(code)).map(({ code, what }) => `${code}: ${what}`)
}

t.test('a configured claim that no sign-in contained is reported', async (t) => {
  const absent = { 'absent realm_access.roles': NOW - MINUTE }
  t.same(await found({ notes: absent }), [
    'claim_absent: groups_claim names “realm_access.roles”. No sign-in of the last seven days contained it; the most recent one was at 2026-11-02 12:29 UTC.',
  ])
  t.same(await found({ notes: { ...absent, 'present realm_access.roles': NOW - DAY } }), [], 'one sign-in contained it')
  t.same(await found({ notes: { 'absent realm_access.roles': NOW - 8 * DAY } }), [], 'more than a week ago')
  t.same(await found({ notes: { 'absent other': NOW } }), [], 'no longer configured')
  t.same(await found({}), [], 'no sign-in')
})

t.test('a claim that was omitted as too long is reported, even if other sign-ins contained it', async (t) => {
  const notes = { 'omitted realm_access.roles': NOW, 'present realm_access.roles': NOW }
  t.same(await found({ notes }), [
    'claim_omitted: groups_claim names “realm_access.roles”. It was omitted at 2026-11-02 12:30 UTC.',
  ])
})

t.test('addresses without a verification claim are reported until they are trusted', async (t) => {
  const notes = { unverified: NOW - DAY }
  t.same(await found({ notes }), [
    'email_verification_missing: A sign-in at 2026-11-01 12:30 UTC had an address but no claim about its verification.',
  ])
  const elsewhere = 'https://sso.example/tenant'
  t.same(await found({ notes, trustEmail: true, issuer: elsewhere }), [])
})

t.test('a token endpoint that accepts no client secret is reported as not checked', async (t) => {
  const [finding = ''] = await found({ announces: { token_endpoint_auth_methods_supported: ['private_key_jwt'] } })
  t.match(
    finding,
    'identity_call_failed: The token endpoint accepts only private_key_jwt, which the doctor does not support.',
  )
})

t.test('trusted addresses are reported if other people than the administrators can set them', async (t) => {
  const trusting = (seen: Seen) => found({ trustEmail: true, ...seen })
  const says = ['email_trusted: The provider sends email_verified.']
  t.same(await trusting({}), says, 'a Keycloak realm')
  const issuer = 'https://sso.example/tenant'
  t.same(await trusting({ issuer, announces: { claims_supported: ['sub', 'email_verified'] } }), says)
  t.same(await trusting({ issuer, announces: { claims_supported: 'none' } }), [])
  const others = ['email_trusted: Administrators of other tenants set the addresses of their users.']
  t.same(await trusting({ issuer: 'https://login.microsoftonline.com/organizations/v2.0' }), others)
  t.same(await trusting({ issuer: 'https://login.microsoftonline.com/11111111-2222/v2.0' }), [])
})

t.test('rejected formats of access tokens are reported, each message once', async (t) => {
  const notes = { 'refused This access token has no audience (aud).': NOW }
  t.same(await found({ notes }), [
    'access_token_format: At 2026-11-02 12:30 UTC: This access token has no audience (aud).',
  ])
})
