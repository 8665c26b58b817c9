import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'acorn'
import { check } from 'recheck'
import t from 'tap'
import { projectRoot } from '../../src/root.js'

const built = join(projectRoot, 'dist', 'src')
const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const guide = read('SECURITY.md')
const lines = guide.split('\n').filter((line) => line.startsWith('| V'))
const abuse = guide.slice(guide.indexOf('## Abuse cases'), guide.indexOf('## OWASP'))

t.test('SECURITY.md has every requirement of ASVS 5.0.0 up to level 2 once', async (t) => {
  const wanted = read('test/rules/asvs-5.0.0-level-2.txt').trim().split('\n')
  t.equal(wanted.length, 253)
  const told = lines.flatMap((line) => line.split('|')[1]?.match(/V\d+\.\d+\.\d+/g) ?? [])
  t.same([...told].sort(), [...wanted].sort())
})

t.test('every file and every test that it names is there', async (t) => {
  const met = lines.filter((line) => line.split('|').length === 6)
  t.ok(met.length > 40)
  const cases = abuse.split('\n').filter((line) => line.split('|').length === 6 && line.includes('.test.ts`'))
  t.ok(cases.length > 30)
  for (const line of [...met, ...cases]) {
    const [, , , where = '', shown = ''] = line.split('|')
    for (const cell of [where, shown]) {
      const paths = [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)
      t.ok(paths.length > 0, line)
      for (const path of paths) t.ok(existsSync(join(projectRoot, path)), path)
    }
    t.match(shown, /\.test\.ts`/, line)
  }
})

/** What these read is short and not of strangers: settings, and paths of mapping rules and specs, at most 255 signs each. */
const quadratic = new Set([...['\\/+$', '(\\{[^}]*\\})', '\\{[^}]*\\}', '(\\{[^}]+\\})', '\\/v\\d+[^/]*$', '^-+|-+$']])

interface Node {
  type: string
  regex?: { pattern: string; flags: string }
  [member: string]: unknown
}

/** What a pattern may be made of while the portal runs: a number of ours, or texts whose signs are escaped. */
const escaping = ['web/session-text.js', 'clients/secrets.js']

const threads = new Set(['clients/thread.js', 'clients/thread-jobs.js'])

t.test('no text is evaluated or run, and none but an escaped one becomes a pattern', async (t) => {
  const makers: string[] = []
  for (const { file, tree } of programs()) {
    walk(tree, (node) => {
      const callee = node.callee as { type?: string; name?: string } | undefined
      if (callee?.type !== 'Identifier') return
      t.notMatch(callee.name, /^(eval|Function)$/, file)
      const [first] = (node.arguments ?? []) as Node[]
      if (callee.name === 'RegExp' && first?.type !== 'Literal') makers.push(file)
    })
    // the demo and the tools of the command line start programs of their own
    if (!file.startsWith('cli/')) t.notMatch(source(file), /from 'node:(vm|child_process)'/, file)
    // a thread runs a file of this program, never a text
    if (!threads.has(file)) t.notMatch(source(file), /from 'node:worker_threads'/, file)
    t.notMatch(source(file), /\beval: /, file)
  }
  t.same([...new Set(makers)].sort(), [...escaping].sort())
})

t.test('no pattern of the portal takes long, whatever it is given', async (t) => {
  t.setTimeout(600_000)
  const patterns = new Map<string, { pattern: string; flags: string }>()
  for (const { tree } of programs())
    walk(tree, ({ regex }) => {
      if (regex) patterns.set(`/${regex.pattern}/${regex.flags}`, regex)
    })
  t.ok(patterns.size > 100)
  for (const { pattern, flags } of patterns.values()) {
    const found = await check(pattern, flags.replace('v', 'u'), { timeout: 20_000, attackTimeout: 5000 })
    const complexity = found.status === 'vulnerable' ? found.complexity.summary : found.status
    const allowed = quadratic.has(pattern) && complexity === '2nd degree polynomial'
    t.ok(found.status === 'safe' || allowed, `/${pattern}/${flags}: ${complexity}`)
  }
})

/** What tells people, clients, sessions and hosts apart. */
const telling =
  /^(features\/account\/(?!.*(view|pages)\.js)|clients\/(identity|token-claims|jwks|mail)|web\/(session|session-text|tokens|claims|caller|stock-paths|revocations|metadata)\.js)/

t.test('nothing that tells people apart is folded beyond the letters of ASCII', async (t) => {
  const files = programs().filter(({ file }) => telling.test(file))
  t.ok(files.length > 25)
  for (const { file, tree } of files)
    walk(tree, (node) => {
      const name = (node.callee as { property?: { name?: string } } | undefined)?.property?.name ?? ''
      t.notMatch(name, /^(toLowerCase|toUpperCase|toLocale\w+Case|localeCompare|normalize)$/, file)
    })
})

t.test('every cookie has the name and the attributes of one place', async (t) => {
  const setters: string[] = []
  for (const { file, tree } of programs()) {
    let sets = false
    walk(tree, (node) => {
      const callee = node.callee as { property?: { name?: string } } | undefined
      const name = callee?.property?.name
      if (name !== 'setCookie' && name !== 'clearCookie') return
      sets = true
      t.equal(((node.arguments as Node[])[0] as Node).type === 'Literal', false, `${file} names no cookie by itself`)
    })
    const text = source(file)
    if (file !== 'web/cookies.js') t.notMatch(text, /__Host-|__Secure-/, file)
    if (!sets) continue
    setters.push(file)
    t.match(text, "cookies.js'", file)
  }
  t.ok(setters.length >= 6, setters.join())
})

/** What runs in production, as it was built. */
function programs(): { file: string; tree: Node }[] {
  return readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js') && !file.startsWith('demo'))
    .map((file) => ({
      file,
      tree: parse(source(file), { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as Node,
    }))
}

function source(file: string): string {
  return readFileSync(join(built, file), 'utf8')
}

function walk(node: Node, look: (node: Node) => void): void {
  look(node)
  for (const inner of Object.values(node).flat())
    if (typeof inner === 'object' && inner !== null && 'type' in inner) walk(inner as Node, look)
}
