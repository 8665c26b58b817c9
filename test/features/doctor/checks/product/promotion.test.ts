import t from 'tap'
import type { Finding } from '../../../../../src/features/doctor/findings/findings.js'
import { bodyOf, doctorOf, type RecordedTenant, recordedTenant } from '../../recorded-tenant.js'

const GRANITE = '/admin/api/services/52'
const MISTRAL = '/admin/api/services/53'
const LLAMA = '/admin/api/services/54'
const BGE = '/admin/api/services/55'
const HOST = 'vllm.models.example'

t.test('a recorded tenant, including backends at paths, leads to no false finding', async (t) => {
  const report = await doctorOf(recordedTenant()).examine(60_000)
  t.equal(report.complete, true)
  t.equal(report.products, 6)
  // Each of these applies to the tenant: products that were never promoted, keys in the query, GET / next to GET /v1, and so on.
  t.same(
    report.findings.map(({ code, product }) => [code, product].filter(Boolean).join(' ')),
    [
      'not_promoted api',
      'not_promoted draft',
      'rule_no_backend mistral',
      'sign_up_default_plans',
      'redis_missing',
      'user_case_duplicate',
      'credentials_query bge',
      'credentials_query granite',
      'credentials_query mistral',
      'rule_double_count granite',
      'rule_double_count llama',
      'rule_double_count mistral',
      'plan_default api',
      'docs_unpublished mistral',
      'docs_server_mismatch granite',
      'token_policy_missing bge',
      'docs_missing bge',
      'docs_missing draft',
      'docs_missing llama',
      'model_id_unknown bge',
    ],
  )
  t.match(words(report.findings, 'rule_no_backend'), 'No backend serves GET /v1, POST /v1.')
  t.match(
    words(report.findings, 'sign_up_default_plans'),
    /1 of 6 products has a default plan \(api\).*1 application with/,
  )
  const text = JSON.stringify(report)
  for (const secret of ['canary', 'secret', HOST, 'ada2@', 'MAAS-ADA2']) t.notMatch(text, secret, secret)
})

/** Changes in 3scale after the last promotion, and how the finding describes them. */
const changes: Record<string, { product: string; change(tenant: RecordedTenant): void; says: string | RegExp }> = {
  'a backend added to a product that had one at /': {
    product: 'granite',
    change: ({ answers }) => usages(answers, GRANITE).push(usage(25, '/embed')),
    says: 'the backend at /embed, which was added',
  },
  'a backend added to a product with backends at paths': {
    product: 'bge',
    change: ({ answers }) => usages(answers, BGE).push(usage(23, '/')),
    says: 'the backend at /, which was added',
  },
  'a backend removed': {
    product: 'mistral',
    change: ({ answers }) => usages(answers, MISTRAL).pop(),
    says: 'the backend at /embed, which was removed',
  },
  'the only backend moved to a path': {
    product: 'granite',
    change: ({ answers }) => {
      usages(answers, GRANITE)[0].backend_usage.path = '/granite'
    },
    says: 'the backend at /, which was moved to /granite',
  },
  'one of two backends moved to another path': {
    product: 'mistral',
    change: ({ answers }) => {
      usages(answers, MISTRAL)[1].backend_usage.path = '/vectors'
    },
    says: 'the backend at /embed, which was moved to /vectors',
  },
  'another private address of a backend at /': {
    product: 'granite',
    change: ({ answers }) => address(answers, 23, 'https://other.models.example'),
    says: 'the private address of the backend at /',
  },
  'another port of a backend at a path': {
    product: 'mistral',
    change: ({ answers }) => address(answers, 24, `https://${HOST}:8443`),
    says: 'the private address of the backend at /chat',
  },
  'a base path of a backend at a path': {
    product: 'bge',
    change: ({ answers }) => address(answers, 27, `https://${HOST}/base`),
    says: 'the private address of the backend at /bge',
  },
  'a mapping rule added': {
    product: 'granite',
    change: ({ answers }) => {
      const rules = bodyOf(answers, `${GRANITE}/proxy/mapping_rules.json`).mapping_rules
      rules.push(copyOf(rules[2], { id: 900, pattern: '/v2', position: 4 }))
    },
    says: /: mapping rules\.$/,
  },
  'two mapping rules in another order': {
    product: 'granite',
    change: ({ answers }) => {
      const rules = bodyOf(answers, `${GRANITE}/proxy/mapping_rules.json`).mapping_rules
      rules[0].mapping_rule.position = 9
    },
    says: /: mapping rules\.$/,
  },
  'a mapping rule of a backend changed': {
    product: 'bge',
    change: ({ answers }) => {
      const [rule] = bodyOf(answers, '/admin/api/backend_apis/27/mapping_rules.json').mapping_rules
      rule.mapping_rule.pattern = '/v1/embeddings'
    },
    says: /: mapping rules of backends\.$/,
  },
  'the last mapping rule of a backend deleted': {
    product: 'bge',
    change: ({ answers }) => bodyOf(answers, '/admin/api/backend_apis/27/mapping_rules.json').mapping_rules.pop(),
    says: /: mapping rules of backends\.$/,
  },
  'a mapping rule of a backend at / added': {
    product: 'granite',
    change: ({ answers }) => {
      const [rule] = bodyOf(answers, '/admin/api/backend_apis/27/mapping_rules.json').mapping_rules
      bodyOf(answers, '/admin/api/backend_apis/23/mapping_rules.json').mapping_rules.push(copyOf(rule, { id: 901 }))
    },
    says: /: mapping rules of backends\.$/,
  },
  'a policy added': {
    product: 'granite',
    change: ({ answers }) => chain(answers, GRANITE).unshift(policy('cors', true)),
    says: /: policies\.$/,
  },
  'a routing policy of the operator’s own beside the one that 3scale generates': {
    product: 'mistral',
    change: ({ answers }) => {
      const rules = [{ url: 'https://private.models.example', condition: {} }]
      chain(answers, MISTRAL).unshift({ ...policy('routing', true), configuration: { rules } })
    },
    says: /: policies\.$/,
  },
  'another location of credentials': {
    product: 'granite',
    change: ({ answers }) => {
      proxy(answers, GRANITE).credentials_location = 'headers'
    },
    says: /: credentials\.$/,
  },
  'another public address': {
    product: 'granite',
    change: ({ answers }) => {
      proxy(answers, GRANITE).endpoint = 'https://granite-2.apicast.example:443'
    },
    says: /: public address\.$/,
  },
  'another status of a refusal': {
    product: 'granite',
    change: ({ answers }) => {
      proxy(answers, GRANITE).error_status_auth_failed = 401
    },
    says: /: gateway responses\.$/,
  },
  'another host header': {
    product: 'granite',
    change: ({ answers }) => {
      proxy(answers, GRANITE).hostname_rewrite = 'inside.example'
    },
    says: /: host header\.$/,
  },
  'another issuer': {
    product: 'llama',
    change: ({ answers }) => {
      proxy(answers, LLAMA).oidc_issuer_endpoint = 'https://zync:secret@sso.example/realms/other'
    },
    says: /: OpenID Connect settings\.$/,
  },
  'another authentication': {
    product: 'mistral',
    change: ({ answers }) => {
      const list = '/admin/api/services.xml'
      const xml = String(bodyOf(answers, list))
      const [before = '', after = ''] = xml.split('<system_name>mistral</system_name>')
      const changed = after.replace('<backend_version>2<', '<backend_version>1<')
      Object.assign(answers[list] ?? {}, { body: `${before}<system_name>mistral</system_name>${changed}` })
    },
    says: /: authentication\.$/,
  },
}

for (const [title, { product, change, says }] of Object.entries(changes)) {
  t.test(`a change since the last promotion is reported: ${title}`, async (t) => {
    const tenant = recordedTenant()
    change(tenant)
    const report = await doctorOf(tenant).examine(60_000)
    const found = report.findings.filter(({ code }) => code === 'not_deployed')
    t.same(
      found.map((finding) => finding.product),
      [product],
    )
    t.match(found[0]?.what, 'Changed since version 2 of staging: ')
    t.match(found[0]?.what, says)
    t.equal(report.complete, true)
    t.notMatch(JSON.stringify(report), /models\.example(?!")[^"]*8443|other\.models|private\.models|zync/)
  })
}

/** Differences in the responses that do not affect a gateway. */
const same: Record<string, (tenant: RecordedTenant) => void> = {
  'a private address with its port written out': ({ answers }) => address(answers, 23, `https://${HOST}:443`),
  'positions of mapping rules with a gap': ({ answers }) => {
    bodyOf(answers, `${GRANITE}/proxy/mapping_rules.json`).mapping_rules[2].mapping_rule.position = 7
  },
  'a policy that is off, and one that does not say': ({ answers }) =>
    chain(answers, GRANITE).push(policy('cors', false), policy('headers', undefined)),
  'members of a policy in another order': ({ answers }) => {
    const own = chain(answers, GRANITE)
    own.splice(0, 1, Object.fromEntries(Object.entries(own[0] ?? {}).reverse()))
  },
  'the first backend in `proxy.json`, whatever its path': ({ answers }) => {
    proxy(answers, MISTRAL).api_backend = null
  },
  'a public address of before ports were written out': ({ answers }) => {
    proxy(answers, GRANITE).endpoint = 'https://granite.apicast.example'
  },
  'backends in another order': ({ answers }) => usages(answers, MISTRAL).reverse(),
}

for (const [title, change] of Object.entries(same)) {
  t.test(`a difference without effect is not reported: ${title}`, async (t) => {
    const tenant = recordedTenant()
    change(tenant)
    const report = await doctorOf(tenant).examine(60_000)
    t.same(words(report.findings, 'not_deployed'), '')
    t.equal(report.complete, true)
  })
}

t.test('staging that is ahead of production is reported, and edits are compared with staging', async (t) => {
  const tenant = recordedTenant()
  const staged = bodyOf(tenant.answers, '/admin/api/account/proxy_configs/sandbox.json').proxy_configs
  const mistral = staged.find(
    (each: { proxy_config: { content: { id: number } } }) => each.proxy_config.content.id === 53,
  )
  mistral.proxy_config.version = 3
  mistral.proxy_config.content.proxy.policy_chain[0].configuration.rules.pop()
  const { findings } = await doctorOf(tenant).examine(60_000)
  t.match(
    words(findings, 'staging_ahead'),
    'Staging has version 3, production runs version 2. Differences: the backend at /chat, which was removed.',
  )
  t.match(words(findings, 'not_deployed'), 'since version 3 of staging: the backend at /chat, which was added.')
})

t.test('a product in production without a staging configuration is compared with production', async (t) => {
  const tenant = recordedTenant()
  const staged = bodyOf(tenant.answers, '/admin/api/account/proxy_configs/sandbox.json')
  staged.proxy_configs = []
  proxy(tenant.answers, GRANITE).auth_user_key = 'x-key'
  const { findings } = await doctorOf(tenant).examine(60_000)
  t.equal(words(findings, 'not_deployed'), 'Changed since version 2 of production: credentials.')
})

type Answers = RecordedTenant['answers']

function words(findings: Finding[], code: string): string {
  return findings.flatMap((finding) => (finding.code === code ? finding.what : [])).join(' ')
}

function usages(answers: Answers, product: string) {
  return bodyOf(answers, `${product}/backend_usages.json`)
}

function proxy(answers: Answers, product: string) {
  return bodyOf(answers, `${product}/proxy.json`).proxy
}

function chain(answers: Answers, product: string): object[] {
  return proxy(answers, product).policies_config
}

function address(answers: Answers, id: number, privateEndpoint: string): void {
  const rows: { backend_api: { id: number; private_endpoint: string } }[] = bodyOf(
    answers,
    '/admin/api/backend_apis.json',
  ).backend_apis
  for (const { backend_api } of rows) if (backend_api.id === id) backend_api.private_endpoint = privateEndpoint
}

function usage(backend: number, path: string) {
  return { backend_usage: { id: 800 + backend, path, backend_id: backend } }
}

function policy(name: string, enabled: boolean | undefined) {
  return { name, version: 'builtin', configuration: {}, ...(enabled === undefined ? {} : { enabled }) }
}

function copyOf(row: { mapping_rule: object }, change: object) {
  return { mapping_rule: { ...row.mapping_rule, ...change } }
}
