import t from 'tap'
import type { Finding } from '../../../src/features/doctor/findings/findings.js'
import { bodyOf, doctorOf, type RecordedTenant, recordedTenant } from './recorded-tenant.js'

const ACCOUNTS = '/admin/api/accounts.xml'
const APPLICATIONS = '/admin/api/applications.xml'

t.test('duplicate users are reported by id, without their usernames and addresses', async (t) => {
  const tenant = recordedTenant()
  xml(tenant, ACCOUNTS, [
    account(1, user(11, 'ada', 'ada@example.com'), user(12, 'bob', 'bob@example.com')),
    account(2, user(21, 'ada', 'ada@example.com')),
    account(3, user(31, 'Bob', 'BOB@example.com'), user(32, 'carol', '')),
    account(4, user(41, 'dave', 'eve@example.com'), user(42, 'erin', '')),
    account(5, user(51, 'frank', 'eve@example.com'), user(52, 'frank', 'Frank@example.com')),
  ])
  const { findings } = await doctorOf(tenant).examine(60_000)
  t.same(whats(findings, 'user_duplicate'), [
    'Users 11 (account 1) and 21 (account 2) have the same username and e-mail address.',
    'Users 51 (account 5) and 52 (account 5) have the same username.',
    'Users 41 (account 4) and 51 (account 5) have the same e-mail address.',
  ])
  t.same(whats(findings, 'user_case_duplicate'), [
    'The username and e-mail address of users 12 (account 1) and 31 (account 3) differ only in case.',
  ])
  t.match(found(findings, 'user_duplicate')?.link, /\/buyers\/accounts\/2$/)
  t.notMatch(JSON.stringify(findings), /ada|bob|carol|dave|eve@|frank/i)
})

t.test(
  'duplicate credentials are found within a product, across accounts, and applications without a key are reported',
  async (t) => {
    const tenant = recordedTenant()
    const [granite, mistral, llama, bge] = [52, 53, 54, 55]
    xml(tenant, APPLICATIONS, [
      application(1, 267, granite, '<user_key>canary-1</user_key>'),
      application(2, 270, granite, '<user_key>canary-1</user_key>'),
      application(3, 270, granite, '<user_key>CANARY-1</user_key>'),
      // The same key in another product is valid.
      application(4, 267, bge, '<user_key>canary-1</user_key>'),
      application(5, 267, mistral, '<application_id>canary-2</application_id><keys><key>canary-3</key></keys>'),
      application(6, 267, mistral, '<application_id>canary-2</application_id><keys><key>canary-4</key></keys>'),
      application(7, 267, mistral, '<application_id>canary-5</application_id><keys></keys>'),
      application(8, 267, llama, '<application_id>canary-6</application_id><keys/>'),
    ])
    const { findings } = await doctorOf(tenant).examine(60_000)
    t.same(
      findings.filter(({ code }) => code === 'key_duplicate').map(({ product, what, link }) => [product, what, link]),
      [
        [
          'granite',
          'Applications 1 (account 267) and 2 (account 270) have the same user_key.',
          'https://maas3-admin.3scale.test/p/admin/applications/2',
        ],
        [
          'mistral',
          'Applications 5 (account 267) and 6 (account 267) have the same application_id.',
          'https://maas3-admin.3scale.test/p/admin/applications/6',
        ],
      ],
    )
    t.same(whats(findings, 'key_missing'), ['Application 7 (account 267) has no key, so the gateway accepts any key.'])
    t.notMatch(JSON.stringify(findings), /canary/i)
  },
)

t.test('a product with optional keys and an OpenID Connect product without an issuer are reported', async (t) => {
  const tenant = recordedTenant()
  const products = tenant.answers['/admin/api/services.xml']
  const text = String(products?.body)
  const [before = '', after = ''] = text.split('<system_name>mistral</system_name>')
  const changed = after.replace('<mandatory_app_key>true<', '<mandatory_app_key>false<')
  Object.assign(products ?? {}, { body: `${before}<system_name>mistral</system_name>${changed}` })
  deployed(tenant, 54).oidc_issuer_endpoint = null
  const { findings } = await doctorOf(tenant).examine(60_000)
  t.equal(found(findings, 'key_optional')?.product, 'mistral')
  t.equal(found(findings, 'issuer_missing')?.product, 'llama')
})

t.test('a tenant beyond the call limit is reported as such, and what was read is compared', async (t) => {
  const tenant = recordedTenant()
  const many = Array.from({ length: 5300 }, (_, index) => account(index + 1, user(index + 1, `user-${index}`, '')))
  // One pair is within the first 5,000 accounts, the other one beyond.
  many[4999] = account(5000, user(5000, 'user-7', ''))
  many[5200] = account(5201, user(5201, 'user-8', ''))
  xml(tenant, ACCOUNTS, many)
  const plans = bodyOf(tenant.answers, '/admin/api/application_plans.json').plans
  const basic = plans[0].application_plan
  for (let id = 9000; id < 9150; id++) {
    plans.push({ application_plan: { ...basic, id } })
    tenant.answers[`/admin/api/application_plans/${id}/limits.json`] = answer({ limits: [] })
  }
  const before = tenant.count()
  const report = await doctorOf(tenant).examine(60_000)
  t.same(whats(report.findings, 'tenant_limit_exceeded'), [
    'A run reads the first 100 plans; the tenant has 158.',
    'A run reads the first 5000 accounts; the tenant has 5300.',
  ])
  t.same(whats(report.findings, 'user_duplicate'), [
    'Users 8 (account 8) and 5000 (account 5000) have the same username.',
  ])
  t.equal(report.complete, true, 'a large tenant is not an error')
  t.equal(tenant.count() - before, 54 + 19 + 92, 'twenty calls for accounts, a hundred for limits')
})

t.test('default plans are reported with their number, products and cost for each new user', async (t) => {
  const tenant = recordedTenant()
  const says = async () => whats((await doctorOf(tenant).examine(60_000)).findings, 'sign_up_default_plans').join()
  const plans = bodyOf(tenant.answers, '/admin/api/application_plans.json').plans
  const servicePlans = bodyOf(tenant.answers, '/admin/api/service_plans.json').plans
  for (const id of [0, 3]) plans[id].application_plan.default = true
  for (const id of [0, 1, 4]) servicePlans[id].service_plan.default = true
  t.equal(
    await says(),
    '4 of 6 products have a default plan (api, granite, mistral, bge): a sign-up takes about 1.1 to 1.4 s in 3scale, and each new user gets 3 applications with live keys.',
  )
  for (const { application_plan } of plans) application_plan.default = false
  for (const id of [0, 1]) servicePlans[id].service_plan.default = false
  t.match(await says(), /^1 of 6 products has a default plan \(bge\).*none of them creates an application\.$/)
  servicePlans[4].service_plan.default = false
  t.equal(await says(), '')
})

t.test('a lifetime limit is reported if this 3scale does not report its usage', async (t) => {
  const tenant = recordedTenant()
  const limits = bodyOf(tenant.answers, '/admin/api/application_plans/120/limits.json').limits
  limits[0].limit.period = 'eternity'
  const { findings } = await doctorOf(tenant).examine(60_000)
  t.match(found(findings, 'plan_limit_all_time'), { product: 'granite', what: '“Basic” has a lifetime limit.' })
  limits[0].limit.value = 0
  t.same(
    whats((await doctorOf(tenant).examine(60_000)).findings, 'plan_limit_all_time'),
    [],
    'a limit of 0 has no usage',
  )
})

t.test('a tenant without a default account plan is reported', async (t) => {
  const tenant = recordedTenant()
  const plans = bodyOf(tenant.answers, '/admin/api/account_plans.json').plans
  t.same(whats((await doctorOf(tenant).examine(60_000)).findings, 'account_plan_default_missing'), [])
  plans[0].account_plan.default = false
  t.equal(whats((await doctorOf(tenant).examine(60_000)).findings, 'account_plan_default_missing').length, 1)
})

t.test('a product with only the default mapping rule of 3scale is reported', async (t) => {
  const tenant = recordedTenant()
  deployed(tenant, 52).proxy_rules.splice(1)
  const { findings } = await doctorOf(tenant).examine(60_000)
  t.match(found(findings, 'rule_missing'), {
    product: 'granite',
    what: 'The only rule is GET /, which 3scale creates with',
  })
})

t.test('a duplicated or missing /v1 is reported, also for backends at paths', async (t) => {
  const server = 'https://vllm.models.example'
  const cases: [title: string, pattern: string, address: string, code: string | undefined][] = [
    ['below the path of the backend', '/bge/v1/embeddings', `${server}/v1`, 'v1_duplicated'],
    ['a rule by prefix', '/bge/v1', `${server}/v1`, 'v1_duplicated'],
    ['a rule for everything of the backend', '/bge', `${server}/v1`, undefined],
    ['neither', '/bge/embeddings', server, 'v1_missing'],
    ['in the address alone', '/bge/embeddings', `${server}/v1`, undefined],
    ['in the rule alone', '/bge/v1/embeddings', server, undefined],
  ]
  for (const [title, pattern, address, code] of cases) {
    const tenant = recordedTenant()
    deployed(tenant, 55).proxy_rules[1].pattern = pattern
    backend(tenant, 27).private_endpoint = address
    const { findings } = await doctorOf(tenant).examine(60_000)
    t.equal(findings.find((finding) => finding.code.startsWith('v1_'))?.code, code, title)
  }
})

t.test('a model list that a prefix rule allows is read below the path of its backend', async (t) => {
  const tenant = recordedTenant()
  const { modelIds } = tenant.deps()
  const noted = () => ({ modelId: 'granite-9', mayAskPrivately: true })
  const readAt = async () => {
    tenant.calls.clear()
    const { findings } = await doctorOf(tenant, { modelIds: { ...modelIds, configured: noted } }).examine(60_000)
    t.equal(found(findings, 'model_id_wrong')?.product, 'bge')
    return [...tenant.calls].filter((call) => call.includes('models.example'))
  }
  for (const [index, http_method] of ['GET', 'POST'].entries())
    Object.assign(deployed(tenant, 55).proxy_rules[index] ?? {}, { http_method, pattern: '/bge' })
  t.ok((await readAt()).includes('GET https://vllm.models.example/v1/models'))
  backend(tenant, 27).private_endpoint = 'https://vllm.models.example/base/v1'
  t.ok((await readAt()).includes('GET https://vllm.models.example/base/v1/models'))
})

t.test('a product with prefix rules is checked as a chat model if the portal treats it as one', async (t) => {
  const typeOf = (name: string) => (name === 'granite' ? 'chat' : undefined)
  const tenant = recordedTenant()
  const { modelIds } = tenant.deps()
  const noted = () => ({ mayAskPrivately: false })
  const { findings } = await doctorOf(tenant, { typeOf, modelIds: { ...modelIds, configured: noted } }).examine(60_000)
  for (const code of ['token_policy_missing', 'model_id_unknown'])
    t.same(
      findings.filter((finding) => finding.code === code).map(({ product }) => product),
      ['bge', 'granite'],
      code,
    )
})

t.test('a run that exceeds its time limit reports what it omitted', async (t) => {
  const report = await doctorOf(recordedTenant()).examine(-1)
  t.equal(report.complete, false)
  t.equal(report.products, 6)
  t.same(whats(report.findings, 'run_timed_out'), [
    'The accounts were not read in time.',
    'The applications were not read in time.',
    '0 of 6 products were checked in time.',
  ])
  t.ok(found(report.findings, 'sign_up_default_plans'), 'what was read is reported')
})

function whats(findings: Finding[], code: string): string[] {
  return findings.filter((finding) => finding.code === code).map(({ what }) => what)
}

function found(findings: Finding[], code: string): Finding | undefined {
  return findings.find((finding) => finding.code === code)
}

/** The deployed settings of a product's gateway. */
function deployed({ answers }: RecordedTenant, id: number) {
  const { proxy_configs } = bodyOf(answers, '/admin/api/account/proxy_configs/production.json')
  return proxy_configs.find(
    (each: { proxy_config: { content: { id: number } } }) => each.proxy_config.content.id === id,
  ).proxy_config.content.proxy
}

function backend({ answers }: RecordedTenant, required: number) {
  const { backend_apis } = bodyOf(answers, '/admin/api/backend_apis.json')
  return backend_apis.find((each: { backend_api: { id: number } }) => each.backend_api.id === required).backend_api
}

function xml(tenant: RecordedTenant, path: string, rows: string[]): void {
  const root = path === ACCOUNTS ? 'accounts' : 'applications'
  const body = `<?xml version="1.0" encoding="UTF-8"?><${root}>${rows.join('')}</${root}>`
  tenant.answers[path] = { status: 200, type: 'application/xml', recorded: false, body }
}

function answer(body: object) {
  return { status: 200, type: 'application/json', recorded: false, body }
}

function account(id: number, ...users: string[]): string {
  return `<account><id>${id}</id><state>approved</state><org_name>O</org_name><users>${users.join('')}</users></account>`
}

function user(id: number, username: string, email: string): string {
  return `<user><id>${id}</id><state>active</state><username>${username}</username><email>${email}</email></user>`
}

function application(id: number, account: number, product: number, credentials: string): string {
  return `<application><id>${id}</id><user_account_id>${account}</user_account_id><service_id>${product}</service_id>${credentials}</application>`
}
