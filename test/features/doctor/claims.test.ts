import t from 'tap'
import type { HttpAnswer } from '../../../src/clients/http.js'
import { HttpFailure } from '../../../src/clients/http-failure.js'
import { doctorOf, ISSUER, recordedTenant } from './tenant.js'

const PROFILE = `GET ${new URL(ISSUER).origin}/admin/realms/maas/users/profile`
const deciding = [
  { setting: 'claim_accounts.claim', claim: 'organization' },
  { setting: 'groups_claim', claim: 'roles' },
  { setting: 'sign_up.claims', claim: 'org_name' },
]
const attribute = (name: string, ...edit: string[]) => ({ name, permissions: { view: ['admin', 'user'], edit } })
const profile = (attributes: unknown, unmanagedAttributePolicy = 'ADMIN_EDIT') =>
  JSON.stringify({ attributes, unmanagedAttributePolicy })

/** What is found where the realm answers the question for its user profile like that. */
async function found(answer: Partial<HttpAnswer> | Error, issuer = ISSUER, claims = deciding) {
  const tenant = recordedTenant()
  const asked: (string | undefined)[] = []
  const { signIn } = tenant.deps()
  const doctor = doctorOf(tenant, {
    http: {
      async send(request) {
        if (issuer !== ISSUER && request.url.href.startsWith(issuer)) return { status: 404, headers: {}, text: '' }
        if (`${request.method} ${request.url.href}` !== PROFILE) return tenant.http.send(request)
        asked.push(request.headers?.authorization)
        if (answer instanceof Error) throw answer
        return { status: 200, headers: {}, text: '', ...answer }
      },
    },
    signIn: { ...signIn, issuer, deciding: claims },
  })
  const report = await doctor.examine(60_000)
  return {
    asked,
    report,
    whats: report.findings.flatMap(({ code, what }) => (code === 'claim_editable' ? [what] : [])),
  }
}

const usual = 'sign_up.claims names “org_name”, which people can usually edit themselves.'

t.test('the user profile of a Keycloak realm says which claims people edit', async (t) => {
  const edited = await found({
    text: profile([attribute('organization', 'admin', 'user'), attribute('org_name', 'admin')]),
  })
  t.same(edited.whats, [
    'claim_accounts.claim names “organization”, which the user profile of the realm lets people edit.',
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
    'groups are no attribute',
  )
})

t.test('where it cannot be read, the usual names are reported, and nothing is missing', async (t) => {
  for (const answer of [
    { status: 403, text: '{}' },
    { text: '<html>' },
    { text: '{"attributes":7}' },
    { text: 'null' },
    { text: profile([7, { name: 'organization' }]) },
    new HttpFailure('timeout', 'sso.example'),
  ]) {
    const { whats, report } = await found(answer)
    t.same([whats, report.complete], [[usual], true], JSON.stringify(answer))
  }
  const elsewhere = await found({}, 'https://sso.example/other')
  t.same(
    [elsewhere.asked, elsewhere.whats],
    [[], [usual]],
    'another provider is not asked, nor one that does not answer',
  )
  const none = await found({}, ISSUER, [])
  t.same([none.asked, none.whats], [[], []], 'nor where no claim decides')
})
