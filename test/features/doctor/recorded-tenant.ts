import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInspection } from '../../../src/clients/threescale/inspection/inspection.js'
import { problem } from '../../../src/errors.js'
import { createDoctor, type DoctorDeps } from '../../../src/features/doctor/doctor.js'
import type { Http, HttpRequest, HttpResponse } from '../../../src/infra/http/http.js'
import { HttpError } from '../../../src/infra/http/http-error.js'
import { projectRoot } from '../../../src/project-root.js'

/**
 * A tenant of Red Hat 3scale 2.16.4, its gateway and an identity provider, without a network. `recorded` responses are those of the
 * product; the others are composed from similar recordings and porta's representers.
 */
export interface RecordedTenant {
  http: Pick<Http, 'send'>
  /** Method and address without the query of every request since the last `calls.clear()`. */
  calls: Set<string>
  count: () => number
  /** Responses of 3scale by path; replace fields to change the tenant. */
  answers: Record<string, Recorded>
  /** Requests with this method and address fail in this way. */
  fail(call: string | undefined, failure?: Failure): void
  deps(more?: Partial<DoctorDeps>): DoctorDeps
}

interface Recorded {
  status: number
  type: string
  recorded: boolean
  // biome-ignore lint/suspicious/noExplicitAny: each response has its own shape, and tests change deeply nested fields
  body: any
}

export type Failure = keyof typeof failures

const ADMIN = 'https://maas3-admin.3scale.test'
export const ISSUER = 'https://sso.example/realms/maas'
/** Where the recorded gateway reports usage to the back-end. */
export const LISTENER = 'http://127.0.0.1:3001'
const TOKEN = `${ISSUER}/protocol/openid-connect/token`

export const failures = {
  'status 500': () => answer(500, { status: 500, error: 'Internal Server Error' }),
  'status 403': () => answer(403, { status: 'Forbidden' }),
  'a scope that is missing': () => answer(403, { error: 'Your access token does not have the correct permissions' }),
  'a time-out': (host: string) => Promise.reject(new HttpError('timeout', host)),
  'a lost connection': (host: string) => Promise.reject(new HttpError('network', host, { code: 'ECONNRESET' })),
  'a web page': () => answer(200, '<html><body>Sign in</body></html>', 'text/html; charset=utf-8'),
  'JSON of another shape': () => answer(200, { hello: 'world' }),
  'a list without ids': () =>
    answer(200, { ...Object.fromEntries(roots.map((root) => [root, [{}]])), proxy: {}, settings: {}, account: {} }),
  'no body': () => answer(200, ''),
}
const claims = { iss: ISSUER, sub: 'service', aud: 'maas-portal-api', scope: 'maas:read maas:write' }
const serviceToken = ['{"alg":"RS256"}', JSON.stringify(claims), 'signature']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.')
const roots = ['plans', 'services', 'api_docs', 'backend_apis', 'proxy_configs', 'mapping_rules']

export function recordedTenant(): RecordedTenant {
  const file = readFileSync(join(projectRoot, 'test/features/doctor/tenant-2.16.4.jsonl'), 'utf8')
  const lines = file.trimEnd().split('\n')
  const answers = Object.fromEntries(
    lines.map((line) => JSON.parse(line) as Recorded & { path: string }).map(({ path, ...rest }) => [path, rest]),
  )
  const calls = new Set<string>()
  let count = 0
  let failing: { call: string | undefined; failure: Failure } = { call: undefined, failure: 'status 500' }

  const http = {
    async send(request: HttpRequest): Promise<HttpResponse> {
      const call = `${request.method} ${request.url.origin}${request.url.pathname}`
      calls.add(call)
      count++
      if (call === failing.call) return failures[failing.failure](request.url.host)
      if (request.url.origin === ADMIN) return threescale(request.url)
      return surroundings(call, request)
    },
  }

  return {
    http,
    calls,
    count: () => count,
    answers,
    fail(call, failure = 'status 500') {
      failing = { call, failure }
    },
    deps: (more = {}) => ({
      http,
      guarded: http,
      inspect: (way) => createInspection({ http: way, adminUrl: ADMIN, accessToken: 'canary-token' }),
      adminUrl: ADMIN,
      redis: undefined,
      checks: [],
      webhooks: {
        isReceiver: false,
        address: 'https://models.example/webhooks/3scale',
        lastReceived: async () => null,
      },
      expected: { products: ['granite'], termsField: undefined, fields: [{ target: 'account', name: 'org_name' }] },
      signIn: {
        issuer: ISSUER,
        clientId: 'maas-portal',
        clientSecret: 'canary-client-secret',
        publicUrl: 'https://models.example',
        decidingClaims: [],
        configuredClaims: [],
        trustEmail: false,
        observations: async () => ({}),
        form: {},
        begin: async () => ({ url: `${ISSUER}/protocol/openid-connect/auth?client_id=maas-portal` }),
        audience: 'maas-portal-api',
        clients: ['maas-service'],
        serviceClient: { id: 'maas-service', secret: 'canary-service-secret' },
        verify: async () => undefined,
      },
      modelIds: {
        configured: (name) => ({
          modelId: name === 'granite' ? 'ibm-granite/granite-3.3-8b-instruct' : undefined,
          mayAskPrivately: name === 'granite',
        }),
        documentedId: () => undefined,
        listWithKey: async () => undefined,
      },
      gatewayKeys: { keyVerdicts: async () => undefined },
      typeOf: () => undefined,
      verifyUsername: () => undefined,
      now: Date.now,
      ...more,
    }),
  }

  function threescale({ pathname, searchParams }: URL): HttpResponse {
    const found = answers[pathname]
    if (!found) return answer(404, { status: 'Not found' })
    const page = Number(searchParams.get('page') ?? 1)
    const perPage = Number(searchParams.get('per_page') ?? 500)
    return answer(found.status, paged(found.body, page, perPage), found.type)
  }
}

/** A tenant in which almost every check has a finding, so that a missing check is detected. */
export function troubled(): RecordedTenant {
  const tenant = recordedTenant()
  const { answers } = tenant
  const body = (path: string) => bodyOf(answers, path)
  Object.assign(body('/admin/api/settings.json').settings, {
    signups_enabled: false,
    account_approval_required: true,
    service_plans_ui_visible: true,
  })
  body('/admin/api/provider.json').account.site_access_code = ''
  Object.assign(body('/admin/api/personal/access_tokens.json').access_tokens[0].access_token, {
    permission: 'ro',
    scopes: ['account_management', 'stats', 'cms'],
    expires_at: '2020-01-01T00:00:00Z',
  })
  body('/admin/api/account_plans.json').plans[0].account_plan.default = false
  body('/admin/api/service_plans.json').plans[1].service_plan.approval_required = true
  body('/admin/api/services/52/proxy/mapping_rules.json').mapping_rules.pop()
  body('/admin/api/services/54/proxy.json').proxy.credentials_location = 'headers'
  body('/admin/api/backend_apis/27/mapping_rules.json').mapping_rules.pop()
  body('/admin/api/services/53/backend_usages.json').pop()
  body('/admin/api/services/56/backend_usages.json').pop()
  body('/admin/api/application_plans/120/limits.json').limits[0].limit.period = 'eternity'
  body('/admin/api/active_docs.json').api_docs[0].api_doc.service_id = undefined
  const applications = answers['/admin/api/applications.xml']
  const doubled = String(applications?.body).replace('b2e18d', 'a1f09c')
  Object.assign(applications ?? {}, { body: doubled.replace('<keys><key>canary-app-key-1</key></keys>', '<keys/>') })
  return tenant
}

/** The body of a response, to be modified. */
export function bodyOf(answers: RecordedTenant['answers'], path: string) {
  const found = answers[path]
  if (!found) throw new Error(`no answer for ${path}`)
  return found.body
}

export function doctorOf(tenant: RecordedTenant, more: Partial<DoctorDeps> = {}) {
  return createDoctor(tenant.deps(more))
}

/** XML lists are paginated as in porta; each JSON list fits on one page. */
function paged(body: unknown, page: number, perPage: number): unknown {
  const list = typeof body === 'string' ? /<(accounts|applications|services)>(.*)<\/\1>$/s.exec(body) : null
  if (!list) return page > 1 ? emptied(body) : body
  const [, root = '', inside = ''] = list
  const item = root.slice(0, -1)
  const rows = inside.match(new RegExp(`<${item}>.*?</${item}>`, 'gs')) ?? []
  const totals = `per_page="${perPage}" total_entries="${rows.length}" total_pages="${Math.ceil(rows.length / perPage)}"`
  const attributes = rows.length > perPage ? ` ${totals} current_page="${page}"` : ''
  const shown = rows.slice((page - 1) * perPage, page * perPage).join('')
  return `<?xml version="1.0" encoding="UTF-8"?><${root}${attributes}>${shown}</${root}>`
}

function emptied(body: unknown): unknown {
  if (Array.isArray(body)) return []
  return Object.fromEntries(Object.keys(body as object).map((root) => [root, []]))
}

function answer(status: number, body: unknown, type = 'application/json'): HttpResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { status, headers: { 'content-type': type }, text }
}

function surroundings(call: string, { url, body = '' }: HttpRequest): HttpResponse {
  if (call === `GET ${ISSUER}/.well-known/openid-configuration`)
    return answer(200, {
      issuer: ISSUER,
      token_endpoint: TOKEN,
      end_session_endpoint: `${ISSUER}/protocol/openid-connect/logout`,
      backchannel_logout_supported: true,
      code_challenge_methods_supported: ['plain', 'S256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
    })
  if (call === `POST ${TOKEN}` && body.includes('client_credentials'))
    return answer(200, { access_token: serviceToken })
  if (call === `POST ${TOKEN}`) return answer(400, { error: 'invalid_grant' })
  if (call.startsWith(`GET ${ISSUER}`)) return answer(200, '<html>Sign in</html>', 'text/html')
  if (url.hostname.endsWith('.models.example'))
    return answer(200, { object: 'list', data: [{ id: 'ibm-granite/granite-3.3-8b-instruct' }] })
  if (call === `GET ${LISTENER}/status`) return answer(200, { status: 'ok', version: { backend: '3.4.3' } })
  if (url.host.endsWith('.apicast.example')) return answer(403, 'Authentication parameters missing', 'text/plain')
  throw problem('internal', { detail: `nothing answers ${call}` })
}
