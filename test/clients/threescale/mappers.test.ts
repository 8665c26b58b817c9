import fc from 'fast-check'
import t from 'tap'
import * as catalogue from '../../../src/clients/threescale/mapping/catalogue-mappers.js'
import * as people from '../../../src/clients/threescale/mapping/mappers.js'
import { unwrap, type WireObject } from '../../../src/clients/threescale/mapping/wire-values.js'
import { isProblem } from '../../../src/errors.js'

const wire = { ...people, ...catalogue }

t.test('a list has each item under its root; a response without a list is an error', async (t) => {
  t.same(unwrap([{ plan: { id: 1 } }, { other: {} }, null, 5], 'plan'), [{ id: 1 }, {}, {}, {}])
  for (const unusual of [undefined, null, {}, 'x', 5]) {
    try {
      unwrap(unusual, 'plan')
      t.fail(JSON.stringify(unusual))
    } catch (error) {
      t.ok(isProblem(error, 'threescale_unavailable'))
    }
  }
})

t.test("booleans are read from words and numbers, and a missing one has the default of porta's column", async (t) => {
  const flags = (value: unknown) => {
    const product = wire.toProduct({ buyers_manage_apps: value, buyer_can_select_plan: value })
    return [product.buyersManageApps, product.canSelectPlan]
  }
  for (const yes of [true, 'true', 1, '1']) t.same(flags(yes), [true, true], JSON.stringify(yes))
  for (const no of [false, 'false', 0, '0']) t.same(flags(no), [false, false], JSON.stringify(no))
  for (const unknown of [undefined, null, '', 'yes', {}]) t.same(flags(unknown), [true, false], JSON.stringify(unknown))
  t.match(wire.toProduct({}), {
    buyersManageKeys: true,
    keyRegenerateEnabled: true,
    customKeysEnabled: true,
    referrerFiltersRequired: false,
    planChangePermission: 'request',
  })
  t.match(wire.toSettings({}), { signupsEnabled: false, userAccountAreaEnabled: true, servicePlansVisible: false })
  t.match(wire.toSettings({ signups_enabled: 'true', useraccountarea_enabled: 'false' }), {
    signupsEnabled: true,
    userAccountAreaEnabled: false,
  })
})

t.test('a plan has the product of its links, with or without an extension, and costs as numbers or text', async (t) => {
  const links = (href: unknown) => [{ rel: 'self', href: 5 }, null, { rel: 'service', href }]
  t.equal(wire.toPlan({ links: links('https://x/admin/api/services/7') }).productId, 7)
  t.equal(wire.toPlan({ links: links('https://x/admin/api/services/12/application_plans/21.xml') }).productId, 12)
  for (const unusual of [undefined, null, 'x', [], links('https://x/admin/api/plans/7'), links(null)])
    t.equal(wire.toPlan({ links: unusual }).productId, 0, JSON.stringify(unusual))
  t.match(wire.toPlan({ cost_per_month: '49.9', setup_fee: 5, trial_period_days: null }), {
    costPerMonth: 49.9,
    setupFee: 5,
    trialPeriodDays: 0,
  })
  t.equal(wire.toPlan({ state: 'odd' }).state, 'hidden', 'an unpublished plan is hidden')
  t.match(wire.toPlan({ default: 'true', custom: 'false', approval_required: '1' }), {
    isDefault: true,
    custom: false,
    approvalRequired: true,
  })
})

t.test('a deployed configuration is reduced to the required members', async (t) => {
  const proxy = {
    endpoint: 'https://llama.example.com:443/',
    credentials_location: 'headers',
    auth_user_key: 'X-Key',
    auth_app_id: null,
    authentication_method: '1',
    secret_token: 'LEAK-secret-token',
    oidc_issuer_endpoint: 'https://LEAK-client:LEAK-secret@sso.example.com/realms/x/',
    api_backend: 'http://llama.internal:8080',
    backend: { endpoint: 'LEAK-backend' },
    policy_chain: [{ name: 'headers', configuration: { value: 'LEAK-policy' } }, null],
    proxy_rules: [
      { http_method: 'POST', pattern: '/v1', metric_system_name: 'hits', metric_id: '51', delta: '2', last: 'true' },
    ],
  }
  const content = { id: '7', backend_version: '1', backend_authentication_value: 'LEAK-service-token', proxy }
  const config = wire.toGatewayConfig({ version: '4', content })
  t.match(config, {
    productId: 7,
    version: 4,
    endpoint: 'https://llama.example.com:443',
    credentials: {
      mode: 'user_key',
      location: 'headers',
      names: { userKey: 'X-Key', appId: 'app_id', appKey: 'app_key' },
    },
    rules: [{ method: 'POST', metricId: 51, delta: 2, last: true }],
    issuer: 'https://sso.example.com/realms/x',
    policies: ['headers', ''],
  })
  t.notMatch(JSON.stringify(config), 'LEAK')

  const with_ = (changed: object, version: unknown = '1') =>
    wire.toGatewayConfig({ content: { ...content, backend_version: version, proxy: { ...proxy, ...changed } } })
  for (const endpoint of [null, undefined, '', 'llama.example.com', 'ftp://x', 'http://', 5])
    t.equal(with_({ endpoint }), undefined, `no address: ${endpoint}`)
  t.equal(
    with_({ authentication_method: null }, '2')?.credentials.mode,
    'app_id',
    'an earlier row: the product states it',
  )
  t.equal(with_({ authentication_method: 'oidc' }, 'oauth')?.credentials.mode, 'oidc')
  t.equal(
    with_({ authentication_method: 'oauth' }, 'oauth'),
    undefined,
    'gateways reject every call with the earlier setting',
  )
  t.equal(with_({ authentication_method: null }, null), undefined)
  t.equal(with_({ credentials_location: null })?.credentials.location, 'query', 'the default of porta')
  t.same(with_({ proxy_rules: null, policy_chain: null })?.rules, [])
  t.equal(with_({ oidc_issuer_endpoint: null })?.issuer, undefined)
  t.equal(wire.toGatewayConfig({}), undefined)
  t.equal(wire.toGatewayConfig({ content: null }), undefined)
})

t.test('fields of accounts and users are read at both levels, without the columns', async (t) => {
  t.same(
    wire.toAccount({
      id: '5',
      org_name: 'A',
      state: 'approved',
      department: 'Research',
      vat_rate: '33.0',
      employees: 12,
      tags: ['a', 'b'],
      billing_address: { city: 'x' },
      monthly_billing_enabled: 'true',
      credit_card_stored: 'false',
      credit_card_partial_number: '1234',
      extra_fields: { cost_center: '4711', empty: '' },
      annotations: {},
      links: [],
      nothing: null,
    }).fields,
    { department: 'Research', vat_rate: '33.0', employees: '12', tags: 'a, b', cost_center: '4711', empty: '' },
  )
  const user = wire.toUser(
    { id: 1, username: 'x', email: '', role: 'owner', state: 'active', cas_identifier: 'c', title: 'Dr' },
    5,
  )
  t.match(user, { accountId: 5, email: undefined, role: 'member', state: 'active', fields: { title: 'Dr' } })
  t.notOk('cas_identifier' in user.fields)
})

t.test('an application has the members of its authentication mode and no others', async (t) => {
  const common = {
    id: 1,
    account_id: 2,
    service_id: 7,
    plan_id: 21,
    plan_name: 'Basic',
    state: 'live',
    purpose: 'Tests',
  }
  const key = wire.toApplication({ ...common, user_key: 'k', provider_verification_key: 'LEAK' })
  t.match(key, { userKey: 'k', appId: undefined, clientSecret: undefined, fields: { purpose: 'Tests' }, name: '' })
  t.notMatch(JSON.stringify(key), 'LEAK')
  t.match(wire.toApplication({ ...common, application_id: 'a' }), {
    userKey: undefined,
    appId: 'a',
    clientSecret: undefined,
  })
  const client = { application_id: 'a', client_id: 'a', client_secret: 's', redirect_url: null, oidc_configuration: {} }
  t.match(wire.toApplication({ ...common, ...client }), { appId: 'a', clientSecret: 's' })
  t.equal(wire.toApplication({ ...common, ...client, client_secret: null }).clientSecret, '', 'a deleted secret')
  t.equal(
    wire.toApplication({ created_at: '2026-03-01T11:00:00+01:00' }).createdAt,
    '2026-03-01T10:00:00Z',
    'any time zone is converted to UTC',
  )
  for (const unusual of [undefined, null, '', 'soon', {}])
    t.equal(wire.toApplication({ created_at: unusual }).createdAt, '')
})

t.test('other objects: numbers as text, missing end dates and default names', async (t) => {
  t.match(wire.toLimit({ metric_id: '51', period: 'day', value: '0' }), { metricId: 51, period: 'day', value: 0 })
  t.match(wire.toPricingRule({ metric_id: 51, cost_per_unit: '0.002', min: '1', max: null }), {
    costPerUnit: 0.002,
    from: 1,
    to: undefined,
  })
  t.equal(wire.toPricingRule({ max: '1000' }).to, 1000)
  t.match(wire.toMetric({ id: 51, system_name: 'hits' }), { name: 'hits', unit: '', parentId: undefined })
  t.equal(wire.toMetric({ parent_id: '51' }).parentId, 51)
  t.match(wire.toApiDoc({ id: 1, published: 'true', body: '{}' }), { productId: undefined, published: true })
  t.equal(wire.toApiDoc({ service_id: null }).productId, undefined, 'a spec of the whole tenant')
  t.match(wire.toFieldDefinition({ target: 'Cinstance', name: 'purpose', required: 'true', choices: null }), {
    target: 'application',
    label: 'purpose',
    required: true,
    hidden: false,
    choices: [],
  })
  t.same(wire.toFieldDefinition({ target: 'User', name: 'n', choices: ['a', 5, null] })?.choices, ['a', '5', ''])
  t.equal(wire.toFieldDefinition({ target: 'Invoice', name: 'x' }), undefined)
})

t.test('no mapper throws, whatever the response', async (t) => {
  const translations = [
    wire.toProduct,
    wire.toPlan,
    wire.toGatewayConfig,
    wire.toApiDoc,
    wire.toLimit,
    wire.toPricingRule,
    wire.toMetric,
    wire.toFieldDefinition,
    wire.toSettings,
    wire.toAccount,
    (value: WireObject) => wire.toUser(value, 1),
    wire.toApplication,
    wire.toKey,
    wire.toSubscription,
  ]
  const names = [
    'id',
    'links',
    'content',
    'proxy',
    'choices',
    'target',
    'extra_fields',
    'created_at',
    'state',
    'endpoint',
  ]
  const record = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.jsonValue())
  fc.assert(
    fc.property(record, (value) => {
      for (const translate of translations) translate(value as WireObject)
    }),
    { numRuns: 2000, seed: 42 },
  )
  t.pass('2,000 generated records')
})
