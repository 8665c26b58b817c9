import t from 'tap'
import { misconfigured } from '../../../src/clients/identity/errors.js'
import { problem } from '../../../src/errors.js'
import type { Finding, Report } from '../../../src/features/doctor/findings/findings.js'
import { HttpError } from '../../../src/infra/http/http-error.js'
import {
  doctorOf,
  type Failure,
  failures,
  ISSUER,
  type RecordedTenant,
  recordedTenant,
  troubled,
} from './recorded-tenant.js'

const ADMIN = 'https://maas3-admin.3scale.test'

const expected = {
  products: ['granite', 'gone'],
  termsField: 'terms_version',
  fields: [{ target: 'account' as const, name: 'department' }],
}

/** Checks that depend on the response of a call. Only their findings may be missing without it. */
const needs: [call: RegExp, codes: string[]][] = [
  [/settings\.json$/, ['sign_up_closed', 'account_approval_required', 'service_plan_default']],
  [/provider\.json$/, ['stock_portal_open']],
  [/fields_definitions\.json$/, ['terms_field_missing', 'field_unknown']],
  [
    /access_tokens\.json$/,
    ['threescale_token_read_only', 'threescale_token_expires', 'threescale_token_excess_scopes'],
  ],
  [/failures\.json$/, []],
  [/services\.xml$/, ['config_product_unknown', 'rule_double_count', 'token_policy_missing', 'sign_up_default_plans']],
  [/application_plans\.json$/, ['plan_default', 'plan_missing', 'plan_limit_all_time', 'sign_up_default_plans']],
  [/service_plans\.json$/, ['service_plan_approval', 'service_plan_default', 'sign_up_default_plans']],
  [/account_plans\.json$/, ['account_plan_default_missing']],
  [
    /active_docs\.json$/,
    ['docs_missing', 'docs_unpublished', 'docs_unlinked', 'docs_server_mismatch', 'model_id_unknown'],
  ],
  [/backend_apis\.json$/, ['not_deployed', 'model_id_wrong']],
  [/sandbox\.json$/, ['not_deployed']],
  [/production\.json$/, ['not_promoted', 'not_deployed', 'endpoint_unreachable']],
  [/accounts\.xml$/, ['user_case_duplicate']],
  [/applications\.xml$/, ['key_duplicate', 'key_missing']],
  [/\/stats\//, ['plan_limit_all_time']],
  [/limits\.json$/, ['plan_limit_all_time']],
  [/(proxy|mapping_rules)\.json$/, ['not_deployed']],
  [/backend_usages\.json$/, ['not_deployed', 'backend_missing', 'model_id_wrong']],
]

const wrongId = {
  modelIds: {
    configured: (name: string) => ({ modelId: name === 'granite' ? 'granite-9' : undefined, mayAskPrivately: true }),
    documentedId: () => undefined,
    listWithKey: async () => undefined,
  },
}

const baseline = await examine(troubled())
const calls = await callsOf(troubled())

t.test('without failures, the report is complete and almost every check has a finding', async (t) => {
  t.equal(baseline.complete, true)
  t.equal(baseline.products, 6)
  const found = new Set<string>(baseline.findings.map(({ code }) => code))
  for (const code of needs
    .flatMap(([, codes]) => codes)
    .filter((code) => !['plan_missing', 'endpoint_unreachable'].includes(code)))
    t.ok(found.has(code), code)
})

for (const call of calls.filter((each) => each.includes(ADMIN))) {
  t.test(`${call.replace(ADMIN, '')} fails in each way, and all other checks are reported`, async (t) => {
    const tenant = troubled()
    for (const failure of Object.keys(failures) as Failure[]) {
      tenant.fail(call, failure)
      const report = await examine(tenant)
      const [own, others] = apart(report.findings, call)
      t.equal(own.length, 1, `${failure}: one finding for this call`)
      t.match(own[0]?.what, /\.$/, failure)
      // A rejection of these two is a result, not a failure.
      const isAnswer = ['threescale_token_owner', 'threescale_token_scope_stats'].includes(own[0]?.code ?? '')
      t.equal(report.complete, isAnswer, `${failure}: incomplete`)
      if (!isAnswer) t.match(own[0]?.what, /Not checked: \w.+\.$/, failure)
      t.equal(report.products, call.endsWith('services.xml') ? 4 : 6, `${failure}: products`)
      t.same(others.filter(isUnexpected(call)), [], `${failure}: no false finding`)
      t.same(lost(others, call), [], `${failure}: every finding of the independent checks`)
      t.notMatch(JSON.stringify(report), /canary|zync/, failure)
    }
  })
}

t.test('failures of gateways, issuers, model servers and the identity provider are reported', async (t) => {
  const around: [call: RegExp, code: string, failures: Failure[]][] = [
    [/granite\.apicast/, 'endpoint_unreachable', ['status 500', 'a time-out', 'a lost connection']],
    [/granite\.apicast/, 'endpoint_open', ['a web page', 'JSON of another shape']],
    [/3001\/status$/, 'listener_unreachable', ['a time-out', 'a lost connection']],
    [
      /3001\/status$/,
      'listener_unhealthy',
      ['status 500', 'status 403', 'a web page', 'JSON of another shape', 'no body'],
    ],
    [/vllm\.models/, 'model_list_unavailable', Object.keys(failures) as Failure[]],
    [/POST .*token$/, 'identity_call_failed', Object.keys(failures).filter((each) => each !== 'no body') as Failure[]],
    [/auth$/, 'identity_call_failed', ['status 500', 'a time-out', 'a lost connection']],
    [/auth$/, 'identity_redirect', ['status 403']],
  ]
  for (const [pattern, code, ways] of around) {
    const call = calls.find((each) => pattern.test(each)) ?? ''
    const tenant = troubled()
    for (const failure of ways) {
      tenant.fail(call, failure)
      const report = await examine(tenant)
      const added = report.findings.filter((finding) => !isIn(baseline.findings, finding))
      t.ok(added.length > 0, `${call}, ${failure}`)
      t.same(
        [...new Set(added.map((finding) => finding.code))].filter(
          (each) => each !== code && each !== 'service_token_missing',
        ),
        [],
        failure,
      )
      const removed = baseline.findings
        .filter((finding) => !isIn(report.findings, finding))
        .map((finding) => finding.code)
      t.same(
        removed.filter((each) => each !== 'model_id_wrong'),
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
    t.same(
      added,
      ['identity_unreachable', 'issuer_unreachable'],
      `${failure}: the issuer of the portal, and that of a product`,
    )
  }
})

t.test('unreadable signing keys and an unreadable authorization endpoint are findings', async (t) => {
  const tenant = recordedTenant()
  const { signIn } = tenant.deps()
  const unavailable = async () => {
    throw problem('identity_unavailable')
  }
  const words = async (changed: object) =>
    (await doctorOf(tenant, { signIn: { ...signIn, ...changed } }).examine(60_000)).findings
      .filter(({ code }) => code === 'identity_call_failed')
      .map(({ what }) => what)
  t.match(await words({ verify: unavailable }), [
    /signing keys of the provider cannot be read.*Not checked: whether the API/,
  ])
  t.match(await words({ begin: unavailable }), [
    /authorization request cannot be created.*Not checked: whether it accepts/,
  ])
  const misset = () => Promise.reject(misconfigured('The jwks_uri is not an https:// address.'))
  t.match(await words({ begin: misset }), [
    /cannot be created: The jwks_uri is not an https:\/\/ address\. Not checked/,
  ])
})

t.test('a response that causes an exception is reported as a failure of its call', async (t) => {
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
    [/^GET \/admin\/api\/active_docs\.json: 3scale returned an unexpected response \(RangeError\)\. Not checked/],
  )
  t.equal(report.products, 6)
})

t.test('a failed model list request with the configured application is a finding', async (t) => {
  const tenant = recordedTenant()
  const { modelIds } = tenant.deps()
  const listWithKey = async () => ({ failure: 'The gateway answers 502 to GET /v1/models.' })
  const report = await doctorOf(tenant, { modelIds: { ...modelIds, listWithKey } }).examine(60_000)
  t.match(report.findings.find(({ code }) => code === 'model_list_unavailable')?.what, '502')
  t.equal(report.complete, false)
})

t.test('a check that throws is a finding, and all other checks are reported', async (t) => {
  const typeOf = (name: string) => {
    if (name === 'llama') throw new TypeError('canary: cannot read properties of undefined')
    return undefined
  }
  const { modelIds } = wrongId
  const configured = (name: string) => {
    if (name === 'granite') throw new RangeError('canary')
    return modelIds.configured(name)
  }
  const report = await doctorOf(troubled(), {
    expected,
    typeOf,
    modelIds: { ...modelIds, configured: configured },
  }).examine(60_000)
  const broken = report.findings.filter(({ code }) => code === 'check_failed')
  t.same(
    broken.map(({ product, what }) => [product, what]),
    [
      ['granite', 'The check “model id” ended with RangeError.'],
      ['llama', 'The check “product” ended with TypeError.'],
    ],
  )
  t.equal(report.complete, false)
  const stored = baseline.findings.filter(({ product, code }) => product !== 'llama' && code !== 'model_id_wrong')
  t.same(
    stored.filter((finding) => !isIn(report.findings, finding)),
    [],
  )
  t.notMatch(JSON.stringify(report), 'canary')
})

t.test('3scale failing every call results in one finding', async (t) => {
  const cases: [send: (host: string) => unknown, code: string, says: RegExp][] = [
    [(host) => Promise.reject(new HttpError('timeout', host)), 'threescale_unreachable', /did not respond in time/],
    [() => failures['status 500'](), 'threescale_unreachable', /500/],
    [() => failures['a web page'](), 'threescale_unreachable', /text\/html/],
    [() => reply(403, { error: 'Access denied' }), 'threescale_token_rejected', /not valid for the tenant/],
    [() => failures['a scope that is missing'](), 'threescale_token_scope_account', /lacks a scope/],
  ]
  for (const [send, code, says] of cases) {
    const tenant = recordedTenant()
    let requested = 0
    const http: typeof tenant.http = {
      async send(request) {
        if (request.url.origin !== ADMIN) return tenant.http.send(request)
        requested++
        return (await send(request.url.host)) as ReturnType<typeof reply>
      },
    }
    const report = await doctorOf(tenant, { http }).examine(60_000)
    const found = report.findings.filter((finding) => finding.code === code)
    t.equal(found.length, 1, code)
    t.match(found[0]?.what, says)
    t.equal(report.complete, false)
    t.notOk(report.findings.some((finding) => /^call_|^product_unreadable/.test(finding.code)))
    t.equal(requested, 13, 'nothing is requested for its products')
  }
})

t.test('a 403 for one product points to the token, and a failure points to the product', async (t) => {
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
  t.same(await about('status 500'), [['product_unreadable', 'granite', `${ADMIN}/apiconfig/services/52`]])
})

t.test('the number of calls is as documented, in total and for each product and backend', async (t) => {
  const tenant = recordedTenant()
  const { calls: counted } = await doctorOf(tenant).examine(60_000)
  t.equal(counted, tenant.count())
  const [promoted, others, backends, offeredPlans] = [4, 2, 5, 8]
  const threescale = [...tenant.calls].filter((call) => call.includes(ADMIN)).length
  t.equal(threescale, 16 + 3 * promoted + others + backends + offeredPlans, 'as docs/doctor.md states')
  t.notOk(
    [...tenant.calls].some((call) => !/^GET |^POST .*\/token$/.test(call)),
    'the doctor only reads',
  )

  const usual = tenant.answers['/stats/services/51/usage.json']
  Object.assign(usual ?? {}, { status: 200, body: { values: [0] } })
  tenant.calls.clear()
  await doctorOf(tenant).examine(60_000)
  t.notOk(
    [...tenant.calls].some((call) => call.endsWith('limits.json')),
    'no limits are requested if lifetime usage is reported',
  )
})

async function examine(tenant: RecordedTenant): Promise<Report> {
  return doctorOf(tenant, { expected, ...wrongId }).examine(60_000)
}

async function callsOf(tenant: RecordedTenant): Promise<string[]> {
  await examine(tenant)
  return [...tenant.calls]
}

/** The finding about this call, and all other findings. */
function apart(findings: Finding[], call: string): [own: Finding[], others: Finding[]] {
  const about = `${call.replace(ADMIN, '')}:`
  const isOwn = ({ code, what }: Finding) =>
    what.startsWith(about) ||
    (code === 'threescale_token_owner' && /failures/.test(call)) ||
    code === 'threescale_token_scope_stats'
  return [findings.filter(isOwn), findings.filter((finding) => !isOwn(finding))]
}

function codesOf(call: string): string[] {
  return needs.find(([pattern]) => pattern.test(call))?.[1] ?? []
}

function isUnexpected(call: string) {
  return (finding: Finding) => !isIn(baseline.findings, finding) && !codesOf(call).includes(finding.code)
}

/** Without the list of products, those that were never deployed are unknown. */
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
