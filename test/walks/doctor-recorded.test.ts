import t from 'tap'
import { buildPortal } from '../../src/app.js'
import { demoEnvironment } from '../../src/cli/demo-settings.js'
import { loadConfig } from '../../src/config.js'
import { startStack } from '../helper/stack.js'

/** The tenant that the recordings were made in, built anew in the stand-in by the calls that built it in 3scale. */
interface Play {
  buildTenant(must: (method: string, path: string, form?: Record<string, string>) => Promise<unknown>): Promise<unknown>
}

const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const threescale = `http://127.0.0.1:${stack.port + 1}`
await fetch(`${threescale}/_demo/reset?tenant=empty`, { method: 'POST' })
const { buildTenant } = (await import(new URL('../../../test/recorded/tenant.mjs', import.meta.url).href)) as Play
await buildTenant(async (method, path, form) => {
  const answer = await fetch(threescale + path, {
    method,
    headers: { authorization: `Basic ${btoa(':demo-token')}` },
    ...(form ? { body: new URLSearchParams(form) } : {}),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
})

const { PORTAL_CONFIG: _, ...environment } = demoEnvironment(stack.port, {})
const portal = await buildPortal(loadConfig({ ...environment, LOG_LEVEL: 'silent' }))
t.teardown(() => portal.stop())

const models = ['bge', 'draft', 'granite', 'llama', 'mistral']

/** Each is so: the addresses are nobody's, and every product keeps the rule `GET /` that 3scale gives it. */
const findings = {
  not_promoted: ['api', 'draft'],
  endpoint_unreachable: ['bge', 'granite', 'llama', 'mistral'],
  issuer_unreachable: ['llama'],
  rule_no_backend: ['mistral'],
  sign_up_defaults: [null],
  redis_missing: [null],
  credentials_query: ['bge', 'draft', 'granite', 'mistral'],
  rule_doubled: ['draft', 'granite', 'llama', 'mistral'],
  plan_default: ['api'],
  token_policy_missing: models,
  docs_missing: models,
  model_id_unknown: models,
}

t.test('what the doctor reports of the recorded tenant is so, and all of it', async (t) => {
  const report = await portal.doctor.examine(60_000)
  const found: Record<string, (string | null)[]> = {}
  for (const { code, product } of report.findings) found[code] = [...(found[code] ?? []), product]
  t.same(found, findings)
  t.match(report, { complete: true, products: 6 })
})
