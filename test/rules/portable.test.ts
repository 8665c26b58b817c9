import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type AnyNode, type CallExpression, parse } from 'acorn'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

/** What `npm ci` and `npm run demo` run on every system, including Windows, where none of these tests can run. */
const packageJson = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}
const script = (name: string) => packageJson.scripts[name] ?? ''

/** Commands of an npm script and of the scripts that it runs. */
function commandsOf(name: string): string[] {
  return script(name)
    .split(' && ')
    .flatMap((command) => {
      const other = /^npm run (?:--silent )?(\w+)$/.exec(command)?.[1]
      return other ? commandsOf(other) : [command]
    })
}

const commands = [...commandsOf('dependencies'), ...commandsOf('demo')]

/** Files of scripts/ that they start, with the files that these import. */
const scripts = new Set<string>()
function addScript(file: string): void {
  if (scripts.has(file)) return
  scripts.add(file)
  const text = readFileSync(join(projectRoot, 'scripts', file), 'utf8')
  for (const [, imported = ''] of text.matchAll(/from '\.\/([\w-]+\.mjs)'/g)) addScript(imported)
}
for (const command of commands) {
  const file = /^node scripts\/(\S+)$/.exec(command)?.[1]
  if (file) addScript(file)
}

const built = readdirSync(join(projectRoot, 'dist/src'), { recursive: true, encoding: 'utf8' })
const programs = [
  ...[...scripts].map((file) => join('scripts', file)),
  ...built.filter((file) => file.endsWith('.js')).map((file) => join('dist/src', file)),
]

t.test('npm scripts for installation and the demo use no syntax of a single shell', async (t) => {
  t.same([...scripts].sort(), [
    'api-types.mjs',
    'build-css.mjs',
    'build-info.mjs',
    'bundle.mjs',
    'exec-on-windows.mjs',
    'npm.mjs',
    'remove-stale.mjs',
    'supply.mjs',
  ])
  // On Windows, the build provides `exec`.
  for (const command of commands) t.match(command, /^(exec )?(node|tsc)( [\w./-]+)+$/, command)
})

t.test('these scripts start only Node.js, or git if available, and contain no path of a single system', async (t) => {
  t.ok(programs.length > 300)
  let byNode = 0
  const complaints: string[] = []
  for (const file of programs) {
    const tree = parse(readFileSync(join(projectRoot, file), 'utf8'), { ecmaVersion: 'latest', sourceType: 'module' })
    for (const node of nodesOf(tree)) {
      if (isStart(node)) {
        const program = textOf(node.arguments[0])
        if (program === 'process.execPath') byNode++
        else if (program !== "'git'") complaints.push(`${file} starts ${program}`)
      }
      if (node.type === 'Literal' && typeof node.value === 'string')
        if (isPathOfOneSystem(node.value)) complaints.push(`${file} names ${node.value}`)
      if (isPathOfUrl(node)) complaints.push(`${file} takes the path of a file address, which begins with / on Windows`)
    }
  }
  t.same(complaints, [])
  t.equal(byNode, 2, 'npm for the bill of materials, and the parts of the demo')

  /** `new URL('file', import.meta.url).pathname` */
  function isPathOfUrl(node: AnyNode): boolean {
    if (node.type !== 'MemberExpression' || node.object.type !== 'NewExpression') return false
    return (
      textOf(node.property) === 'pathname' && node.object.arguments.some((one) => textOf(one) === 'import.meta.url')
    )
  }

  /** A call of child_process, by the names that are imported. */
  function isStart(node: AnyNode): node is CallExpression {
    const names = ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork']
    return node.type === 'CallExpression' && node.callee.type === 'Identifier' && names.includes(node.callee.name)
  }
})

t.test('scripts find npm where no such command is on the path', async (t) => {
  const folder = t.testdir({
    'npm-cli.js': `console.log('the npm that started it', ...process.argv.slice(2))`,
    'yarn.js': `console.log('another package manager')`,
  })
  const code = `import { npm } from ${JSON.stringify(new URL(`file://${projectRoot}/scripts/npm.mjs`).href)}
    process.stdout.write(npm(['--version'], { encoding: 'utf8' }).stdout)`
  const ask = (npm_execpath?: string) => {
    const env = { PATH: '', ...(npm_execpath ? { npm_execpath } : {}) }
    return spawnSync(process.execPath, ['--input-type=module', '-e', code], { env, encoding: 'utf8' }).stdout.trim()
  }
  t.equal(ask(join(folder, 'npm-cli.js')), 'the npm that started it --version')
  t.match(ask(), /^\d+\.\d+\.\d+$/)
  t.match(ask(join(folder, 'yarn.js')), /^\d+\.\d+\.\d+$/)
})

t.test('the style sheet is the same in a folder whose name contains glob characters', async (t) => {
  const folder = join(t.testdir({}), 'a [1] (b) {c,d}')
  for (const name of ['static', 'views', 'src', 'scripts'])
    cpSync(join(projectRoot, name), join(folder, name), { recursive: true })
  const css = join(folder, 'static/css/app.css')
  rmSync(css)
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/build-css.mjs')], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  t.equal(readFileSync(css, 'utf8'), readFileSync(join(projectRoot, 'static/css/app.css'), 'utf8'))
})

t.test('text is checked out with the same line endings on every system', async (t) => {
  t.match(readFileSync(join(projectRoot, '.gitattributes'), 'utf8'), /^\* text=auto eol=lf$/m)
  const found: string[] = []
  for (const folder of ['src', 'views', 'static', 'scripts', 'deploy', 'docs'])
    for (const file of readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })) {
      const path = join(projectRoot, folder, file)
      if (/\.(ts|mjs|js|css|eta|ya?ml|json|md)$/.test(file) && readFileSync(path).includes('\r\n')) found.push(path)
    }
  t.same(found, [])
})

/** Paths that exist only in a container, because Kubernetes mounts them. */
function isPathOfOneSystem(text: string): boolean {
  return /^\/(usr|bin|sbin|tmp|dev|etc|proc|opt|home|var)(\/|$)/.test(text) && !text.startsWith('/var/run/secrets/')
}

function* nodesOf(node: AnyNode): Generator<AnyNode> {
  yield node
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (child && typeof child === 'object' && 'type' in child) yield* nodesOf(child as AnyNode)
}

/** `a.b.c` or `'text'` as it is written. */
function textOf(node: AnyNode | undefined): string {
  if (node?.type === 'Literal') return `'${node.value}'`
  if (node?.type === 'Identifier') return node.name
  if (node?.type === 'MetaProperty') return `${node.meta.name}.${node.property.name}`
  if (node?.type === 'MemberExpression') return `${textOf(node.object)}.${textOf(node.property)}`
  return node?.type ?? ''
}
