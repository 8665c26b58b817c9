import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Node, parse } from 'acorn'
import { type Copy, DockerfileParser, type From, type JSONInstruction } from 'dockerfile-ast'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { version } from '../../src/version.js'
import { freeBlock, startStack } from '../helper/stack.js'

// The user that OpenShift assigns to a pod: a high number that is not in /etc/passwd, in group 0.
const UID = 1_000_690_000
const containerfile = readFileSync(join(projectRoot, 'deploy', 'Containerfile'), 'utf8')
const ignored = readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split('\n').filter(Boolean)

t.setTimeout(900_000)
const root = mkdtempSync(join(tmpdir(), 'maas-image-'))
const stack = await startStack(['threescale', 'identity'])
t.teardown(async () => {
  await stack.close()
  spawnSync('chmod', ['-R', 'u+w', root])
  rmSync(root, { recursive: true, force: true })
})

interface Image {
  /** Its file system; paths of the Containerfile are below it. */
  root: string
  workdir: string
  env: Record<string, string>
  args: Record<string, string>
  user: string
  command: string[]
}

/** Runs the steps of the Containerfile without containers: each stage is a folder, the base images are this machine. */
function build(): Image {
  const stages = new Map<string, Image>()
  let image: Image = { root: '', workdir: '/', env: {}, args: {}, user: '', command: [] }
  for (const instruction of DockerfileParser.parse(containerfile).getInstructions()) {
    const words = instruction.getArguments().map((argument) => argument.getValue())
    switch (instruction.getKeyword()) {
      case 'ARG': {
        const [name = '', ...value] = (words[0] ?? '').split('=')
        // The sources that this machine installs from, as with --build-arg.
        const input = name === 'NPM_REGISTRY' ? run('npm config get registry', image).stdout.trim() : value.join('=')
        image.args[name] = input
        break
      }
      case 'LABEL':
      case 'EXPOSE':
        break
      case 'FROM': {
        const name = (instruction as From).getBuildStage() ?? 'final'
        image = { root: join(root, name), workdir: '/', env: {}, args: {}, user: '', command: [] }
        mkdirSync(image.root)
        stages.set(name, image)
        break
      }
      case 'WORKDIR':
        image.workdir = resolve(image.workdir, words[0] ?? '')
        mkdirSync(join(image.root, image.workdir), { recursive: true })
        break
      case 'ENV':
        for (const word of words) {
          const [name = '', value = ''] = word.split('=')
          image.env[name] = value.replace(/\$\{(\w+)\}/g, (_, arg: string) => image.args[arg] ?? '')
        }
        break
      case 'USER':
        image.user = words[0] ?? ''
        break
      case 'COPY': {
        const from = (instruction as Copy)
          .getFlags()
          .find((flag) => flag.getName() === 'from')
          ?.getValue()
        copy(words, from ? stages.get(from)?.root : undefined, image)
        break
      }
      case 'RUN':
        run(words.join(' '), image)
        break
      case 'CMD':
        image.command = (instruction as JSONInstruction).getJSONStrings().map((word) => word.getJSONValue())
        break
      default:
        throw new Error(`${instruction.getKeyword()} is new in the Containerfile`)
    }
  }
  return image
}

function copy(words: string[], stage: string | undefined, image: Image): void {
  const sources = words.slice(0, -1)
  const target = join(image.root, resolve(image.workdir, words.at(-1) ?? ''))
  for (const source of sources) {
    const from = join(stage ?? projectRoot, source)
    const to = words.at(-1)?.endsWith('/') ? join(target, source) : target
    mkdirSync(dirname(to), { recursive: true })
    const required = (path: string) => stage !== undefined || !ignored.includes(relative(projectRoot, path))
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter: required })
  }
}

/** The test runner passes its loaders to every process in NODE_OPTIONS; an image has none. */
const bare = ['-u', 'NODE_OPTIONS']

function run(command: string, image: Image): SpawnSyncReturns<string> {
  const { PATH = '', HOME = '' } = process.env
  const ran = spawnSync('env', [...bare, 'sh', '-c', command], {
    cwd: join(image.root, image.workdir),
    encoding: 'utf8',
    env: { PATH, HOME, npm_config_prefer_offline: 'true', ...image.args, ...image.env },
  })
  if (ran.status !== 0) throw new Error(`${command}\n${ran.stdout}\n${ran.stderr}`)
  return ran
}

const image = build()

/** The packages that a program imports, at startup or later. */
function importsOf(node: Node): string[] {
  const found: string[] = []
  const { type, source } = node as Node & { source?: { value?: unknown } }
  if (/^(Import|Export)/.test(type) && typeof source?.value === 'string') found.push(source.value)
  const { callee, arguments: input } = node as Node & { callee?: { name?: string }; arguments?: { value?: unknown }[] }
  // In the format in which rolldown writes require.
  if (callee?.name === '__require' && typeof input?.[0]?.value === 'string') found.push(input[0].value)
  for (const value of Object.values(node))
    for (const inner of Array.isArray(value) ? value : [value])
      if (typeof inner === 'object' && inner !== null && 'type' in inner) found.push(...importsOf(inner as Node))
  return found
}
const app = join(image.root, image.workdir)

t.test('the image contains what the portal requires at run time and nothing else', async (t) => {
  t.same(readdirSync(app).sort(), [
    ...['LICENSE', 'deploy', 'dist', 'licences.txt', 'node_modules', 'package.json', 'sbom.cdx.json'],
    ...['static', 'views'],
  ])
  t.same(readdirSync(join(app, 'dist')), ['bin'], 'no tests')
  t.ok(existsSync(join(app, 'static', 'css', 'app.css')), 'the style sheet was built in the image')
  for (const name of ['typescript', 'tap', 'playwright-core', '@biomejs/biome', 'openai'])
    t.notOk(existsSync(join(app, 'node_modules', name)), `${name} is for development`)
  for (const name of ['@patternfly', 'highlight.js', 'fastify', 'uplot'])
    t.notOk(existsSync(join(app, 'node_modules', name)), `${name} is in the bundle, or in static`)
  t.match(image.user, /^[1-9]\d*$/, 'a number, so that runAsNonRoot can be checked')
  const writable = spawnSync('find', [app, '-perm', '/022', '!', '-type', 'l'], { encoding: 'utf8' })
  t.equal(writable.stdout, '', 'nothing that the group or others can write')
})

t.test('every import that is not in the bundle is in the image, with all its dependencies', async (t) => {
  const bin = join(app, 'dist', 'bin')
  const names = readdirSync(bin)
    .filter((name) => name.endsWith('.js'))
    .flatMap((name) =>
      importsOf(parse(readFileSync(join(bin, name), 'utf8'), { ecmaVersion: 'latest', sourceType: 'module' })),
    )
    .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !isBuiltin(name))
  for (const name of ['pino', 'pino-pretty', 'oidc-provider', '@opentelemetry/sdk-trace-node'])
    t.ok(names.includes(name), name)
  const require = createRequire(join(bin, 'maas-portal.js'))
  for (const name of new Set(names)) t.ok(require.resolve(name).startsWith(image.root), name)
  const modules = join(app, 'node_modules')
  const folders = readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('package.json'))
    .map((path) => dirname(join(modules, path)))
    .filter((path) => /node_modules\/(@[^/]+\/)?[^/]+$/.test(path))
  t.ok(folders.length > 50)
  for (const folder of folders) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: object
    }
    for (const name of Object.keys(dependencies).filter((each) => !each.startsWith('@types/'))) {
      const places = createRequire(join(folder, 'package.json')).resolve.paths(name) ?? []
      const there = places.some((place) => place.startsWith(image.root) && existsSync(join(place, name)))
      t.ok(there, `${relative(modules, folder)}: ${name}`)
    }
  }
})

t.test('each command that the image is started with finds its modules, including the demo', async (t) => {
  const run = (...args: string[]) =>
    spawnSync('env', [...bare, process.execPath, 'dist/bin/maas-portal.js', ...args], { cwd: app, encoding: 'utf8' })
  t.match(run('--version'), { status: 0, stdout: version })
  const help = run('--help')
  t.equal(help.status, 0, help.stderr)
  const child = spawn('env', [...bare, process.execPath, 'dist/bin/maas-portal.js', 'demo'], {
    cwd: app,
    env: { PATH: process.env.PATH, PORT: String(await freeBlock()) },
  })
  t.teardown(() => child.kill('SIGTERM'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  for (let attempt = 0; attempt < 300 && child.exitCode === null && !/http:\/\/localhost:\d+/.test(output); attempt++)
    await sleep(100)
  const [url = ''] = /http:\/\/localhost:\d+/.exec(output) ?? []
  t.equal((await fetch(`${url}/models`)).status, 200, output)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
  t.notMatch(output, /ERR_MODULE_NOT_FOUND/)
})

t.test('labels state version, commit and date, which the build receives as arguments', async (t) => {
  const text = containerfile.split(/^FROM /m).slice(1)
  for (const [label, name] of [
    ['version', 'VERSION'],
    ['revision', 'COMMIT'],
    ['created', 'BUILD_DATE'],
  ] as const) {
    t.match(text.at(-1), `org.opencontainers.image.${label}="\${${name}}"`)
    // An argument applies to one stage.
    for (const stage of text) t.match(stage, new RegExp(`^ARG ${name}\\b`, 'm'), name)
  }
})

t.test('packages are installed from a registry that is an argument', async (t) => {
  const [builder = ''] = containerfile.split(/^FROM /m).slice(1)
  const [setting, install] = [
    builder.search(/^ENV npm_config_registry=\$\{NPM_REGISTRY\}$/m),
    builder.indexOf('npm ci'),
  ]
  t.ok(setting > 0 && setting < install)
  t.match(builder, /^ARG NPM_REGISTRY=https:\/\/registry\.npmjs\.org\/$/m)
})

t.test('the image runs as a user without a name, in group 0, without HOME, from a read-only tree', async (t) => {
  spawnSync('chmod', ['-R', 'a-w', image.root])
  chmodSync(root, 0o755)
  const secrets = join(root, 'secrets')
  mkdirSync(secrets)
  for (const [name, value] of Object.entries({
    token: 'demo-token',
    client: 'demo-portal-secret',
    session: 'a-session-secret-of-at-least-32-bytes',
  }))
    writeFileSync(join(secrets, name), value)
  const newest = join(
    projectRoot,
    'node_modules',
    '.cache',
    'newest-node',
    'node_modules',
    `node-${process.platform}-${process.arch}`,
  )
  const [command = '', ...args] = image.command
  t.equal(command, 'node')
  const node = existsSync(join(newest, 'bin', 'node')) ? join(newest, 'bin', 'node') : process.execPath
  const outside = process.getuid?.() === 0
  const env = {
    ...image.env,
    HOST: '127.0.0.1',
    PORT: String(stack.port),
    METRICS_PORT: String(stack.port + 3),
    PUBLIC_URL: stack.url,
    THREESCALE_ADMIN_URL: `http://localhost:${stack.port + 1}`,
    THREESCALE_ACCESS_TOKEN_FILE: join(secrets, 'token'),
    OIDC_ISSUER: stack.identity,
    OIDC_CLIENT_ID: 'maas-portal',
    OIDC_CLIENT_SECRET_FILE: join(secrets, 'client'),
    SESSION_SECRET_FILE: join(secrets, 'session'),
    CATALOG_ACCESS: 'public',
  }
  const place = within(node)
  const nameless = ['setpriv', `--reuid=${UID}`, '--regid=0', '--clear-groups', '--no-new-privs']
  const child = spawn('env', [...bare, ...(outside ? nameless : []), place, ...args], { cwd: app, env })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  t.teardown(() => child.kill('SIGKILL'))
  const ops = `http://127.0.0.1:${stack.port + 3}`
  for (let attempt = 0; attempt < 300 && child.exitCode === null; attempt++) {
    if ((await fetch(`${ops}/healthz`).catch(() => undefined))?.ok) break
    await sleep(100)
  }
  t.equal(child.exitCode, null, output)
  if (outside) t.equal(statSync(`/proc/${child.pid}`).uid, UID)
  t.equal((await fetch(`${ops}/readyz`)).status, 200)
  const page = await fetch(`${stack.url}/models`)
  t.equal(page.status, 200, output)
  const html = await page.text()
  t.match(html, 'granite-chat')
  const css = /href="(\/static\/[^"]+\.css)"/.exec(html)?.[1]
  t.equal((await fetch(stack.url + css)).status, 200)
  const login = await fetch(`${stack.url}/login`, { redirect: 'manual' })
  t.match(login.headers.get('location'), stack.identity)
  t.equal((await fetch(`${stack.url}/api/v1/models`)).status, 200)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  t.equal(await ended, 0, 'it stops when requested')
  t.notMatch(output, /EACCES|EROFS|ENOENT|"level":"(error|fatal)"/)
})

/** A user without a name must be able to run it: a node below /root cannot be run, so it is copied. */
function within(node: string): string {
  const copied = join(root, 'node')
  cpSync(node, copied)
  chmodSync(copied, 0o755)
  return copied
}
