import { isProblem, PortalError, problem } from '../../../errors.js'
import { mapInSlices } from '../../../infra/time-slices.js'
import { toApiDoc, toLimit, toPlan } from '../mapping/catalogue-mappers.js'
import { toFieldDefinition, toSettings } from '../mapping/mappers.js'
import { number, object, text, unwrap, type WireObject } from '../mapping/wire-values.js'
import { createRequests, type ThreescaleOptions } from '../requests/requests.js'
import type { ApiDoc, FieldDefinition, Limit, Plan, TenantSettings } from '../types.js'
import { partsOfSettings, rulesPart } from './configuration-parts.js'
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
  toWebhookFailure,
} from './mappers.js'
import type {
  AccountPlan,
  AccountUsers,
  Backend,
  BackendRules,
  BackendUsage,
  ConfigurationParts,
  Deployment,
  InspectedCredentials,
  InspectedProduct,
  InspectionPage,
  OwnToken,
  ServicePlan,
  WebhookFailure,
} from './types.js'

/**
 * Reads the configuration of a tenant and its products for the doctor. Each call rejects as those of `Threescale` do. The message of
 * the cause starts with the failed call. A response of another shape is a failure, never an empty tenant.
 */
export interface Inspection {
  readSettings(): Promise<TenantSettings>
  /** true if 3scale's own developer portal requires an access code */
  hasAccessCode(): Promise<boolean>
  listFieldDefinitions(): Promise<FieldDefinition[]>
  /** all tokens of the owner of the portal's token; 3scale does not return their values */
  listOwnTokens(): Promise<OwnToken[]>
  /** events that could not be delivered, the oldest first; only an admin may read them */
  listWebhookFailures(): Promise<WebhookFailure[]>
  /** whether this 3scale has usage of all time; rejects if the token may not read statistics */
  reportsAllTime(productId: number): Promise<boolean>
  /** with their metrics, in one call per 500 products */
  listProducts(): Promise<InspectedProduct[]>
  listPlans(): Promise<Plan[]>
  listServicePlans(): Promise<ServicePlan[]>
  listAccountPlans(): Promise<AccountPlan[]>
  listApiDocs(): Promise<ApiDoc[]>
  listBackends(): Promise<Backend[]>
  /** the latest configuration of each product */
  listDeployments(environment: 'sandbox' | 'production'): Promise<Deployment[]>
  /** the gateway settings of a product, including those that are not deployed yet */
  readSettingsOf(productId: number): Promise<ConfigurationParts['fingerprints']>
  readRulesOf(productId: number): Promise<ConfigurationParts['fingerprints']>
  listBackendUsages(productId: number): Promise<BackendUsage[]>
  listBackendRules(backendId: number): Promise<BackendRules>
  listLimits(planId: number): Promise<Limit[]>
  /** pages from 1 */
  listUsers(page: number, perPage: number): Promise<InspectionPage<AccountUsers>>
  listCredentials(page: number, perPage: number): Promise<InspectionPage<InspectedCredentials>>
}

const PRODUCTS = 500

export function createInspection(options: ThreescaleOptions): Inspection {
  const { bulk, bareLists, pages, xmlPage } = createRequests(options)
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
    listWebhookFailures: () =>
      read('/admin/api/webhooks/failures.json', async (path) =>
        unwrap((await bulk(path))['webhooks-failures'], 'webhooks-failure').map(toWebhookFailure),
      ),
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
        const all: WireObject[] = []
        for (let page = 1; ; page++) {
          const { rows, total } = await xmlPage(path, 'services', 'service', { page, perPage: PRODUCTS })
          all.push(...withIds(rows, 'service'))
          if (rows.length === 0 || all.length >= total) return mapInSlices(all, toInspectedProduct)
        }
      }),
    listPlans: () => list('/admin/api/application_plans', 'plans', 'application_plan', toPlan),
    listServicePlans: () => list('/admin/api/service_plans', 'plans', 'service_plan', toServicePlan),
    listAccountPlans: () => list('/admin/api/account_plans', 'plans', 'account_plan', toAccountPlan),
    listApiDocs: () => list('/admin/api/active_docs', 'api_docs', 'api_doc', toApiDoc),
    listBackends: () =>
      read('/admin/api/backend_apis.json', async (path) =>
        withIds(await bareLists(path, 'backend_api', 'backend_apis'), 'backend_api').map(toBackend),
      ),
    listDeployments: (environment) =>
      read(`/admin/api/account/proxy_configs/${environment}.json`, async (path) => {
        const rows = await pages(path, 'proxy_configs', 'proxy_config', {
          toRow: (wire) => wire,
          query: { version: 'latest' },
        })
        withIds(
          rows.map(({ content }) => object(content)),
          'content of a proxy_config',
        )
        return mapInSlices(rows, toDeployment)
      }),
    readSettingsOf: (id) =>
      read(`${product(id)}/proxy.json`, async (path) =>
        partsOfSettings(member(await bulk(path), 'proxy', 'service_id')),
      ),
    readRulesOf: (id) =>
      read(`${product(id)}/proxy/mapping_rules.json`, async (path) =>
        rulesPart(withIds(unwrap((await bulk(path)).mapping_rules, 'mapping_rule'), 'mapping_rule')),
      ),
    listBackendUsages: (id) =>
      read(`${product(id)}/backend_usages.json`, async (path) =>
        withIds(await bareLists(path, 'backend_usage'), 'backend_usage').map(toBackendUsage),
      ),
    listBackendRules: (id) =>
      read(`/admin/api/backend_apis/${id}/mapping_rules.json`, async (path) => {
        const rules = withIds(await bareLists(path, 'mapping_rule', 'mapping_rules'), 'mapping_rule')
        return { backendId: id, rules }
      }),
    listLimits: (id) =>
      read(
        `/admin/api/application_plans/${id}/limits.json`,
        async (path) => await pages(path, 'limits', 'limit', { toRow: toLimit }),
      ),
    listUsers: (page, perPage) =>
      read('/admin/api/accounts.xml', async (path) => {
        const { rows, total } = await xmlPage(path, 'accounts', 'account', { page, perPage })
        return { rows: withIds(rows, 'account').map(toAccountUsers), total }
      }),
    listCredentials: (page, perPage) =>
      read('/admin/api/applications.xml', async (path) => {
        const { rows, total } = await xmlPage(path, 'applications', 'application', { page, perPage })
        return { rows: withIds(rows, 'application').map(toApplicationCredentials), total }
      }),
  }

  function list<T>(path: string, root: string, item: string, to: (wire: WireObject) => T): Promise<T[]> {
    return read(`${path}.json`, async (bare) => withIds(unwrap((await bulk(bare))[root], item), item).map(to))
  }
}

/**
 * Passes the path without its extension to `call`. Errors of the call, and of reading its response, get a cause that starts with the
 * name of the call.
 */
async function read<T>(address: string, call: (path: string) => Promise<T>): Promise<T> {
  try {
    return await call(address.replace(/\.\w+$/, ''))
  } catch (error) {
    const { code, cause, message } =
      error instanceof PortalError ? error : unexpected(`an unexpected response (${(error as Error).name})`)
    const sentence = cause instanceof Error ? cause.message : message
    throw problem(code, { cause: new Error(`GET ${address}: ${sentence}`, { cause }) })
  }
}

/** An object without a member that 3scale always returns is not from 3scale. */
function member(answer: WireObject, root: string, always: string): WireObject {
  const record = object(answer[root])
  if (record[always] !== undefined && record[always] !== null) return record
  throw without(root)
}

function without(member: string): PortalError {
  return unexpected(`no ${member}`)
}

function unexpected(what: string): PortalError {
  return problem('threescale_unavailable', { cause: new Error(`3scale returned ${what}`) })
}

function withIds(rows: WireObject[], item: string): WireObject[] {
  if (rows.every(({ id }) => number(id) > 0)) return rows
  throw problem('threescale_unavailable', { cause: new Error(`3scale returned a ${item} that has no id`) })
}
