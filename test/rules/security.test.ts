import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'acorn'
import { check } from 'recheck'
import t from 'tap'
import { projectRoot } from '../../src/root.js'

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const guide = read('SECURITY.md')
const lines = guide.split('\n').filter((line) => line.startsWith('| V'))

t.test('SECURITY.md has every requirement of ASVS 5.0.0 up to level 2 once', async (t) => {
  const wanted = read('test/rules/asvs-5.0.0-level-2.txt').trim().split('\n')
  t.equal(wanted.length, 253)
  const told = lines.flatMap((line) => line.split('|')[1]?.match(/V\d+\.\d+\.\d+/g) ?? [])
  t.same([...told].sort(), [...wanted].sort())
})

t.test('every file and every test that it names is there', async (t) => {
  const met = lines.filter((line) => line.split('|').length === 6)
  t.ok(met.length > 40)
  for (const line of met) {
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

t.test('no pattern of the portal takes long, whatever it is given', async (t) => {
  t.setTimeout(600_000)
  const patterns = new Map<string, { pattern: string; flags: string }>()
  const folder = join(projectRoot, 'dist', 'src')
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js') || file.startsWith('demo')) continue
    walk(
      parse(readFileSync(join(folder, file), 'utf8'), {
        ecmaVersion: 'latest',
        sourceType: 'module',
      }) as unknown as Node,
    )
  }
  t.ok(patterns.size > 100)
  for (const { pattern, flags } of patterns.values()) {
    const found = await check(pattern, flags.replace('v', 'u'), { timeout: 20_000, attackTimeout: 5000 })
    const complexity = found.status === 'vulnerable' ? found.complexity.summary : found.status
    const allowed = quadratic.has(pattern) && complexity === '2nd degree polynomial'
    t.ok(found.status === 'safe' || allowed, `/${pattern}/${flags}: ${complexity}`)
  }

  function walk(node: Node): void {
    if (node.regex) patterns.set(`/${node.regex.pattern}/${node.regex.flags}`, node.regex)
    for (const inner of Object.values(node).flat())
      if (typeof inner === 'object' && inner !== null && 'type' in inner) walk(inner as Node)
  }
})
