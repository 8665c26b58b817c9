import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { programs, type SyntaxNode, walk } from './programs.js'

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const guide = read('SECURITY.md')
const lines = guide.split('\n').filter((line) => line.startsWith('| V'))
const abuse = guide.slice(guide.indexOf('## Abuse cases'), guide.indexOf('## OWASP'))

t.test('SECURITY.md lists every requirement of ASVS 5.0.0 up to level 2 once', async (t) => {
  const required = read('test/rules/asvs-5.0.0-level-2.txt').trim().split('\n')
  t.equal(required.length, 253)
  const reported = lines.flatMap((line) => line.split('|')[1]?.match(/V\d+\.\d+\.\d+/g) ?? [])
  t.same([...reported].sort(), [...required].sort())
})

t.test('every file that SECURITY.md names exists, and every entry names a test', async (t) => {
  const encountered = lines.filter((line) => line.split('|').length === 6)
  t.ok(encountered.length > 40)
  const cases = abuse.split('\n').filter((line) => line.split('|').length === 6 && line.includes('.test.ts`'))
  t.ok(cases.length > 30)
  for (const line of [...encountered, ...cases]) {
    const [, , , where = '', shown = ''] = line.split('|')
    for (const cell of [where, shown]) {
      const paths = [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)
      t.ok(paths.length > 0, line)
      for (const path of paths) t.ok(existsSync(join(projectRoot, path)), path)
    }
    t.match(shown, /\.test\.ts`/, line)
  }
})

/** What a pattern may be built from at run time: a number of the portal, a name in its code, or text with escaped characters. */
const escaping = ['web/auth/session-codec.js', 'infra/redaction.js', 'clients/threescale/mapping/xml.js']

const threads = new Set(['infra/worker/worker-thread.js', 'infra/worker/worker-jobs.js'])

t.test('no text is evaluated or executed, and only escaped text becomes a pattern', async (t) => {
  const makers: string[] = []
  const evaluating: string[] = []
  const starting: string[] = []
  for (const { file, source, tree } of programs) {
    walk(tree, (node) => {
      const callee = node.callee as { type?: string; name?: string } | undefined
      if (callee?.type !== 'Identifier') return
      if (callee.name === 'eval' || callee.name === 'Function') evaluating.push(file)
      const [first] = (node.arguments ?? []) as SyntaxNode[]
      if (callee.name === 'RegExp' && first?.type !== 'Literal') makers.push(file)
    })
    if (/\beval: /.test(source)) evaluating.push(file)
    // The demo and the command-line tools start programs of their own.
    if (/from 'node:(vm|child_process)'/.test(source) && !file.startsWith('cli/')) starting.push(file)
    // A thread runs a file of this program, never a text.
    if (/from 'node:worker_threads'/.test(source) && !threads.has(file)) starting.push(file)
  }
  t.same(evaluating, [])
  t.same(starting, [])
  t.same([...new Set(makers)].sort(), [...escaping].sort())
})

/** Values that identify users, clients, sessions and hosts. */
const identifying = new RegExp(
  [
    'features/account/(?!.*(view|pages)\\.js)',
    'clients/(identity/|mail/mail\\.js)',
    'web/auth/(session|session-codec|bearer-tokens|identity-claims|caller|revocations|protected-resource-metadata)\\.js',
    'web/pages/legacy-redirects\\.js',
  ]
    .map((path) => `^${path}`)
    .join('|'),
)

t.test('values that identify users are case-folded only in ASCII', async (t) => {
  const files = programs.filter(({ file }) => identifying.test(file))
  t.ok(files.length > 25)
  const folding: string[] = []
  for (const { file, tree } of files)
    walk(tree, (node) => {
      const name = (node.callee as { property?: { name?: string } } | undefined)?.property?.name ?? ''
      if (/^(toLowerCase|toUpperCase|toLocale\w+Case|localeCompare|normalize)$/.test(name))
        folding.push(`${file}: ${name}`)
    })
  t.same(folding, [])
})

t.test('every cookie gets its name and attributes from one function', async (t) => {
  const setters: string[] = []
  const naming: string[] = []
  for (const { file, source, tree } of programs) {
    let sets = false
    walk(tree, (node) => {
      const callee = node.callee as { property?: { name?: string } } | undefined
      const name = callee?.property?.name
      if (name !== 'setCookie' && name !== 'clearCookie') return
      sets = true
      t.equal(
        ((node.arguments as SyntaxNode[])[0] as SyntaxNode).type === 'Literal',
        false,
        `${file} names no cookie by itself`,
      )
    })
    if (file !== 'web/auth/cookies.js' && /__Host-|__Secure-/.test(source)) naming.push(file)
    if (!sets) continue
    setters.push(file)
    t.match(source, "cookies.js'", file)
  }
  t.same(naming, [], 'name a cookie')
  t.ok(setters.length >= 6, setters.join())
})
