import { isProblem, PortalError, problem } from '../../errors.js'
import { timeLeft } from '../deadline.js'
import { type Http, type HttpAnswer, HttpFailure } from '../http.js'
import type { Application, Threescale, User } from './nouns.js'
import { refusal, unreadable } from './refusals.js'
import {
  object,
  toAccount,
  toApiDoc,
  toApplication,
  toFieldDefinition,
  toGatewayConfig,
  toKey,
  toLimit,
  toMetric,
  toPlan,
  toPricingRule,
  toProduct,
  toSettings,
  toSubscription,
  toUser,
  unwrap,
  type Wire,
} from './wire.js'
import { listOf, parseXml } from './xml.js'

export interface ThreescaleOptions {
  http: Pick<Http, 'send'>
  /** the tenant's admin portal, no trailing slash */
  adminUrl: string
  accessToken: string
  /** told once per call, by a pattern without ids or keys */
  onCall?: (call: string, outcome: string, seconds: number) => void
}

interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  query?: Record<string, string>
  form?: Record<string, string>
  bulk?: boolean
}

const BULK = { timeoutMs: 15_000, maxBytes: 64 * 1024 * 1024 }
/** Reads and writes that a person waits for: with the one repeat of a read, an answer within 3 s. */
const SINGLE = { timeoutMs: 2500, maxBytes: 1024 * 1024 }
const PER_PAGE = 500

/** 3scale's Account Management API. Flat form parameters, `.json` in every path, Basic credentials; see nouns.ts for errors. */
export function createThreescale({ http, adminUrl, accessToken, onCall }: ThreescaleOptions): Threescale {
  const authorization = `Basic ${Buffer.from(`${accessToken}:`).toString('base64')}`
  const account = (id: number) => `/admin/api/accounts/${id}`
  const application = (accountId: number, id: number) => `${account(accountId)}/applications/${id}`

  return {
    listProducts: async () => (await pages('/admin/api/services', 'services', 'service')).map(toProduct),
    listPlans: async () => unwrap((await bulk('/admin/api/application_plans')).plans, 'application_plan').map(toPlan),
    listGatewayConfigs: async () =>
      (
        await pages('/admin/api/account/proxy_configs/production', 'proxy_configs', 'proxy_config', {
          version: 'latest',
        })
      )
        .map(toGatewayConfig)
        .filter((config) => config !== undefined),
    listApiDocs: async () => unwrap((await bulk('/admin/api/active_docs')).api_docs, 'api_doc').map(toApiDoc),
    readApiDoc: async (id) => toApiDoc(object((await bulk(`/admin/api/active_docs/${id}`)).api_doc)),
    listFieldDefinitions: async () =>
      unwrap((await bulk('/admin/api/fields_definitions')).fields_definitions, 'fields_definition')
        .map(toFieldDefinition)
        .filter((field) => field !== undefined),
    readSettings: async ({ patient = false } = {}) =>
      toSettings(object((await (patient ? bulk : get)('/admin/api/settings')).settings)),
    async readAlwaysApprove() {
      const list = unwrap(
        (await get('/admin/api/authentication_providers')).authentication_providers,
        'authentication_provider',
      )
      return list.some(
        (entry) =>
          entry.account_type === 'developer' &&
          entry.published === true &&
          entry.automatically_approve_accounts === true,
      )
    },
    listLimits: async (planId) =>
      (await pages(`/admin/api/application_plans/${planId}/limits`, 'limits', 'limit')).map(toLimit),
    listPricingRules: async (planId) =>
      unwrap((await bulk(`/admin/api/application_plans/${planId}/pricing_rules`)).pricing_rules, 'pricing_rule').map(
        toPricingRule,
      ),
    listMetrics: async (productId) =>
      unwrap((await bulk(`/admin/api/services/${productId}/metrics`)).metrics, 'metric').map(toMetric),

    async findByUsername(username) {
      const found = await findAccount({ username })
      const user = found?.users.find((candidate) => candidate.username === username)
      return found && user ? { account: found.account, user } : undefined
    },
    async findByEmail(email) {
      const found = await findAccount({ email })
      const user = found?.users.find((candidate) => candidate.email === email)
      return found && user ? { account: found.account, user, users: found.users } : undefined
    },
    signUp: async ({ orgName, username, email, fields }) =>
      toAccount(
        one(await write('POST', '/admin/api/signup', { ...fields, org_name: orgName, username, email }), 'account'),
      ),
    listUsers: async (accountId) =>
      unwrap((await get(`${account(accountId)}/users`)).users, 'user').map((wire) => toUser(wire, accountId)),
    async activateUser(accountId, userId) {
      await write('PUT', `${account(accountId)}/users/${userId}/activate`, {})
    },
    updateUser: async (accountId, userId, { username, email, fields = {} }) =>
      toUser(
        one(
          await write('PUT', `${account(accountId)}/users/${userId}`, { ...fields, ...given({ username, email }) }),
          'user',
        ),
        accountId,
      ),
    readAccount: async (accountId) => toAccount(one(await get(account(accountId)), 'account')),
    updateAccount: async (accountId, fields) =>
      toAccount(one(await write('PUT', account(accountId), fields), 'account')),
    /** Approving twice is refused as a change of state that is none: what counts is where the account stands. */
    async approveAccount(accountId) {
      try {
        await write('PUT', `${account(accountId)}/approve`, {})
      } catch (error) {
        if (!isProblem(error, 'invalid_fields')) throw error
        const { state } = toAccount(one(await get(account(accountId)), 'account'))
        if (state !== 'approved') throw error
      }
    },
    listSubscriptions: async (accountId) =>
      unwrap(
        (await get(`${account(accountId)}/service_subscriptions`)).service_subscriptions,
        'service_subscription',
      ).map(toSubscription),

    listApplications: async (accountId) =>
      unwrap((await bulk(`${account(accountId)}/applications`, SINGLE.timeoutMs)).applications, 'application').map(
        toApplication,
      ),
    readApplication: async (accountId, id) => own(accountId, await get(application(accountId, id))),
    async findApplicationByAppId(accountId, appId) {
      return absent(async () => own(accountId, await get(`${account(accountId)}/applications/find`, { app_id: appId })))
    },
    createApplication: async (accountId, wanted) =>
      own(
        accountId,
        await write('POST', `${account(accountId)}/applications`, {
          ...wanted.fields,
          plan_id: String(wanted.planId),
          name: wanted.name,
          description: wanted.description,
          application_id: wanted.applicationId,
          ...given({ user_key: wanted.userKey, application_key: wanted.applicationKey }),
        }),
      ),
    updateApplication: async (accountId, id, { name, description, userKey, fields = {} }) =>
      own(
        accountId,
        await write('PUT', application(accountId, id), {
          ...fields,
          ...given({ name, description, user_key: userKey }),
        }),
      ),
    async deleteApplication(accountId, id) {
      await absent(() => send({ method: 'DELETE', path: application(accountId, id) }))
    },
    listKeys: async (accountId, id) => unwrap((await get(`${application(accountId, id)}/keys`)).keys, 'key').map(toKey),
    async addKey(accountId, id, value) {
      await write('POST', `${application(accountId, id)}/keys`, { key: value })
    },
    /** The parameter wins over the path, so a key of any characters can be named (porta, application_keys_controller.rb). */
    async deleteKey(accountId, id, value) {
      await absent(() =>
        send({ method: 'DELETE', path: `${application(accountId, id)}/keys/x`, query: { key: value } }),
      )
    },
    /** Rejects with a sentence for the operator, which names the setting to mend. */
    async ping() {
      try {
        await get('/admin/api/settings')
      } catch (error) {
        throw error instanceof PortalError && error.cause instanceof Error ? error.cause : error
      }
    },
    async close() {},
  }

  /** porta answers 404 for another account's application; a wrong answer is not passed on either. */
  function own(accountId: number, answer: Wire): Application {
    const record = toApplication(one(answer, 'application'))
    if (record.accountId !== accountId) throw problem('not_found')
    return record
  }

  /** The XML of this call embeds the users, its JSON does not. */
  async function findAccount(criterion: Record<string, string>) {
    const answer = await absent(() =>
      send({ method: 'GET', path: '/admin/api/accounts/find', query: criterion }, 'xml'),
    )
    if (!answer) return undefined
    const node = one(readXml(answer), 'account')
    const account = toAccount(node)
    const users: User[] = listOf(node.users, 'user').map((wire) => toUser(wire, account.id))
    return { account, users }
  }

  async function get(path: string, query?: Record<string, string>): Promise<Wire> {
    return readJson(await send({ method: 'GET', path, ...(query ? { query } : {}) }))
  }

  async function bulk(path: string, timeoutMs = BULK.timeoutMs): Promise<Wire> {
    return readJson(await send({ method: 'GET', path, bulk: true }, 'json', timeoutMs))
  }

  async function write(method: 'POST' | 'PUT', path: string, form: Record<string, string>): Promise<Wire> {
    return readJson(await send({ method, path, form }))
  }

  /** Metadata is there only when more exists than one page holds (porta, lib/three_scale/api/collection.rb). */
  async function pages(path: string, root: string, item: string, query: Record<string, string> = {}): Promise<Wire[]> {
    const all: Wire[] = []
    for (let page = 1; ; page++) {
      const paged = { ...query, per_page: String(PER_PAGE), page: String(page) }
      const answer = readJson(await send({ method: 'GET', path, query: paged, bulk: true }, 'json', BULK.timeoutMs))
      const rows = unwrap(answer[root], item)
      all.push(...rows)
      const total = Number(object(answer.metadata).total_pages ?? 1)
      if (page >= total || rows.length === 0) return all
    }
  }

  async function send(call: Call, format: 'json' | 'xml' = 'json', timeoutMs = SINGLE.timeoutMs): Promise<HttpAnswer> {
    const url = new URL(`${adminUrl}${call.path}.${format}`)
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value)
    const request = {
      method: call.method,
      url,
      headers: { authorization, ...(call.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
      ...(call.form ? { body: new URLSearchParams(call.form).toString() } : {}),
      maxBytes: call.bulk ? BULK.maxBytes : SINGLE.maxBytes,
    }
    const started = performance.now()
    const pattern = `${call.method} ${call.path.replace(/\/\d+/g, '/{id}')}`
    // only what a person waits for is bounded by their patience
    const allowed = timeoutMs > SINGLE.timeoutMs ? timeoutMs : Math.min(timeoutMs, timeLeft())
    try {
      if (allowed < 20) throw new HttpFailure('timeout', url.host)
      const answer = await attempt(request, allowed, call.method === 'GET', started)
      if (answer.status < 200 || answer.status >= 300) throw refusal(answer)
      onCall?.(pattern, 'ok', (performance.now() - started) / 1000)
      return answer
    } catch (error) {
      const failure = error instanceof HttpFailure ? problem('threescale_unavailable', { cause: error }) : error
      onCall?.(pattern, (failure as { code?: string }).code ?? 'error', (performance.now() - started) / 1000)
      throw failure
    }
  }

  /** A read is repeated once after a broken connection, within the same time; a write never (it may have worked). */
  async function attempt(request: Parameters<Http['send']>[0], timeoutMs: number, repeat: boolean, started: number) {
    try {
      return await http.send({ ...request, timeoutMs })
    } catch (error) {
      const left = timeoutMs - (performance.now() - started)
      if (!repeat || !(error instanceof HttpFailure) || error.kind !== 'network' || left < 50) throw error
      return http.send({ ...request, timeoutMs: left })
    }
  }
}

async function absent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as { code?: string }).code === 'not_found') return undefined
    throw error
  }
}

function given(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** A record without an id is none: something else than 3scale answered. */
function one(answer: Wire, root: string): Wire {
  const record = object(answer[root])
  if (Number(record.id) > 0) return record
  throw problem('threescale_unavailable', { cause: new Error(`3scale answered without ${root}`) })
}

function readJson(answer: HttpAnswer): Wire {
  try {
    return object(JSON.parse(answer.text))
  } catch {
    throw unreadable(answer, 'JSON')
  }
}

function readXml(answer: HttpAnswer): Wire {
  try {
    return parseXml(answer.text)
  } catch {
    throw unreadable(answer, 'XML')
  }
}
