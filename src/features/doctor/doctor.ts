import { setTimeout as sleep } from 'node:timers/promises'
import type { Http } from '../../clients/http.js'
import type { RedisConnection } from '../../clients/redis.js'
import type { Inspection } from '../../clients/threescale/inspection.js'
import type { Product, TenantSettings } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import { type Check, runChecks } from '../../web/health.js'
import { type Asking, createAsking } from './asking.js'
import { docs, strayDocs } from './docs.js'
import { endpoint, issuer } from './endpoint.js'
import { createFind, type Find, type Finding, type Report, sorted } from './findings.js'
import type { FindHere, Look, ProductCheck, Tenant } from './look.js'
import { type ModelIdDeps, modelId } from './model-id.js'
import { plans, servicePlans } from './offers.js'
import { chain, tokenCounts } from './policies.js'
import { promotion } from './promotion.js'
import { type SignInDeps, signIn } from './sign-in.js'
import { type Expected, tenant as tenantFindings, token, unlessRefused } from './tenant.js'
import { credentials, mappingRules, paths } from './traffic.js'

export interface DoctorDeps {
  http: Pick<Http, 'send'>
  inspect(http: Pick<Http, 'send'>): Inspection
  adminUrl: string
  redis: RedisConnection | undefined
  /** the connections that /readyz looks at too */
  checks: Check[]
  expected: Expected
  signIn: SignInDeps
  modelIds: ModelIdDeps
  now: () => number
}

export type Doctor = ReturnType<typeof createDoctor>

/** By name, so that one can be looked for; each gives what it finds in a product, and nothing where all is well. */
const productChecks: Record<string, ProductCheck> = {
  promotion,
  credentials,
  'mapping rules': mappingRules,
  paths,
  'policy chain': chain,
  'token counts': tokenCounts,
  'application plans': plans,
  'service plans': servicePlans,
  'API documents': docs,
}

const SKEW_SECONDS = 30

/**
 * Looks a tenant over. It only reads: thirteen calls to 3scale for everything (one more per 500 products for each of four
 * lists), four for each product, one to its address, and one to its model server where PORTAL_CONFIG allows it; up to eight
 * to the sign-in service. Never more than four at a time.
 */
export function createDoctor(deps: DoctorDeps) {
  const { adminUrl, redis, checks, expected, now } = deps
  const find = createFind(adminUrl)

  return {
    /** Never rejects for what it finds, nor for what does not answer. Products that `untilMs` cuts off make it incomplete. */
    async examine(untilMs: number): Promise<Report> {
      const ask = createAsking(deps.http, now)
      const inspection = deps.inspect(ask)
      const end = now() + untilMs
      const [threescale, identity, memory] = await Promise.all([
        examineTenant(inspection, ask, end),
        signIn(find, ask, deps.signIn),
        examineRedis(),
      ])
      const hosts = [adminUrl, deps.signIn.issuer].map((address) => new URL(address).host)
      const findings = [...threescale.findings, ...identity, ...memory, ...clocks(ask, hosts)]
      return {
        at: new Date(now()).toISOString(),
        complete: threescale.complete,
        products: threescale.products,
        calls: ask.count(),
        findings: sorted(findings),
      }
    },
  }

  async function examineTenant(inspection: Inspection, ask: Asking, end: number) {
    try {
      const settings = await inspection.readSettings()
      return await examineProducts(settings, inspection, ask, end)
    } catch (error) {
      if (!isProblem(error)) throw error
      return { findings: [unusable(find, error)], complete: false, products: 0 }
    }
  }

  async function examineProducts(settings: TenantSettings, inspection: Inspection, ask: Asking, end: number) {
    const [products, plans, servicePlans, docs, backends, sandbox, production, hasAccessCode, fields] =
      await Promise.all([
        inspection.listProducts(),
        inspection.listPlans(),
        unlessRefused(inspection.listServicePlans()),
        unlessRefused(inspection.listApiDocs()),
        unlessRefused(inspection.listBackends()),
        inspection.listDeployments('sandbox'),
        inspection.listDeployments('production'),
        inspection.hasAccessCode(),
        inspection.listFieldDefinitions(),
      ])
    const tenant: Tenant = {
      settings,
      products,
      plans,
      servicePlans,
      docs,
      backends: new Map(backends?.map((backend) => [backend.id, backend])),
      sandbox: new Map(sandbox.map((config) => [config.productId, config])),
      production: new Map(production.map((config) => [config.productId, config])),
    }
    const findings = [
      ...(await token(find, inspection, products[0], now())),
      ...tenantFindings(find, { settings, hasAccessCode, fields, products }, expected),
      ...strayDocs(tenant, find),
    ]
    let complete = servicePlans !== undefined && docs !== undefined && backends !== undefined
    const left = [...products]
    const workOff = async () => {
      for (let product = left.shift(); product; product = left.shift()) {
        if (now() > end) complete = false
        else findings.push(...(await examineProduct(product, tenant, inspection, ask)))
      }
    }
    await Promise.all(Array.from({ length: 4 }, workOff))
    if (findings.some(({ code }) => code === 'product_unread')) complete = false
    return { findings, complete, products: products.length }
  }

  async function examineProduct(
    product: Product,
    tenant: Tenant,
    inspection: Inspection,
    ask: Asking,
  ): Promise<Finding[]> {
    const here: FindHere = (code, what) => find(code, { product, ...(what ? { what } : {}) })
    try {
      const [setUp, metrics, mounted] = await Promise.all([
        inspection.readSetUp(product.id),
        inspection.listMetrics(product.id),
        inspection.listMounted(product.id),
      ])
      const config = tenant.production.get(product.id) ?? tenant.sandbox.get(product.id)
      const look: Look = { tenant, product, config, setUp, metrics, mounted }
      const found = Object.values(productChecks).flatMap((check) => check(look, here))
      const asked = await Promise.all([
        endpoint(look, here, ask),
        issuer(look, here, ask),
        modelId(look, here, ask, deps.modelIds),
      ])
      return [...found, ...asked.flat()]
    } catch (error) {
      if (!isProblem(error)) throw error
      return [here('product_unread', sentenceOf(error))]
    }
  }

  async function examineRedis(): Promise<Finding[]> {
    if (!redis) return [find('redis_missing')]
    await redis.connected(1000)
    let reason = ''
    // a command is given 50 ms, which a busy moment of the machine can take
    for (let attempt = 0; attempt < 5; attempt++) {
      const [result] = await runChecks(checks.filter(({ name }) => name === 'redis'))
      if (!result || result.ok) return []
      reason = result.reason
      await sleep(100)
    }
    return [find('redis_unreachable', { what: `Redis: ${reason}.` })]
  }

  function clocks(ask: Asking, hosts: string[]): Finding[] {
    return [...new Set(hosts)].flatMap((host) => {
      const ahead = ask.aheadBy(host) ?? 0
      if (Math.abs(ahead) < SKEW_SECONDS) return []
      const seconds = Math.round(Math.abs(ahead))
      return [find('clock_skew', { what: `The clock of ${host} is ${seconds} s ${ahead > 0 ? 'ahead' : 'behind'}.` })]
    })
  }
}

/** Nothing of the tenant can be read. */
function unusable(find: Find, error: Error & { code?: string }): Finding {
  const code =
    error.code === 'threescale_scope'
      ? 'token_scope_account'
      : error.code === 'threescale_denied'
        ? 'token_refused'
        : 'threescale_unreachable'
  return find(code, { what: sentenceOf(error) })
}

/** The cause is the sentence for operators; it holds nothing of an answer but its status. */
function sentenceOf(error: Error): string {
  const said = error.cause instanceof Error ? error.cause.message : error.message
  return /[.!?]$/.test(said) ? said : `${said}.`
}
