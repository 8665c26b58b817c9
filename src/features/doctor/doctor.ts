import { setTimeout as sleep } from 'node:timers/promises'
import type { Http } from '../../clients/http.js'
import type { RedisConnection } from '../../clients/redis.js'
import type { Inspection } from '../../clients/threescale/inspection/inspection.js'
import { type Check, runChecks } from '../../web/health.js'
import { type Asking, createAsking } from './asking.js'
import { strayDocs } from './checks/docs.js'
import { createFind, type Finding, isComplete, type Report, sorted } from './findings.js'
import type { FindHere, Tenant } from './look.js'
import { createProductCheck, isolated, type ProductDeps } from './product.js'
import { createReader } from './reading.js'
import { type SignInDeps, signIn } from './sign-in/sign-in.js'
import { checkWithinBudget } from './tenant/budget.js'
import { listeners } from './tenant/listeners.js'
import type { MadeBy } from './tenant/names.js'
import { readTenant } from './tenant/reading.js'
import { type Expected, tenantSettings } from './tenant/settings.js'
import { signUpCost } from './tenant/sign-up-cost.js'
import { token } from './tenant/token.js'

export interface DoctorDeps extends Pick<ProductDeps, 'modelIds' | 'gatewayKeys' | 'typeOf' | 'readDocument'> {
  /** to 3scale and the sign-in service */
  http: Pick<Http, 'send'>
  /** to addresses that products name */
  guarded: Pick<Http, 'send'>
  inspect(http: Pick<Http, 'send'>): Inspection
  adminUrl: string
  redis: RedisConnection | undefined
  /** whether TRUST_PROXY believes any X-Forwarded-For */
  trustsAnyProxy?: boolean
  /** the connections that /readyz checks too */
  checks: Check[]
  expected: Expected
  /** of names of users */
  madeBy: MadeBy
  signIn: SignInDeps
  now: () => number
}

export type Doctor = ReturnType<typeof createDoctor>

const SKEW_SECONDS = 30

/** Checks a tenant and what is around it. It only reads, never more than four calls at a time; docs/doctor.md counts them. */
export function createDoctor(deps: DoctorDeps) {
  const { adminUrl, redis, trustsAnyProxy, checks, expected, madeBy, now } = deps
  const find = createFind(adminUrl)
  const ofTenant: FindHere = (code, what) => find(code, what ? { what } : {})

  return {
    /**
     * Never rejects: what fails, in 3scale or in a check, is a finding of its own. What `untilMs` cuts off makes the report
     * incomplete.
     */
    async examine(untilMs: number): Promise<Report> {
      const ask = createAsking(deps, now)
      const [threescale, identity, memory] = await Promise.all([
        examineTenant(ask, now() + untilMs),
        isolated('sign-in service', ofTenant, () => signIn(find, ask, deps.signIn, now())),
        isolated('Redis', ofTenant, examineRedis),
      ])
      const hosts = [adminUrl, deps.signIn.issuer].map((address) => new URL(address).host)
      const findings = sorted([...threescale.findings, ...identity, ...memory, ...settings(), ...clocks(ask, hosts)])
      return {
        at: new Date(now()).toISOString(),
        complete: isComplete(findings),
        products: threescale.products,
        calls: ask.count(),
        findings,
      }
    },
  }

  async function examineTenant(ask: Asking, end: number): Promise<{ findings: Finding[]; products: number }> {
    const inspection = deps.inspect(ask.counted)
    const reader = createReader(ask)
    const tenant = await readTenant(inspection, reader)
    if (!reader.wasAnswered()) return { findings: reader.findings(find), products: 0 }
    const isTimeUp = () => now() > end
    const ofAll = {
      'access token': async () => token(find, tenant, now()),
      'tenant settings': async () => tenantSettings(find, tenant, expected),
      'sign-up': async () => signUpCost(find, tenant),
      'API documents': async () => strayDocs(tenant, find),
      'back-end': () => listeners(find, tenant, ask),
      'accounts and applications': () => checkWithinBudget(find, { inspection, reader, tenant, madeBy, isTimeUp }),
    }
    const found = await Promise.all([
      ...Object.entries(ofAll).map(([name, check]) => isolated(name, ofTenant, check)),
      examineProducts(tenant, createProductCheck({ ...deps, inspection, reader, ask, find, tenant }), isTimeUp),
    ])
    return { findings: [...found.flat(), ...reader.findings(find)], products: tenant.products.length }
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
      findings.push(find('run_cut_off', { what: `${done} of ${products.length} products were checked in time.` }))
    }
    return findings
  }

  function settings(): Finding[] {
    return trustsAnyProxy ? [find('proxy_any')] : []
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
