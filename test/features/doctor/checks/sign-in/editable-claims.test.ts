import t from 'tap'
import type { HttpResponse } from '../../../../../src/infra/http/http.js'
import { HttpError } from '../../../../../src/infra/http/http-error.js'
import { doctorOf, ISSUER, recordedTenant } from '../../recorded-tenant.js'

const PROFILE = `GET ${new URL(ISSUER).origin}/admin/realms/maas/users/profile`
const deciding = [
  { setting: 'claim_accounts.claim', claim: 'organization' },
  { setting: 'groups_claim', claim: 'roles' },
  { setting: 'sign_up.claims', claim: 'org_name' },
]
const attribute = (name: string, ...edit: string[]) => ({ name, permissions: { view: ['admin', 'user'], edit } })
const profile = (attributes: unknown, unmanagedAttributePolicy = 'ADMIN_EDIT') =>
  JSON.stringify({ attributes, unmanagedAttributePolicy })

/** The findings if the realm returns this response to the request for its user profile. */
async function found(answer: Partial<HttpResponse> | Error, issuer = ISSUER, claims = deciding) {
  const tenant = recordedTenant()
  const requested: (string | undefined)[] = []
  const { signIn } = tenant.deps()
  const doctor = doctorOf(tenant, {
    http: {
      async send(request) {
        if (issuer !== ISSUER && request.url.href.startsWith(issuer)) return { status: 404, headers: {}, text: '' }
        if (`${request.method} ${request.url.href}` !== PROFILE) return tenant.http.send(request)
        requested.push(request.headers?.authorization)
        if (answer instanceof Error) throw answer
        return { status: 200, headers: {}, text: '', ...answer }
      },
    },
    signIn: { ...signIn, issuer, decidingClaims: claims },
  })
  const report = await doctor.examine(60_000)
  return {
    asked: requested,
    report,
    whats: report.findings.flatMap(({ code, what }) => (code === 'claim_editable' ? [what] : [])),
  }
}

const usual = 'sign_up.claims names “org_name”, which users can usually edit themselves.'

t.test('the user profile of a Keycloak realm determines which claims users can edit', async (t) => {
  const edited = await found({
    text: profile([attribute('organization', 'admin', 'user'), attribute('org_name', 'admin')]),
  })
  t.same(edited.whats, [
    'claim_accounts.claim names “organization”, which users can edit in the user profile of the realm.',
  ])
  t.match(edited.asked, [/^Bearer /], 'one call, with the token of the service client')
  t.match(
    edited.report.findings.find(({ code }) => code === 'claim_editable'),
    { severity: 'warning', link: null },
  )
  t.same((await found({ text: profile([attribute('organization', 'admin')]) })).whats, [usual])
  const open = await found({ text: profile([attribute('org_name')], 'ENABLED') })
  t.match(open.whats, [
    /claim_accounts\.claim names “organization”, which .* does not declare/,
    /groups_claim names “roles”/,
  ])
  t.same(
    (await found({ text: profile([], 'ENABLED') }, ISSUER, [{ setting: 'groups_claim', claim: 'groups' }])).whats,
    [],
    'groups are not a user attribute',
  )
})

t.test('if the user profile cannot be read, the usual names are reported and the report is complete', async (t) => {
  for (const answer of [
    { status: 403, text: '{}' },
    { text: '<html>' },
    { text: '{"attributes":7}' },
    { text: 'null' },
    { text: profile([7, { name: 'organization' }]) },
    new HttpError('timeout', 'sso.example'),
  ]) {
    const { whats, report } = await found(answer)
    t.same([whats, report.complete], [[usual], true], JSON.stringify(answer))
  }
  const elsewhere = await found({}, 'https://sso.example/other')
  t.same(
    [elsewhere.asked, elsewhere.whats],
    [[], [usual]],
    'other providers are not requested, and neither is one that does not respond',
  )
  const none = await found({}, ISSUER, [])
  t.same([none.asked, none.whats], [[], []], 'nothing is requested if no claim is used for a decision')
})
