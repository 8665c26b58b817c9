import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { buildPortal } from '../../../src/app.js'
import { demoEnvironment } from '../../../src/cli/demo-settings.js'
import { loadConfig } from '../../../src/config/environment.js'
import { projectRoot } from '../../../src/project-root.js'
import { startStack } from '../../helper/stack.js'

/** The recorded tenant, recreated in the stand-in with the calls that created it in 3scale. */
interface Play {
  buildTenant(must: (method: string, path: string, form?: Record<string, string>) => Promise<unknown>): Promise<unknown>
}

const stack = await startStack(['threescale', 'identity'])
t.teardown(() => stack.close())
const threescale = `http://127.0.0.1:${stack.port + 1}`
await fetch(`${threescale}/_demo/reset?tenant=empty`, { method: 'POST' })
const { buildTenant } = (await import(pathToFileURL(join(projectRoot, 'test/recorded/tenant.mjs')).href)) as Play
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

/** All of these are correct: the addresses have no server, and every product has the rule `GET /` that 3scale creates. */
const findings = {
  not_promoted: ['api', 'draft'],
  endpoint_unreachable: ['bge', 'granite', 'llama', 'mistral'],
  issuer_unreachable: ['llama'],
  rule_no_backend: ['mistral'],
  sign_up_default_plans: [null],
  redis_missing: [null],
  credentials_query: ['bge', 'draft', 'granite', 'mistral'],
  rule_double_count: ['draft', 'granite', 'llama', 'mistral'],
  plan_default: ['api'],
  token_policy_missing: models,
  docs_missing: models,
  model_id_unknown: models,
}

t.test('the findings for the recorded tenant are correct and complete', async (t) => {
  const report = await portal.doctor.examine(60_000)
  const found: Record<string, (string | null)[]> = {}
  for (const { code, product } of report.findings) found[code] = [...(found[code] ?? []), product]
  t.same(found, findings)
  t.match(report, { complete: true, products: 6 })
})
