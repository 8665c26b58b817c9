import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { build } from '../../../src/version.js'
import { cli, freeBlock, startStack } from '../../helper/stack.js'
import { codeOf, createVisitor } from '../../helper/visitor.js'

const clean = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
const command = (args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', env: { ...clean, ...env } })

t.test('every command supports --help, and the program --version', async (t) => {
  for (const name of ['serve', 'demo', 'doctor', 'names', 'key', 'openapi', 'version']) {
    const { status, stdout } = command([name, '--help'])
    t.equal(status, 0, name)
    t.match(stdout, `Usage: maas-portal ${name}`)
  }
  const { version, commit, built_at } = build
  t.equal(command(['--version']).stdout, `${version} (commit ${commit}, built ${built_at})\n`)
  t.equal(command(['version']).stdout, command(['--version']).stdout)
  t.same(JSON.parse(command(['version', '--json']).stdout), build)
  t.match(command(['--help']).stdout, 'Developer portal')
  const unknown = command(['nonsense'])
  t.not(unknown.status, 0)
  t.match(unknown.stderr, 'nonsense')
})

t.test('npx runs the program of a checkout offline, without install scripts', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  // npx links the checkout into its cache as a package, and npm 11 then refuses whichever of these the package has.
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

t.test('serve without settings exits with code 2, lists every problem and starts no demo component', async (t) => {
  const { status, stderr } = command(['serve'])
  t.equal(status, 2)
  for (const name of ['PUBLIC_URL', 'THREESCALE_ADMIN_URL', 'THREESCALE_ACCESS_TOKEN', 'OIDC_ISSUER', 'SESSION_SECRET'])
    t.match(stderr, new RegExp(`${name}: is missing; for example `), name)
  t.equal(command(['serve'], { PORT: 'http' }).status, 2)
})

/** The required settings of a portal; these addresses do not respond. */
const settings = {
  PUBLIC_URL: 'http://localhost:3000',
  THREESCALE_ADMIN_URL: 'http://localhost:9',
  THREESCALE_ACCESS_TOKEN: 'token',
  OIDC_ISSUER: 'http://localhost:9',
  OIDC_CLIENT_ID: 'maas-portal',
  OIDC_CLIENT_SECRET: 'secret',
  SESSION_SECRET: 'a-secret-of-at-least-thirty-two-bytes',
  USERNAME_SECRET: 'a-secret-of-at-least-thirty-two-bytes',
  HOST: '127.0.0.1',
}

t.test('an unavailable listen address is reported with its setting and exit code 2', async (t) => {
  const port = await freeBlock()
  const PORT = String(port)
  const METRICS_PORT = String(port + 1)
  for (const taken of [port, port + 1]) {
    const server = createServer().listen(taken, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
  }
  const rows: [string, Record<string, string>, RegExp[]][] = [
    ['one port in use', { PORT, METRICS_PORT: String(port + 2) }, [/PORT: port \d+ is in use by another program/]],
    ['both in use', { PORT, METRICS_PORT }, [/ PORT: port \d+ is in use/, /METRICS_PORT: port \d+ is in use/]],
    ['an address of another machine', { HOST: '192.0.2.1' }, [/HOST: this machine has no address 192\.0\.2\.1/]],
    [
      'a name that is not known',
      { HOST: 'no-such-host.invalid' },
      [/HOST: the name no-such-host\.invalid cannot be resolved/],
    ],
    ['the same port twice', { PORT, METRICS_PORT: PORT }, [/METRICS_PORT: is the same as PORT/]],
  ]
  for (const [name, env, sentences] of rows) {
    const own = { PORT: String(port + 3), METRICS_PORT: String(port + 4) }
    const { status, stderr } = command(['serve'], { ...settings, ...own, ...env })
    t.equal(status, 2, name)
    for (const sentence of sentences) t.match(stderr, sentence, name)
    t.notMatch(stderr, /^\s+at /m, `${name}: no stack trace`)
    t.equal(stderr.trim().split('\n').length, sentences.length + 1, `${name}: a heading, and one line for each`)
  }
})

t.test('a portal with suspicious settings starts, and its log describes them', async (t) => {
  const port = await freeBlock()
  const env = {
    ...clean,
    ...settings,
    PORT: String(port),
    METRICS_PORT: String(port + 1),
    REDIS_URI: 'redis://localhost',
  }
  const child = spawn(process.execPath, [cli, 'serve'], {
    env: { ...env, SMTP_URL_FILE: join(t.testdir(), 'smtp-url') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => {
    log += String(chunk)
  })
  while (!log.includes('maas-portal is listening for') && child.exitCode === null) await sleep(50)
  child.kill()
  await ended
  t.match(JSON.parse(log.split('\n')[0] ?? ''), { ...build, level: 'info', node: process.version }, 'the first line')
  t.match(log, /"level":"warn".*REDIS_URI: is not a setting; did you mean REDIS_URL\?/)
  t.match(log, /"level":"info".*smtp-url does not exist, so SMTP_URL is not set/)
})

t.test('a signal to npm only stops the portal within DRAIN plus its running requests', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const port = await freeBlock()
    const env = { ...process.env, ...settings, PORT: String(port), METRICS_PORT: String(port + 1), DRAIN: '1s' }
    // A separate process group, because a terminal would signal all of its processes.
    const npm = spawn('npm', ['start'], { cwd: projectRoot, env, stdio: 'ignore', detached: true })
    const ended = new Promise((resolve) => npm.once('exit', resolve))
    const answer = () => fetch(`http://127.0.0.1:${port + 1}/readyz`).catch(() => undefined)
    while (!(await answer()) && npm.exitCode === null) await sleep(100)
    npm.kill(signal)
    let states = ''
    for (let now = await answer(); now; now = await answer()) {
      states += now.status
      await sleep(50)
    }
    t.match(states, '503', `${signal}: it drains, so it was stopped and not killed`)
    await ended
    t.pass(`${signal}: npm exits too`)
  }
})

t.test('npm passes its arguments to the program, also with a shell that does not use exec', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
  for (const name of ['start', 'demo'])
    t.match(scripts[name], /^exec node [^&|;]+$/, 'one command, which receives them')
  const ran = spawnSync('npm', ['run', '--silent', 'demo', '--', '--only', 'nonsense'], {
    cwd: projectRoot,
    encoding: 'utf8',
  })
  t.match([ran.status, ran.stderr], [1, /Allowed choices are portal, threescale/])

  const folder = t.testdir({ scripts: {} })
  cpSync(join(projectRoot, 'scripts', 'exec-on-windows.mjs'), join(folder, 'scripts', 'exec-on-windows.mjs'))
  for (const [platform, expected] of [
    ['linux', undefined],
    ['win32', '@%*\r\n'],
  ] as const) {
    spawnSync(process.execPath, [join(folder, 'scripts', 'exec-on-windows.mjs'), platform])
    const file = join(folder, 'node_modules', '.bin', 'exec.cmd')
    t.equal(existsSync(file) ? readFileSync(file, 'utf8') : undefined, expected, platform)
  }
})

t.test('a component of the demo that cannot start is reported with the reason in one sentence', async (t) => {
  for (const PORT of ['abc', '0', '70000', '65530', '3000/tcp']) {
    const { status, stderr } = command(['demo'], { PORT })
    t.equal(status, 1, PORT)
    t.equal(stderr, `PORT is "${PORT}". Set it to a number from 1 to 65000. The demo also uses the ports after it.\n`)
  }
  const port = await freeBlock()
  const state = t.testdir({})
  const folder = command(['demo', '--only', 'threescale', '--state', state], { PORT: String(port) })
  t.equal(folder.status, 1)
  t.match(folder.stderr, new RegExp(`^The threescale part of the demo cannot use ${state} \\(EISDIR\\)\\.$`, 'm'))
  for (const [part, offset] of [
    ['threescale', 1],
    ['identity', 2],
    ['gateway', 4],
  ] as const) {
    const server = createServer().listen(port + offset, '127.0.0.1')
    await once(server, 'listening')
    const { status, stderr } = command(['demo', '--only', part], { PORT: String(port) })
    t.equal(status, 1, part)
    t.equal(stderr, `The ${part} part of the demo cannot use port ${port + offset} (EADDRINUSE).\n`)
    server.close()
  }
})

t.test('demo lists its components, its curl command works, and Ctrl-C stops all of them', async (t) => {
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

t.test('a signal to npm only stops every component of the demo', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const port = await freeBlock()
    const env = { ...process.env, PORT: String(port) }
    const npm = spawn('npm', ['run', 'demo'], { cwd: projectRoot, env, stdio: 'ignore', detached: true })
    const up = async (offset: number) =>
      (await fetch(`http://127.0.0.1:${port + offset}/`).catch(() => undefined)) !== undefined
    for (const offset of [0, 1, 2, 4]) while (!(await up(offset))) await sleep(100)
    npm.kill(signal)
    for (const offset of [0, 1, 2, 4]) while (await up(offset)) await sleep(100)
    t.pass(`${signal}: no port is open`)
  }
})

t.test('no component of the demo remains after npm or the demo itself is killed', async (t) => {
  for (const way of ['npm', 'demo'] as const) {
    const port = await freeBlock()
    const env = { ...clean, PORT: String(port), ...(way === 'npm' ? { npm_lifecycle_event: 'demo' } : {}) }
    const direct = `"${process.execPath}" "${cli}" demo`
    // The shell stands for npm: it exits without notifying its child processes.
    const child = spawn('bash', ['-c', way === 'npm' ? `${direct}; true` : `exec ${direct}`], { env, stdio: 'ignore' })
    const up = async (offset: number) =>
      (await fetch(`http://127.0.0.1:${port + offset}/`).catch(() => undefined)) !== undefined
    for (const offset of [0, 1, 2, 4]) while (!(await up(offset))) await sleep(100)
    child.kill('SIGKILL')
    for (const offset of [0, 1, 2, 4]) while (await up(offset)) await sleep(100)
    t.pass(`${way}: no port is open`)
  }
})

/** Opens a terminal, runs the command in it, closes the terminal, and prints the processes that remain after 20 seconds. */
const inTerminal = `
import os, pty, select, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
while b"Ctrl-C" not in said:
    select.select([terminal], [], [], 60)
    said += os.read(terminal, 4096)
with open(f"/proc/{pid}/task/{pid}/children") as children:
    left = {pid, *map(int, children.read().split())}
os.close(terminal)
late = time.monotonic() + 20
while left and time.monotonic() < late:
    time.sleep(0.2)
    os.waitpid(-1, os.WNOHANG) if pid in left else None
    left = {each for each in left if os.path.exists(f"/proc/{each}")}
print(sorted(left))
`

t.test('no process remains after its terminal is closed', async (t) => {
  const port = await freeBlock()
  const env = { ...clean, PORT: String(port) }
  const ran = spawnSync('python3', ['-c', inTerminal, process.execPath, cli, 'demo'], { encoding: 'utf8', env })
  t.match([ran.status, ran.stdout, ran.stderr], [0, '[]\n', ''])
})

t.test('health reports each check with a reason, and metrics have a separate port', async (t) => {
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
      ['identity provider', true],
    ],
  )
  t.same(
    good.body.breakers.map(({ upstream, state }) => [upstream, state]),
    [
      ['3scale', 'closed'],
      ['identity provider', 'closed'],
    ],
  )
  await stack.faults([{ match: '* /admin/api/*', status: 500 }])
  const bad = await ready()
  t.equal(bad.code, 200, 'the cached catalogue is served, so the portal stays ready')
  t.equal(bad.body.status, 'degraded')
  t.match(bad.body.checks.find(({ name }) => name === '3scale')?.reason, /\w+ \w+/, 'a sentence')
  for (let looks = 0; looks < 15; looks++) await ready()
  const open = await ready()
  t.equal(open.body.breakers[0]?.state, 'open', 'nearly every call failed')
  t.match(await (await fetch(`${portal.metrics}/metrics`)).text(), 'maas_breaker_open{upstream="3scale"} 1')
  await stack.faults([])
  while ((await ready()).body.status !== 'ready') await sleep(200)
  t.equal((await ready()).body.breakers[0]?.state, 'closed')
  t.same(await (await fetch(`${portal.metrics}/healthz`)).json(), { status: 'ok', ...build })
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

t.test('during shutdown, running requests complete and new ones are rejected', async (t) => {
  const stack = await startStack(['threescale', 'identity'])
  t.teardown(() => stack.close())
  const portal = await stack.portal()
  const mary = createVisitor(stack)
  await mary.signIn('mary')
  await stack.faults([{ match: 'GET /admin/api/accounts/*/applications.json', latency_ms: 1200 }])
  const slow = mary.raw('/applications')
  while (!(await stack.readFaults())[0]?.hits) await sleep(20)
  const stopped = portal.stop()
  t.equal((await slow).status, 200, 'the running request was answered')
  await stopped
  t.equal(portal.child.exitCode, 0)
  await t.rejects(fetch(portal.url))
})

t.test('the main workflow succeeds on the newest Node.js', async (t) => {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const newest = join(projectRoot, 'node_modules/.cache/newest-node/node_modules', name, 'bin/node')
  t.ok(existsSync(newest), 'npm test installs it')
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
