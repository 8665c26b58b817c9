import { isProblem, PortalError, problem } from '../../../errors.js'
import { createCalls, type ThreescaleOptions } from '../calls.js'
import type { ApiDoc, FieldDefinition, Limit, Plan, TenantSettings } from '../nouns.js'
import { number, object, text, unwrap, type Wire } from '../values.js'
import { toFieldDefinition, toSettings } from '../wire.js'
import { toApiDoc, toLimit, toPlan } from '../wire-catalogue.js'
import type {
  AccountPlan,
  AccountUsers,
  ApplicationCredentials,
  Backend,
  BackendRules,
  BackendUsage,
  Deployment,
  InspectedProduct,
  OwnToken,
  Page,
  Parts,
  ServicePlan,
} from './nouns.js'
import { editedParts, rulesPart } from './parts.js'
import {
  toAccountPlan,
  toAccountUsers,
  toApplicationCredentials,
  toBackend,
  toBackendUsage,
  toDeployment,
  toInspectedProduct,
  toOwnToken,
  toServicePlan,
} from './wire.js'

/**
 * What is set for a tenant and its products, where it can go wrong. Reads only. Every call rejects as those of `Threescale`
 * do; the cause begins with the call that failed, and an answer of another shape is a failure, never an empty tenant.
 */
export interface Inspection {
  readSettings(): Promise<TenantSettings>
  /** true where a visitor of the stock portal is asked for an access code */
  hasAccessCode(): Promise<boolean>
  listFieldDefinitions(): Promise<FieldDefinition[]>
  /** tokens of the owner of ours, ours among them; their values are not reported */
  listOwnTokens(): Promise<OwnToken[]>
  /** what only an admin may read */
  readAsAdmin(): Promise<void>
  /** whether this 3scale has usage of all time; rejects where the token may not read statistics */
  reportsAllTime(productId: number): Promise<boolean>
  /** one call per 500, with their metrics */
  listProducts(): Promise<InspectedProduct[]>
  listPlans(): Promise<Plan[]>
  listServicePlans(): Promise<ServicePlan[]>
  listAccountPlans(): Promise<AccountPlan[]>
  listApiDocs(): Promise<ApiDoc[]>
  listBackends(): Promise<Backend[]>
  /** the latest of each product */
  listDeployments(environment: 'sandbox' | 'production'): Promise<Deployment[]>
  /** the gateway settings of one product as they are edited, deployed or not */
  readSettingsOf(productId: number): Promise<Parts['fingerprints']>
  readRulesOf(productId: number): Promise<Parts['fingerprints']>
  listBackendUsages(productId: number): Promise<BackendUsage[]>
  listBackendRules(backendId: number): Promise<BackendRules>
  listLimits(planId: number): Promise<Limit[]>
  /** pages from 1 */
  listUsers(page: number, perPage: number): Promise<Page<AccountUsers>>
  listCredentials(page: number, perPage: number): Promise<Page<ApplicationCredentials>>
}

const PRODUCTS = 500

export function createInspection(options: ThreescaleOptions): Inspection {
  const { bulk, bareLists, pages, xmlPage } = createCalls(options)
  const product = (id: number) => `/admin/api/services/${id}`

  return {
    readSettings: () =>
      read('/admin/api/settings.json', async (path) =>
        toSettings(member(await bulk(path), 'settings', 'signups_enabled')),
      ),
    hasAccessCode: () =>
      read('/admin/api/provider.json', async (path) => {
        const account = member(await bulk(path), 'account', 'id')
        return text(account.site_access_code) !== ''
      }),
    listFieldDefinitions: () =>
      read('/admin/api/fields_definitions.json', async (path) =>
        unwrap((await bulk(path)).fields_definitions, 'fields_definition')
          .map(toFieldDefinition)
          .filter((field) => field !== undefined),
      ),
    listOwnTokens: () =>
      read('/admin/api/personal/access_tokens.json', async (path) =>
        unwrap((await bulk(path)).access_tokens, 'access_token').map(toOwnToken),
      ),
    readAsAdmin: () =>
      read('/admin/api/webhooks/failures.json', async (path) => {
        if (!('webhooks-failures' in (await bulk(path)))) throw without('webhooks-failures')
      }),
    reportsAllTime: (id) =>
      read(`/stats/services/${id}/usage.json`, async (path) => {
        try {
          const { values } = await bulk(path, { metric_name: 'hits', period: 'eternity', timezone: 'UTC' })
          if (!Array.isArray(values)) throw without('values')
          return true
        } catch (error) {
          if (isProblem(error, 'not_acceptable')) return false
          throw error
        }
      }),
    listProducts: () =>
      read('/admin/api/services.xml', async (path) => {
        const all: Wire[] = []
        for (let page = 1; ; page++) {
          const { rows, total } = await xmlPage(path, 'services', 'service', { page, perPage: PRODUCTS })
          all.push(...known(rows, 'service'))
          if (rows.length === 0 || all.length >= total) return all.map(toInspectedProduct)
        }
      }),
    listPlans: () => list('/admin/api/application_plans', 'plans', 'application_plan', toPlan),
    listServicePlans: () => list('/admin/api/service_plans', 'plans', 'service_plan', toServicePlan),
    listAccountPlans: () => list('/admin/api/account_plans', 'plans', 'account_plan', toAccountPlan),
    listApiDocs: () => list('/admin/api/active_docs', 'api_docs', 'api_doc', toApiDoc),
    listBackends: () =>
      read('/admin/api/backend_apis.json', async (path) =>
        known(await bareLists(path, 'backend_api', 'backend_apis'), 'backend_api').map(toBackend),
      ),
    listDeployments: (environment) =>
      read(`/admin/api/account/proxy_configs/${environment}.json`, async (path) => {
        const rows = await pages(path, 'proxy_configs', 'proxy_config', { version: 'latest' })
        known(
          rows.map(({ content }) => object(content)),
          'content of a proxy_config',
        )
        return rows.map(toDeployment)
      }),
    readSettingsOf: (id) =>
      read(`${product(id)}/proxy.json`, async (path) => editedParts(member(await bulk(path), 'proxy', 'service_id'))),
    readRulesOf: (id) =>
      read(`${product(id)}/proxy/mapping_rules.json`, async (path) =>
        rulesPart(known(unwrap((await bulk(path)).mapping_rules, 'mapping_rule'), 'mapping_rule')),
      ),
    listBackendUsages: (id) =>
      read(`${product(id)}/backend_usages.json`, async (path) =>
        known(await bareLists(path, 'backend_usage'), 'backend_usage').map(toBackendUsage),
      ),
    listBackendRules: (id) =>
      read(`/admin/api/backend_apis/${id}/mapping_rules.json`, async (path) => {
        const rules = known(await bareLists(path, 'mapping_rule', 'mapping_rules'), 'mapping_rule')
        return { backendId: id, rules }
      }),
    listLimits: (id) =>
      read(`/admin/api/application_plans/${id}/limits.json`, async (path) =>
        (await pages(path, 'limits', 'limit')).map(toLimit),
      ),
    listUsers: (page, perPage) =>
      read('/admin/api/accounts.xml', async (path) => {
        const { rows, total } = await xmlPage(path, 'accounts', 'account', { page, perPage })
        return { rows: known(rows, 'account').map(toAccountUsers), total }
      }),
    listCredentials: (page, perPage) =>
      read('/admin/api/applications.xml', async (path) => {
        const { rows, total } = await xmlPage(path, 'applications', 'application', { page, perPage })
        return { rows: known(rows, 'application').map(toApplicationCredentials), total }
      }),
  }

  function list<T>(path: string, root: string, item: string, to: (wire: Wire) => T): Promise<T[]> {
    return read(`${path}.json`, async (bare) => known(unwrap((await bulk(bare))[root], item), item).map(to))
  }
}

/**
 * The call by its path without the extension. A failure is passed on with the name of the call before its cause, and so is
 * an answer that broke what reads it.
 */
async function read<T>(address: string, call: (path: string) => Promise<T>): Promise<T> {
  try {
    return await call(address.replace(/\.\w+$/, ''))
  } catch (error) {
    const { code, cause, message } =
      error instanceof PortalError ? error : without(`what can be read (${(error as Error).name})`)
    const sentence = cause instanceof Error ? cause.message : message
    throw problem(code, { cause: new Error(`GET ${address}: ${sentence}`, { cause }) })
  }
}

/** An object without a member that 3scale always writes is somebody else's answer. */
function member(answer: Wire, root: string, always: string): Wire {
  const found = object(answer[root])
  if (found[always] !== undefined && found[always] !== null) return found
  throw without(root)
}

function without(what: string): PortalError {
  return problem('threescale_unavailable', { cause: new Error(`3scale answered without ${what}`) })
}

function known(rows: Wire[], item: string): Wire[] {
  if (rows.every(({ id }) => number(id) > 0)) return rows
  throw problem('threescale_unavailable', { cause: new Error(`3scale answered with a ${item} that has no id`) })
}
