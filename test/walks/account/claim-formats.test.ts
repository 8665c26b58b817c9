import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createApi } from '../../helper/api.js'
import { createSignInService } from '../../helper/sign-in-service.js'
import { startRedis, startStack } from '../../helper/stack.js'
import { type Answer, createVisitor, decode, type Visitor } from '../../helper/visitor.js'

/** Claims and access tokens in the formats of other providers, by page and by API. */
interface Me {
  kind: string
  account: { id: number; name: string } | null
  joining_account: { id: number | null; name: string } | null
}
interface Problem {
  type: string
  detail: string
}

const stack = await startStack(['threescale', 'identity'])
const redis = await startRedis()
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
const folder = t.testdir({})
const output = join(folder, 'portal.log')
const { tell, forge } = createSignInService(stack)
const RESTRICTED = '/models/restricted-research'
const answers = { fields: { department: 'Research', job_title: 'Scientist' } }
const restricted = 'products: { restricted-research: { visible_to: [research] } }\n'
const OVERAGE = {
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: 'https://graph.example/canary' } },
}

let count = 0
let running: { stop(): Promise<unknown>; url: string } | undefined

/** The portal at its usual address, with this PORTAL_CONFIG instead of the previous one. */
async function portalWith(text: string): Promise<ReturnType<typeof createApi>> {
  await running?.stop()
  const file = join(folder, `portal-${++count}.yaml`)
  writeFileSync(file, text)
  const env = { PORTAL_CONFIG: file, REDIS_URL: redis.url, LOG_LEVEL: 'warn', API_CLIENTS: 'demo-service' }
  running = await stack.portal(env, { output })
  return createApi(stack, running.url)
}

/** A new person whose ID token has these claims; undefined omits the claim. */
async function arrive(claims: Record<string, unknown>, visitor: Visitor = createVisitor(stack)) {
  const username = `forms${++count}`
  await tell('POST', '/_demo/people', {
    username,
    sub: `sub-${username}`,
    name: `Forms ${count}`,
    email: `${username}@example.com`,
    email_verified: true,
    org_name: `Org ${username}`,
    groups: [],
  })
  const drop = Object.keys(claims).filter((name) => claims[name] === undefined)
  await forge({ id_token: { set: claims, drop } })
  const page = await visitor.signIn(username, '/account')
  await forge({})
  return { username, visitor, page, account: accountOf(username) }
}

async function accountOf(username: string) {
  const { users, accounts } = await stack.state()
  const user = users.find(({ email }) => email === `${username}@example.com`)
  return user && accounts.find(({ id }) => id === user.account_id)
}

const isIn = async (visitor: Visitor): Promise<boolean> => (await visitor.raw('/account')).status === 200
const sees = async (visitor: Visitor): Promise<boolean> => (await visitor.raw(RESTRICTED)).status === 200
const h1 = ({ text }: Answer): string => decode(/<h1[^>]*>([^<]*)/.exec(text)?.[1] ?? '')

t.test('an address without a verification claim is accepted where the operator trusts the provider', async (t) => {
  const strict = await portalWith('contact: { email: models@example.com }\n')
  const unknown = await arrive({ email_verified: undefined })
  t.equal(unknown.page.status, 403)
  t.equal(h1(unknown.page), 'Your e-mail address is not verified')
  t.match(decode(unknown.page.text), /does not state whether your e-mail address is verified/)
  t.notMatch(unknown.page.text, /\blink in\b|[Ff]ollow the link|inbox|mailbox|e-mail (was|has been) sent/)
  t.match(readFileSync(output, 'utf8'), /identity_provider\.trust_email/, 'the log names the setting')
  t.ok(await isIn((await arrive({ email_verified: 'true' })).visitor), 'the string true')
  const token = await strict.token({ username: unknown.username, claims: { email_verified: null } })
  const refused = await strict.post<Problem>('/me', token, answers)
  t.match([refused.status, refused.body.type, refused.body.detail], [403, /email_not_verified/, /does not state/])

  const trusting = await portalWith('identity_provider: { trust_email: true }\n')
  t.ok(await isIn((await arrive({ email_verified: undefined })).visitor), 'sign-up')
  for (const no of [false, 'false', '1']) {
    const { page, visitor } = await arrive({ email_verified: no })
    t.equal(page.status, 403, `an explicit ${JSON.stringify(no)} is respected`)
    t.notOk(await isIn(visitor))
  }
  t.equal((await trusting.post('/me', token, answers)).status, 201, 'sign-up by API')
  const later = await arrive({})
  const owner = await trusting.token({ username: later.username })
  t.equal(
    (await trusting.post('/members', owner, { email: `forms${count + 1}@example.com`, role: 'member' })).status,
    201,
  )
  const invited = await arrive({ email_verified: undefined })
  t.ok(await isIn(invited.visitor))
  t.equal((await invited.account)?.org_name, `Org ${later.username}`, 'an invitation is found by the trusted address')
})

t.test('groups are read by path and in any format, on pages and by API', async (t) => {
  const rows: [string, Record<string, unknown>, boolean][] = [
    ['groups', { groups: 'research' }, true],
    ['groups', { groups: ['/research'] }, true],
    ['groups', { groups: ['/other/research'] }, false],
    ['realm_access.roles', { realm_access: { roles: ['user', 'research'] } }, true],
    ['realm_access.roles', { groups: ['research'], 'realm_access.role': ['research'] }, false],
    ['urn:zitadel:iam:org:project:roles', { 'urn:zitadel:iam:org:project:roles': { research: { 1: 'x' } } }, true],
    ['groups', { groups: { research: false } }, false],
  ]
  let api: ReturnType<typeof createApi> | undefined
  let former = ''
  for (const [claim, claims, expected] of rows) {
    if (!api || claim !== former) api = await portalWith(`${restricted}groups_claim: "${claim}"\n`)
    former = claim
    const { username, visitor } = await arrive(claims)
    t.equal(await sees(visitor), expected, `page, ${JSON.stringify(claims)}`)
    const token = await api.token({ username, claims })
    t.equal((await api.get(RESTRICTED, token)).status, expected ? 200 : 404, `API, ${JSON.stringify(claims)}`)
  }
})

t.test('people with the same organization share an account, in every format of the claim', async (t) => {
  const api = await portalWith('claim_accounts: { claim: organization, admin_groups: [maas-admins] }\n')
  const first = await arrive({ organization: { acme: { id: '42' } } })
  const home = await first.account
  t.equal(home?.org_name, 'acme', 'named by the organization')
  for (const organization of [{ acme: {} }, ['acme'], 'acme', [{ name: 'acme', id: '42' }]]) {
    const { username, account } = await arrive({ organization })
    t.equal((await account)?.id, home?.id, `${JSON.stringify(organization)}, by page`)
    const other = `${username}-api`
    await api.person({ username: other })
    const token = await api.token({ username: other, claims: { organization } })
    t.match((await api.get<Me>('/me', token)).body.joining_account, { id: home?.id, name: 'acme' }, 'by API')
  }
  const record = await arrive({ organization: { id: '42', title: 'acme' } })
  t.equal((await record.account)?.org_name, `Org ${record.username}`, 'members of an object are not names')
})

t.test('groups that a provider omitted are reported to the person, in the log and to API callers', async (t) => {
  const api = await portalWith(restricted)
  const { username, page, visitor } = await arrive(OVERAGE)
  t.match(decode(page.text), /omitted your groups because there are too many/, 'a notice after the sign-in')
  const missing = await visitor.get(RESTRICTED)
  t.equal(missing.status, 404)
  t.match(decode(missing.text), /did not include your groups/)
  const nothing = await visitor.get('/models/no-such-model')
  t.match(decode(nothing.text), /did not include your groups/, 'the same for a missing resource')
  t.notMatch(decode((await visitor.get('/account')).text), /omitted your groups/, 'the notice is shown once')
  const log = readFileSync(output, 'utf8')
    .split('\n')
    .filter((line) => line.includes('claims_omitted'))
  t.equal(log.length, 1, 'one line')
  t.match(log[0], /"claims":\["groups"\]/)
  t.notMatch(log[0], /canary|@example\.com/)
  const token = await api.token({ username, claims: OVERAGE })
  const answer = await api.get<Problem>(RESTRICTED, token)
  t.match([answer.status, answer.body.detail], [404, /did not include your groups/])
  const usual = await api.get<Problem>(RESTRICTED, await api.token({ username }))
  t.notMatch(usual.body.detail, /left out/)
  const limited = await portalWith('sign_up: { groups: [research] }\n')
  const outside = await arrive(OVERAGE)
  t.match([outside.page.status, decode(outside.page.text)], [403, /omitted your groups/])
  const asking = await limited.token({ username: outside.username, claims: OVERAGE })
  const refused = await limited.post<Problem>('/me', asking, answers)
  t.match([refused.status, refused.body.detail], [403, /omitted your groups/])
})

t.test(
  'an access token without an address is rejected at sign-up with instructions, and accepted afterwards',
  async (t) => {
    const api = await portalWith('')
    const { username } = await arrive({})
    const claims = { email: null, email_verified: null }
    t.equal((await api.get('/me', await api.token({ username, claims }))).status, 200, 'found by the subject')
    await api.person({ username: 'unseen' })
    const refused = await api.post<Problem>('/me', await api.token({ username: 'unseen', claims }), answers)
    t.match([refused.status, refused.body.type], [403, /email_missing/])
    t.match(refused.body.detail, /access token has no e-mail address\. Sign in to the portal in a browser once/)
  },
)

t.test(
  'access tokens of another format are rejected with the name of the setting, and accepted with the setting',
  async (t) => {
    const claims = { typ: null, scope: null, scp: ['maas:read'], azp: null, cid: 'cli' }
    const strict = await portalWith('')
    const { username } = await arrive({})
    const submission = { username, typ: 'JWT', claims }
    const refused = await strict.get<Problem>('/me', await strict.token(submission))
    t.equal(refused.status, 401)
    t.match(refused.body.detail, /identity_provider\.access_tokens\.types/)
    t.match(refused.headers.get('www-authenticate'), /error="invalid_token", error_description="The type/)
    const opaque = await strict.get<Problem>('/me', 'glpat-0123456789')
    t.match([opaque.status, opaque.body.detail], [401, /not a JWT/])
    const api = await portalWith('identity_provider: { access_tokens: { types: [JWT] } }\n')
    t.equal((await api.get('/me', await api.token(submission))).status, 200)
    const writes = await api.post<Problem>('/me', await api.token(submission), {})
    t.match([writes.status, writes.body.type], [403, /insufficient_scope/])
  },
)
