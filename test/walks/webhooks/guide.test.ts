import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DEMO_WEBHOOK_SECRET } from '../../../src/cli/demo-settings.js'
import { projectRoot } from '../../../src/project-root.js'
import { until } from '../../helper/faults.js'
import { startRedis, startStack } from '../../helper/stack.js'

/** The commands of docs/webhooks.md, as they are pasted. */
const redis = await startRedis()
const stack = await startStack(['threescale', 'identity'])
const portal = await stack.portal({ REDIS_URL: redis.url })
t.teardown(async () => {
  await stack.close()
  await redis.stop()
})
await stack.behave({ webhook_retry_ms: 50 })

const guide = readFileSync(join(projectRoot, 'docs/webhooks.md'), 'utf8')
const commands = [...guide.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', text = '']) =>
  text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
)
const command = (part: string) => {
  const found = commands.filter((text) => text.includes(part))
  if (found.length !== 1) throw new Error(`${found.length} commands contain ${part}`)
  return String(found[0])
}
const [secretCommand] = commands

function run(text: string, secret = DEMO_WEBHOOK_SECRET): Promise<{ code: number | null; out: string }> {
  const child = spawn('bash', ['-ec', text], {
    env: {
      PATH: process.env.PATH,
      PUBLIC_URL: stack.url,
      THREESCALE_ADMIN_URL: stack.threescale,
      THREESCALE_ACCESS_TOKEN: 'demo-token',
      WEBHOOK_SECRET: secret,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += String(chunk)))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })))
}

const sent = async () =>
  (await (await fetch(`${stack.threescale}/_demo/webhooks`)).json()) as Record<
    'delivered' | 'failed' | 'pending',
    number
  >
const metrics = async () => (await fetch(`${portal.metrics}/metrics`)).text()
/** A change that 3scale reports. */
async function change(name: string): Promise<void> {
  const answer = await fetch(`${stack.threescale}/admin/api/accounts/501.json`, {
    method: 'PUT',
    body: new URLSearchParams({ access_token: 'demo-token', org_name: name }),
  })
  if (!answer.ok) throw new Error(`${answer.status}`)
  await until('all events are delivered or failed', async () => (await sent()).pending === 0)
}

t.test('the command for a secret creates one that the settings accept', async (t) => {
  const { code, out } = await run(String(secretCommand))
  t.equal(code, 0)
  t.match(out, /^[\w-]{32,100}\n$/)
})

t.test('the command for the address sets it up, and events are delivered', async (t) => {
  const { code, out } = await run(command('"provider_actions": true'))
  t.equal(code, 0, out)
  const { webhook } = JSON.parse(out) as { webhook: Record<string, unknown> }
  t.equal(webhook.url, `http://3scale:${DEMO_WEBHOOK_SECRET}@localhost:${stack.port}/webhooks/3scale`)
  t.same(
    Object.entries(webhook).filter(([name, value]) => name !== 'url' && value !== true),
    [],
    'every event of 3scale is on',
  )
  await change('Renamed once')
  t.same(await sent(), { delivered: 1, failed: 0, pending: 0 })
  t.match(await metrics(), /maas_webhook_events_total\{type="account",outcome="accepted"\} 1/)
})

t.test('the command to check the secret prints 204, and 401 for another one', async (t) => {
  t.equal((await run(command('%{http_code}'))).out, '204\n')
  t.equal((await run(command('%{http_code}'), 'another-secret-of-the-right-length')).out, '401\n')
})

t.test('the command of a pipeline makes the portal read the catalogue', async (t) => {
  await stack.resetCalls()
  const { code, out } = await run(command('product_id=1'))
  t.equal(code, 0, out)
  await until('the catalogue was read', async () =>
    Object.keys(await stack.calls()).some((call) => call.includes('services')),
  )
})

t.test('the commands for failed deliveries list them without secrets, and delete them', async (t) => {
  t.equal((await run(command('"provider_actions": true'), 'another-secret-of-the-right-length')).code, 0)
  await change('Renamed twice')
  t.equal((await sent()).failed, 1)
  const list = await run(command('jq -r'))
  t.equal(list.code, 0, list.out)
  t.match(list.out, /^\d{4}-\d\d-\d\dT\S+Z 401 Unauthorized\n$/)
  t.match(await metrics(), /maas_webhook_events_total\{type="none",outcome="unauthorized"\} [6-9]/, 'sent six times')
  t.equal((await run(command('-X DELETE'))).code, 0)
  t.equal((await run(command('jq -r'))).out, '')
})
