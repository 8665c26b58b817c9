import { setTimeout as sleep } from 'node:timers/promises'
import type { Inspection } from '../../clients/threescale/inspection/inspection.js'
import type { Http } from '../../infra/http/http.js'
import type { RedisConnection } from '../../infra/redis.js'
import { type HealthCheck, runHealthChecks } from '../../web/server/health.js'
import { checkUnlinkedDocuments } from './checks/product/documents.js'
import { createProductCheck, type ProductCheckDeps, runIsolated } from './checks/product/product-check.js'
import { checkSignIn, type SignInCheckDeps } from './checks/sign-in/sign-in.js'
import { checkAccessToken } from './checks/tenant/access-token.js'
import { checkBackendListeners } from './checks/tenant/backend-listeners.js'
import { checkWithinBudget } from './checks/tenant/call-budget.js'
import { readTenant } from './checks/tenant/read-tenant.js'
import { type ConfigExpectations, checkTenantSettings } from './checks/tenant/settings.js'
import { checkSignUpCost } from './checks/tenant/sign-up-cost.js'
import type { VerifyUsername } from './checks/tenant/usernames.js'
import { checkWebhooks, type WebhookExpectations } from './checks/tenant/webhooks.js'
import { createFindingFactory, type Finding, isComplete, type Report, sortFindings } from './findings/findings.js'
import { createInspectionReader } from './inspection-reader.js'
import { runMessages } from './messages.js'
import { createProbeClient, type ProbeClient } from './probe-client.js'
import type { CreateProductFinding, Tenant } from './product-context.js'

export interface DoctorDeps extends Pick<ProductCheckDeps, 'modelIds' | 'gatewayKeys' | 'typeOf' | 'readDocument'> {
  /** For 3scale and the identity provider. */
  http: Pick<Http, 'send'>
  /** For addresses that products name. */
  guarded: Pick<Http, 'send'>
  inspect(http: Pick<Http, 'send'>): Inspection
  adminUrl: string
  redis: RedisConnection | undefined
  /** Whether TRUST_PROXY trusts any X-Forwarded-For. */
  trustsAnyProxy?: boolean
  /** The checks of /readyz. */
  checks: HealthCheck[]
  expected: ConfigExpectations
  webhooks: WebhookExpectations

  verifyUsername: VerifyUsername
  signIn: SignInCheckDeps
  now: () => number
}

export type Doctor = ReturnType<typeof createDoctor>

const SKEW_SECONDS = 30

/** Checks a tenant and its surrounding services. It only reads, with at most four calls at a time (docs/doctor.md lists them). */
export function createDoctor(deps: DoctorDeps) {
  const { adminUrl, redis, trustsAnyProxy, checks, expected, verifyUsername, now } = deps
  const finding = createFindingFactory(adminUrl)
  const ofTenant: CreateProductFinding = (code, what) => finding(code, what ? { what } : {})

  return {
    /** Never rejects: failures are findings. Checks that do not run within `untilMs` leave the report incomplete. */
    async examine(untilMs: number): Promise<Report> {
      const probe = createProbeClient(deps, now)
      const [threescale, identity, redisFindings] = await Promise.all([
        examineTenant(probe, now() + untilMs),
        runIsolated('identity provider', ofTenant, () => checkSignIn(finding, probe, deps.signIn, now())),
        runIsolated('Redis', ofTenant, examineRedis),
      ])
      const hosts = [adminUrl, deps.signIn.issuer].map((address) => new URL(address).host)
      const findings = sortFindings([
        ...threescale.findings,
        ...identity,
        ...redisFindings,
        ...settings(),
        ...clocks(probe, hosts),
      ])
      return {
        at: new Date(now()).toISOString(),
        complete: isComplete(findings),
        products: threescale.products,
        calls: probe.callCount(),
        findings,
      }
    },
  }

  async function examineTenant(probe: ProbeClient, end: number): Promise<{ findings: Finding[]; products: number }> {
    const inspection = deps.inspect(probe.countedHttp)
    const reader = createInspectionReader(probe)
    const tenant = await readTenant(inspection, reader)
    if (!reader.wasAnswered()) return { findings: reader.findings(finding), products: 0 }
    const isTimeUp = () => now() > end
    const ofAll = {
      'access token': async () => checkAccessToken(finding, tenant, now()),
      'tenant settings': async () => checkTenantSettings(finding, tenant, expected),
      'sign-up': async () => checkSignUpCost(finding, tenant),
      'API documents': async () => checkUnlinkedDocuments(tenant, finding),
      webhooks: () => checkWebhooks(finding, tenant, deps.webhooks, now()),
      backend: () => checkBackendListeners(finding, tenant, probe),
      'accounts and applications': () =>
        checkWithinBudget(finding, { inspection, reader, tenant, verifyUsername, isTimeUp }),
    }
    const found = await Promise.all([
      ...Object.entries(ofAll).map(([name, check]) => runIsolated(name, ofTenant, check)),
      examineProducts(tenant, createProductCheck({ ...deps, inspection, reader, probe, finding, tenant }), isTimeUp),
    ])
    return { findings: [...found.flat(), ...reader.findings(finding)], products: tenant.products.length }
  }

  async function examineProducts(
    { products }: Tenant,
    check: ReturnType<typeof createProductCheck>,
    isTimeUp: () => boolean,
  ): Promise<Finding[]> {
    const findings: Finding[] = []
    const left = [...products]
    const next = () => (isTimeUp() ? undefined : left.shift())
    const workOff = async () => {
      for (let product = next(); product; product = next()) findings.push(...(await check(product)))
    }
    await Promise.all(Array.from({ length: 4 }, workOff))
    if (left.length > 0) {
      const done = products.length - left.length
      findings.push(finding('run_timed_out', { what: runMessages.productsInTime(done, products.length) }))
    }
    return findings
  }

  function settings(): Finding[] {
    return trustsAnyProxy ? [finding('trust_proxy_any')] : []
  }

  async function examineRedis(): Promise<Finding[]> {
    if (!redis) return [finding('redis_missing')]
    await redis.connected(1000)
    let reason = ''
    // The check has a limit of 50 ms, which a busy machine can exceed.
    for (let attempt = 0; attempt < 5; attempt++) {
      const [result] = await runHealthChecks(checks.filter(({ name }) => name === 'redis'))
      if (!result || result.ok) return []
      reason = result.reason
      await sleep(100)
    }
    return [finding('redis_unreachable', { what: runMessages.redis(reason) })]
  }

  function clocks(probe: ProbeClient, hosts: string[]): Finding[] {
    return [...new Set(hosts)].flatMap((host) => {
      const ahead = probe.clockOffset(host) ?? 0
      if (Math.abs(ahead) < SKEW_SECONDS) return []

      return [finding('clock_skew', { what: runMessages.clock(host, Math.round(ahead)) })]
    })
  }
}
