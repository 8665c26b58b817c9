import t from 'tap'
import { HttpFailure } from '../../../src/clients/http-failure.js'
import { misconfigured } from '../../../src/clients/identity-refusals.js'
import { problem } from '../../../src/errors.js'
import type { Finding, Report } from '../../../src/features/doctor/findings.js'
import { doctorOf, type Failure, failures, ISSUER, type RecordedTenant, recordedTenant, troubled } from './tenant.js'

const ADMIN = 'https://maas3-admin.3scale.test'

const expected = {
  products: ['granite', 'gone'],
  termsField: 'terms_version',
  fields: [{ target: 'account' as const, name: 'department' }],
}

/** Checks that need the answer of a call. Their findings may be missing without it; those of all others may not. */
const needs: [call: RegExp, codes: string[]][] = [
  [/settings\.json$/, ['sign_up_closed', 'accounts_wait', 'service_plan_default']],
  [/provider\.json$/, ['stock_portal_open']],
  [/fields_definitions\.json$/, ['terms_field_missing', 'field_unknown']],
  [/access_tokens\.json$/, ['token_read_only', 'token_expires', 'token_wide']],
  [/failures\.json$/, []],
  [/services\.xml$/, ['config_product_unknown', 'rule_doubled', 'token_policy_missing', 'sign_up_defaults']],
  [/application_plans\.json$/, ['plan_default', 'plan_none', 'plan_limit_all_time', 'sign_up_defaults']],
  [/service_plans\.json$/, ['service_plan_approval', 'service_plan_default', 'sign_up_defaults']],
  [/account_plans\.json$/, ['account_plan_default_missing']],
  [/active_docs\.json$/, ['docs_missing', 'docs_hidden', 'docs_unlinked', 'docs_address', 'model_id_unknown']],
  [/backend_apis\.json$/, ['not_deployed', 'model_id_wrong']],
  [/sandbox\.json$/, ['not_deployed']],
  [/production\.json$/, ['not_promoted', 'not_deployed', 'endpoint_unreachable']],
  [/accounts\.xml$/, ['user_case']],
  [/applications\.xml$/, ['key_doubled', 'key_missing']],
  [/\/stats\//, ['plan_limit_all_time']],
  [/limits\.json$/, ['plan_limit_all_time']],
  [/(proxy|mapping_rules)\.json$/, ['not_deployed']],
  [/backend_usages\.json$/, ['not_deployed', 'backend_missing', 'model_id_wrong']],
]

const wrongId = {
  modelIds: {
    noted: (name: string) => ({ modelId: name === 'granite' ? 'granite-9' : undefined, mayAskPrivately: true }),
    idIn: () => undefined,
    listWithKey: async () => undefined,
  },
}

const baseline = await examine(troubled())
const calls = await callsOf(troubled())

t.test('without a failure: complete, and nearly every check finds something', async (t) => {
  t.equal(baseline.complete, true)
  t.equal(baseline.products, 6)
  const found = new Set<string>(baseline.findings.map(({ code }) => code))
  for (const code of needs
    .flatMap(([, codes]) => codes)
    .filter((code) => !['plan_none', 'endpoint_unreachable'].includes(code)))
    t.ok(found.has(code), code)
})

for (const call of calls.filter((each) => each.includes(ADMIN))) {
  t.test(`${call.replace(ADMIN, '')} fails alone, in each way, and all other checks are reported`, async (t) => {
    for (const failure of Object.keys(failures) as Failure[]) {
      const tenant = troubled()
      tenant.fail(call, failure)
      const report = await examine(tenant)
      const [own, others] = apart(report.findings, call)
      t.equal(own.length, 1, `${failure}: a finding of its own`)
      t.match(own[0]?.what, /\.$/, failure)
      // a refusal of these two is the answer that they are made for
      const isAnswer = ['token_owner', 'token_scope_stats'].includes(own[0]?.code ?? '')
      t.equal(report.complete, isAnswer, `${failure}: not complete`)
      if (!isAnswer) t.match(own[0]?.what, /Not checked: \w.+\.$/, failure)
      t.equal(report.products, call.endsWith('services.xml') ? 4 : 6, `${failure}: products`)
      t.same(others.filter(isUnexpected(call)), [], `${failure}: nothing that is not true`)
      t.same(lost(others, call), [], `${failure}: every finding of the checks that do not need it`)
      t.notMatch(JSON.stringify(report), /canary|zync/, failure)
    }
  })
}

t.test('gateways, issuers, model servers and the sign-in service fail alone as well', async (t) => {
  const around: [call: RegExp, code: string, failures: Failure[]][] = [
    [/granite\.apicast/, 'endpoint_unreachable', ['status 500', 'a time-out', 'a lost connection']],
    [/granite\.apicast/, 'endpoint_open', ['a web page', 'JSON of another shape']],
    [/3001\/status$/, 'listener_unreachable', ['a time-out', 'a lost connection']],
    [
      /3001\/status$/,
      'listener_unhealthy',
      ['status 500', 'status 403', 'a web page', 'JSON of another shape', 'no body'],
    ],
    [/vllm\.models/, 'model_list_unread', Object.keys(failures) as Failure[]],
    [/POST .*token$/, 'identity_call_failed', Object.keys(failures).filter((each) => each !== 'no body') as Failure[]],
    [/auth$/, 'identity_call_failed', ['status 500', 'a time-out', 'a lost connection']],
    [/auth$/, 'identity_redirect', ['status 403']],
  ]
  for (const [pattern, code, ways] of around) {
    const call = calls.find((each) => pattern.test(each)) ?? ''
    for (const failure of ways) {
      const tenant = troubled()
      tenant.fail(call, failure)
      const report = await examine(tenant)
      const added = report.findings.filter((finding) => !isIn(baseline.findings, finding))
      t.ok(added.length > 0, `${call}, ${failure}`)
      t.same(
        [...new Set(added.map((finding) => finding.code))].filter((each) => each !== code && each !== 'service_token'),
        [],
        failure,
      )
      const gone = baseline.findings.filter((finding) => !isIn(report.findings, finding)).map((finding) => finding.code)
      t.same(
        gone.filter((each) => each !== 'model_id_wrong'),
        [],
        failure,
      )
      t.equal(report.products, 6)
    }
  }
  for (const failure of ['status 500', 'status 403', 'a time-out', 'a lost connection', 'a web page'] as const) {
    const tenant = troubled()
    tenant.fail(`GET ${ISSUER}/.well-known/openid-configuration`, failure)
    const { findings } = await examine(tenant)
    const added = findings.filter((finding) => !isIn(baseline.findings, finding)).map(({ code }) => code)
    t.same(added, ['identity_unreachable', 'issuer_unreachable'], `${failure}: the portal’s issuer, and a product’s`)
  }
})

t.test('signing keys or a sign-in address that cannot be read are findings', async (t) => {
  const tenant = recordedTenant()
  const { signIn } = tenant.deps()
  const unavailable = async () => {
    throw problem('identity_unavailable')
  }
  const words = async (changed: object) =>
    (await doctorOf(tenant, { signIn: { ...signIn, ...changed } }).examine(60_000)).findings
      .filter(({ code }) => code === 'identity_call_failed')
      .map(({ what }) => what)
  t.match(await words({ verify: unavailable }), [/keys that tokens are signed with.*Not checked: whether the API/])
  t.match(await words({ begin: unavailable }), [/sign-in request cannot be built.*Not checked: whether it accepts/])
  const misset = () => Promise.reject(misconfigured('The jwks_uri is not an https:// address.'))
  t.match(await words({ begin: misset }), [/cannot be built: The jwks_uri is not an https:\/\/ address\. Not checked/])
})

t.test('an answer that breaks what reads it is the failure of its call', async (t) => {
  const tenant = recordedTenant()
  const { inspect } = tenant.deps()
  const broken: typeof inspect = (way) =>
    inspect({
      async send(request) {
        const answer = await way.send(request)
        if (!request.url.pathname.endsWith('active_docs.json')) return answer
        const breaks = () => {
          throw new RangeError('canary')
        }
        return Object.defineProperty({ ...answer }, 'status', { get: breaks })
      },
    })
  const report = await doctorOf(tenant, { inspect: broken }).examine(60_000)
  t.match(
    report.findings.filter(({ code }) => code === 'call_failed').map(({ what }) => what),
    [/^GET \/admin\/api\/active_docs\.json: 3scale answered without what can be read \(RangeError\)\. Not checked/],
  )
  t.equal(report.products, 6)
})

t.test('a model list asked with a named application that fails is a finding', async (t) => {
  const tenant = recordedTenant()
  const { modelIds } = tenant.deps()
  const listWithKey = async () => ({ failure: 'The gateway answers 502 to GET /v1/models.' })
  const report = await doctorOf(tenant, { modelIds: { ...modelIds, listWithKey } }).examine(60_000)
  t.match(report.findings.find(({ code }) => code === 'model_list_unread')?.what, '502')
  t.equal(report.complete, false)
})

t.test('a check that breaks is a finding, and all others are reported', async (t) => {
  const typeOf = (name: string) => {
    if (name === 'llama') throw new TypeError('canary: cannot read properties of undefined')
    return undefined
  }
  const { modelIds } = wrongId
  const noted = (name: string) => {
    if (name === 'granite') throw new RangeError('canary')
    return modelIds.noted(name)
  }
  const report = await doctorOf(troubled(), { expected, typeOf, modelIds: { ...modelIds, noted } }).examine(60_000)
  const broken = report.findings.filter(({ code }) => code === 'check_failed')
  t.same(
    broken.map(({ product, what }) => [product, what]),
    [
      ['granite', 'The check “model id” stopped with RangeError.'],
      ['llama', 'The check “product” stopped with TypeError.'],
    ],
  )
  t.equal(report.complete, false)
  const kept = baseline.findings.filter(({ product, code }) => product !== 'llama' && code !== 'model_id_wrong')
  t.same(
    kept.filter((finding) => !isIn(report.findings, finding)),
    [],
  )
  t.notMatch(JSON.stringify(report), 'canary')
})

t.test('3scale that answers nothing as it should is one finding', async (t) => {
  const cases: [send: (host: string) => unknown, code: string, says: RegExp][] = [
    [(host) => Promise.reject(new HttpFailure('timeout', host)), 'threescale_unreachable', /did not answer in time/],
    [() => failures['status 500'](), 'threescale_unreachable', /500/],
    [() => failures['a web page'](), 'threescale_unreachable', /text\/html/],
    [() => reply(403, { error: 'Access denied' }), 'token_refused', /not valid for the tenant/],
    [() => failures['a scope that is missing'](), 'token_scope_account', /lacks a scope/],
  ]
  for (const [send, code, says] of cases) {
    const tenant = recordedTenant()
    let asked = 0
    const http: typeof tenant.http = {
      async send(request) {
        if (request.url.origin !== ADMIN) return tenant.http.send(request)
        asked++
        return (await send(request.url.host)) as ReturnType<typeof reply>
      },
    }
    const report = await doctorOf(tenant, { http }).examine(60_000)
    const found = report.findings.filter((finding) => finding.code === code)
    t.equal(found.length, 1, code)
    t.match(found[0]?.what, says)
    t.equal(report.complete, false)
    t.notOk(report.findings.some((finding) => /^call_|^product_unread/.test(finding.code)))
    t.equal(asked, 13, 'and nothing of its products is asked for')
  }
})

t.test('a refusal of one product names the token, a failure the product', async (t) => {
  const tenant = recordedTenant()
  const call = `GET ${ADMIN}/admin/api/services/52/backend_usages.json`
  const about = async (failure: Failure) => {
    tenant.fail(call, failure)
    const { findings } = await doctorOf(tenant).examine(60_000)
    return findings
      .filter(({ what }) => what.includes('services/52/backend_usages'))
      .map(({ code, product, link }) => [code, product, link])
  }
  t.same(await about('status 403'), [['call_refused', 'granite', `${ADMIN}/p/admin/user/access_tokens`]])
  t.same(await about('status 500'), [['product_unread', 'granite', `${ADMIN}/apiconfig/services/52`]])
})

t.test('calls, in all and for each product and backend', async (t) => {
  const tenant = recordedTenant()
  const { calls: counted } = await doctorOf(tenant).examine(60_000)
  t.equal(counted, tenant.count())
  const [promoted, others, backends, offeredPlans] = [4, 2, 5, 8]
  const threescale = [...tenant.calls].filter((call) => call.includes(ADMIN)).length
  t.equal(threescale, 16 + 3 * promoted + others + backends + offeredPlans, 'as docs/doctor.md says')
  t.notOk(
    [...tenant.calls].some((call) => !/^GET |^POST .*\/token$/.test(call)),
    'it only reads',
  )

  const usual = tenant.answers['/stats/services/51/usage.json']
  Object.assign(usual ?? {}, { status: 200, body: { values: [0] } })
  tenant.calls.clear()
  await doctorOf(tenant).examine(60_000)
  t.notOk(
    [...tenant.calls].some((call) => call.endsWith('limits.json')),
    'no limits where usage of all time is reported',
  )
})

async function examine(tenant: RecordedTenant): Promise<Report> {
  return doctorOf(tenant, { expected, ...wrongId }).examine(60_000)
}

async function callsOf(tenant: RecordedTenant): Promise<string[]> {
  await examine(tenant)
  return [...tenant.calls]
}

/** The finding about that call, and all others. */
function apart(findings: Finding[], call: string): [own: Finding[], others: Finding[]] {
  const about = `${call.replace(ADMIN, '')}:`
  const isOwn = ({ code, what }: Finding) =>
    what.startsWith(about) || (code === 'token_owner' && /failures/.test(call)) || code === 'token_scope_stats'
  return [findings.filter(isOwn), findings.filter((finding) => !isOwn(finding))]
}

function codesOf(call: string): string[] {
  return needs.find(([pattern]) => pattern.test(call))?.[1] ?? []
}

function isUnexpected(call: string) {
  return (finding: Finding) => !isIn(baseline.findings, finding) && !codesOf(call).includes(finding.code)
}

/** Without the list of products, those that were never deployed are not known. */
function lost(others: Finding[], call: string): string[] {
  const unknown = call.endsWith('services.xml') ? ['api', 'draft'] : []
  return baseline.findings
    .filter(({ code, product }) => !codesOf(call).includes(code) && !unknown.includes(product ?? ''))
    .filter((finding) => !isIn(others, finding))
    .map(({ code, product, what }) => `${code} ${product} ${what}`)
}

function isIn(findings: Finding[], { code, product, what }: Finding): boolean {
  return findings.some((each) => each.code === code && each.product === product && each.what === what)
}

function reply(status: number, body: object) {
  return { status, headers: { 'content-type': 'application/json' }, text: JSON.stringify(body) }
}
