import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { version } from '../../src/version.js'
import { freeBlock } from '../helper/stack.js'

t.setTimeout(600_000)
const { PATH = '', HOME = '' } = process.env
const env = { PATH, HOME, npm_config_prefer_offline: 'true' }
const folder = t.testdir({ packed: {}, installed: { 'package.json': '{ "private": true }' } })
const installed = join(folder, 'installed')

function npm(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(`npm ${args.join(' ')}: ${stderr}`)
  return stdout
}

interface Packed {
  filename: string
  files: { path: string }[]
}

// The build of the test run is packed; without --ignore-scripts, npm pack builds first.
const [packed] = JSON.parse(
  npm(projectRoot, 'pack', '--json', '--ignore-scripts', '--pack-destination', join(folder, 'packed')),
) as [Packed]

t.test('the package contains the program and its build output, without tests and sources', async (t) => {
  const paths = packed.files.map(({ path }) => path)
  // .gitignore excludes these from the repository, and not from the package.
  for (const path of ['static/css/app.css', 'static/fonts/RedHatTextVF.woff2', 'static/vendor/uplot.js'])
    t.ok(paths.includes(path), path)
  const below = (name: string) =>
    readdirSync(join(projectRoot, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(projectRoot.length + 1))
  for (const path of [...below('static'), ...below('views'), ...below('dist/bin')]) t.ok(paths.includes(path), path)
  for (const path of ['dist/licences.txt', 'dist/sbom.cdx.json', 'LICENSE', 'README.md', 'openapi/maas-portal.json'])
    t.ok(paths.includes(path), path)
  t.same(
    paths.filter((path) => /^(src|test|scripts|\.ci|dist\/(src|test))\//.test(path)),
    [],
  )
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  t.match(scripts.prepack, 'build', 'an unbuilt checkout is built first')
})

t.test('serve never loads modules that only the demo requires', async (t) => {
  const bin = join(projectRoot, 'dist', 'bin')
  const loaded = new Set<string>()
  const remaining = ['./serve.js']
  for (let name = remaining.pop(); name !== undefined; name = remaining.pop()) {
    if (loaded.has(name)) continue
    loaded.add(name)
    // Comments of bundled packages also contain imports.
    if (!existsSync(join(bin, name))) continue
    const code = readFileSync(join(bin, name), 'utf8')
    for (const [, imported = ''] of code.matchAll(/(?:from |import |import\()"([^"]+)"/g)) remaining.push(imported)
  }
  t.ok(loaded.has('./app.js'))
  t.notOk(loaded.has('oidc-provider'))
})

t.test(
  'the bundle has no character outside of Latin-1, so that V8 stores its source in one byte a character',
  async (t) => {
    const bin = join(projectRoot, 'dist', 'bin')
    for (const name of readdirSync(bin).filter((each) => each.endsWith('.js'))) {
      const code = readFileSync(join(bin, name), 'utf8')
      t.ok(Buffer.from(code, 'latin1').toString('latin1') === code, name)
    }
  },
)

t.test('installed without scripts into an empty folder, the demo starts, and its start page is complete', async (t) => {
  writeFileSync(join(installed, '.npmrc'), 'strict-allow-scripts=true\n')
  const file = join(folder, 'packed', packed.filename)
  npm(installed, 'install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', file)
  const command = join(installed, 'node_modules', '.bin', 'maas-portal')
  const requested = spawnSync(command, ['--version'], { cwd: installed, encoding: 'utf8', env })
  t.match(requested, { status: 0, stdout: version })

  const port = await freeBlock()
  const child = spawn(command, ['demo'], { cwd: installed, env: { ...env, PORT: String(port) } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const url = `http://localhost:${port}`
  for (let attempt = 0; attempt < 1200 && child.exitCode === null; attempt++) {
    if ((await fetch(`${url}/models`).catch(() => undefined))?.ok) break
    await sleep(100)
  }
  const page = await fetch(`${url}/models`)
  t.equal(page.status, 200, output)
  const open = [...(await page.text()).matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, path = '']) => path)
  t.ok(open.length > 3)
  const seen = new Set<string>()
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const answer = await fetch(url + path)
    t.equal(answer.status, 200, path)
    if (!/\.(css|js)$/.test(new URL(url + path).pathname)) continue
    // Files that a style sheet or a script loads.
    const text = await answer.text()
    for (const [, other = ''] of text.matchAll(
      /(?:url\(["']?|from\s*["']|import\(?["'])((?:\/static|\.{1,2})\/[^"')]+)/g,
    ))
      open.push(new URL(other, url + path).pathname)
  }
  for (const kind of [/\.css$/, /\.js$/, /\.woff2$/])
    t.ok(
      [...seen].some((path) => kind.test(path)),
      `${kind}`,
    )
})
