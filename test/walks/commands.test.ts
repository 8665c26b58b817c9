import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../src/root.js'
import { cli, freeBlock, startStack } from '../helper/stack.js'
import { codeOf, createVisitor } from '../helper/visitor.js'

const clean = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
const command = (args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', env: { ...clean, ...env } })

t.test('every command answers --help, and the program --version', async (t) => {
  for (const name of ['serve', 'demo', 'doctor', 'names', 'openapi']) {
    const { status, stdout } = command([name, '--help'])
    t.equal(status, 0, name)
    t.match(stdout, `Usage: maas-portal ${name}`)
  }
  t.match(command(['--version']).stdout, /^\d+\.\d+\.\d+/)
  t.match(command(['--help']).stdout, 'Developer portal')
  const unknown = command(['nonsense'])
  t.not(unknown.status, 0)
  t.match(unknown.stderr, 'nonsense')
})

t.test('npx runs the program of a checkout, offline, and no script at install', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  // npx links the checkout into its cache as a package, and npm 11 then refuses whichever of these the package has
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) t.notOk(scripts[name], name)
  t.equal(scripts.dependencies, 'npm run build', 'npm ci builds')
  const { status, stdout, stderr } = spawnSync('npx', ['maas-portal', '--version'], {
    cwd: projectRoot,
    encoding: 'utf8',
    env: { ...clean, npm_config_cache: t.testdir(), npm_config_offline: 'true' },
  })
  t.equal(status, 0, stderr)
  t.equal(stdout, command(['--version']).stdout)
})

t.test('serve without settings stops at once with every problem and code 2, and starts no demo part', async (t) => {
  const { status, stderr } = command(['serve'])
  t.equal(status, 2)
  for (const name of ['PUBLIC_URL', 'THREESCALE_ADMIN_URL', 'THREESCALE_ACCESS_TOKEN', 'OIDC_ISSUER', 'SESSION_SECRET'])
    t.match(stderr, new RegExp(`${name}: is missing; for example `), name)
  t.equal(command(['serve'], { PORT: 'http' }).status, 2)
})

t.test('demo prints what it started, its curl line works, and Ctrl-C ends every part', async (t) => {
  const port = await freeBlock()
  const child = spawn(process.execPath, [cli, 'demo'], {
    env: { ...clean, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  while (!said.includes('Ctrl-C') && child.exitCode === null) await sleep(50)
  for (const words of [`http://localhost:${port}`, 'demo-token', 'ada', 'linus', 'grace', 'admin', 'curl '])
    t.match(said, words)
  const line = /^.*\b(curl .*)$/m.exec(said)?.[1] ?? 'false'
  const ran = spawnSync('bash', ['-c', line], { encoding: 'utf8' })
  t.equal(ran.status, 0, line)
  t.equal(JSON.parse(ran.stdout).items.length > 10, true, 'the models are listed')
  child.kill('SIGINT')
  t.equal(await ended, 0)
  for (const offset of [0, 1, 2, 3, 4, 10])
    await t.rejects(fetch(`http://127.0.0.1:${port + offset}/`), `nothing listens on PORT+${offset} any more`)
})

t.test('npm killed alone, or the demo itself: no part is left behind', async (t) => {
  for (const way of ['npm', 'demo'] as const) {
    const port = await freeBlock()
    const env = { ...clean, PORT: String(port), ...(way === 'npm' ? { npm_lifecycle_event: 'demo' } : {}) }
    const direct = `"${process.execPath}" "${cli}" demo`
    // the shell stands for npm: it dies and tells nobody
    const child = spawn('bash', ['-c', way === 'npm' ? `${direct}; true` : `exec ${direct}`], { env, stdio: 'ignore' })
    const up = async (offset: number) =>
      (await fetch(`http://127.0.0.1:${port + offset}/`).catch(() => undefined)) !== undefined
    for (const offset of [0, 1, 2, 4]) while (!(await up(offset))) await sleep(100)
    child.kill('SIGKILL')
    for (const offset of [0, 1, 2, 4]) while (await up(offset)) await sleep(100)
    t.pass(`${way}: nothing listens any more`)
  }
})

t.test('health tells each check with a reason, metrics are on their own port', async (t) => {
  const stack = await startStack(['threescale', 'identity'])
  t.teardown(() => stack.close())
  const portal = await stack.portal()
  const ready = async () => {
    const answer = await fetch(`${portal.metrics}/readyz`)
    return { code: answer.status, body: (await answer.json()) as Readiness }
  }
  const good = await ready()
  t.equal(good.code, 200)
  t.equal(good.body.status, 'ready')
  t.same(
    good.body.checks.map(({ name, ok }) => [name, ok]),
    [
      ['3scale', true],
      ['sign-in service', true],
    ],
  )
  t.same(
    good.body.breakers.map(({ upstream, state }) => [upstream, state]),
    [
      ['3scale', 'closed'],
      ['sign-in service', 'closed'],
    ],
  )
  await stack.faults([{ match: '* /admin/api/*', status: 500 }])
  const bad = await ready()
  t.equal(bad.code, 200, 'the last catalogue is still served, so it stays in rotation')
  t.equal(bad.body.status, 'degraded')
  t.match(bad.body.checks.find(({ name }) => name === '3scale')?.reason, /\w+ \w+/, 'a sentence')
  for (let looks = 0; looks < 15; looks++) await ready()
  const open = await ready()
  t.equal(open.body.breakers[0]?.state, 'open', 'nearly every call failed')
  t.match(await (await fetch(`${portal.metrics}/metrics`)).text(), 'maas_breaker_open{upstream="3scale"} 1')
  await stack.faults([])
  while ((await ready()).body.status !== 'ready') await sleep(200)
  t.equal((await ready()).body.breakers[0]?.state, 'closed')
  t.equal((await fetch(`${portal.metrics}/healthz`)).status, 200)
  const metrics = await (await fetch(`${portal.metrics}/metrics`)).text()
  for (const name of [
    'maas_http_request_seconds',
    'maas_upstream_call_seconds',
    'maas_check_ok',
    'maas_breaker_events_total{upstream="3scale",event="opened"} 1',
    'nodejs_eventloop_lag',
  ])
    t.match(metrics, name)
  t.notMatch(metrics, 'demo-token')
  for (const path of ['/metrics', '/healthz', '/readyz'])
    t.equal((await fetch(portal.url + path)).status, 404, `${path} is not on the users' port`)
})

t.test('a stop lets running requests end and takes no new ones', async (t) => {
  const stack = await startStack(['threescale', 'identity'])
  t.teardown(() => stack.close())
  const portal = await stack.portal()
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  await stack.faults([{ match: 'GET /admin/api/accounts/*/applications.json', latency_ms: 1200 }])
  const slow = mary.raw('/applications')
  while (!(await stack.readFaults())[0]?.hits) await sleep(20)
  const stopped = portal.stop()
  t.equal((await slow).status, 200, 'the running request got its answer')
  await stopped
  t.equal(portal.child.exitCode, 0)
  await t.rejects(fetch(portal.url))
})

t.test('the main journey on the newest Node', async (t) => {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const newest = join(projectRoot, 'node_modules/.cache/newest-node/node_modules', name, 'bin/node')
  t.ok(existsSync(newest), 'npm test brings it')
  t.match(spawnSync(newest, ['--version'], { encoding: 'utf8' }).stdout, /^v24\./)
  const stack = await startStack(['threescale', 'identity', 'gateway'], newest)
  t.teardown(() => stack.close())
  await stack.portal()
  const ada = createVisitor(stack)
  const form = await ada.signIn('ada', '/applications/new?model=granite-chat')
  const page = await ada.submit(form, /^\/applications$/)
  t.equal(page.status, 200)
  const code = codeOf((await ada.submit(page, /\/reveal$/)).text, 'curl')
  await stack.settled()
  const run = spawnSync('env', ['-i', `PATH=${process.env.PATH}`, 'bash', '-c', code], { encoding: 'utf8' })
  t.equal(run.status, 0, run.stderr)
  t.match(run.stdout, 'chat.completion')
})

interface Readiness {
  status: string
  checks: { name: string; ok: boolean; reason: string }[]
  breakers: { upstream: string; state: string }[]
}
