import t from 'tap'
import { parse } from 'yaml'
import { readSpec } from '../../../src/clients/threescale/specs/spec.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainHere } from '../../helper/event-loop.js'

const head = 'openapi: 3.0.0\n'
const value = (text: string) => readSpec(head + text)?.x

t.test('YAML is parsed as by the yaml package', async (t) => {
  for (const text of [
    'x: 1\ny: [a, 2.5, true, null, ~, "q", \'s\', 0x10, 1e3]\n',
    'x: {a: {b: [c, {d: e}]}}\n',
    'x: |\n  two\n  lines\ny: >-\n  folded\n  text\n',
    'x: &a {k: v}\ny: *a\nz: [*a, *a]\n',
    'x: # nothing\ny: !!str 5\n1: one\ntrue: yes\n? plain\n: explicit\n',
    '"a: b": c\nx: 2026-01-01\n<<: {m: 1}\n',
    'x:\n  - - - deep\n  - ? k\n    : v\n',
  ])
    t.same(readSpec(head + text), parse(head + text), text)
  t.same(readSpec(`${head}__proto__: {polluted: 1}\n`)?.polluted, undefined)
  t.equal(value('x: 1\nx: 2\n'), 2, 'the last value of a name counts, as in JSON')
})

t.test('text with constructs that no API document uses is rejected', async (t) => {
  for (const text of ['[a]: b\n', '{a: b}: c\n', '? - list\n: value\n', `x: ${'['.repeat(250)}${']'.repeat(250)}\n`])
    t.equal(readSpec(head + text), undefined, text.slice(0, 30))
  t.same(value('x: &a {self: *a}\n'), { self: null }, 'no infinite structure')
  t.equal(value('x: *unknown\n'), null)
  t.same(readSpec(`${head}info: {title: T`), { openapi: '3.0.0', info: { title: 'T' } }, 'as far as it is valid')
})

t.test('the expansion of aliases is limited to the size of a document, however few there are', async (t) => {
  const many = `x: [&a {k: v}${', *a'.repeat(500)}]\n`
  t.equal((value(many) as unknown[]).length, 501)
  const laughs = Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(9)}]\n`)
  t.equal(readSpec(`${head}a0: &a0 [ha]\n${laughs.join('')}`), undefined)
})

t.test('hostile text of the maximum length is read in time linear in its length', async (t) => {
  const texts: Record<string, string> = {
    'explicit keys': head + '? '.repeat(300),
    'more explicit keys': head + '? '.repeat(20_000),
    'explicit keys in a JSON text': JSON.stringify(head + '? '.repeat(1000)),
    'many keys': head + Array.from({ length: 20_000 }, (_, n) => `k${n}: 1\n`).join(''),
    'lists in lists': `${head}x: ${'['.repeat(20_000)}`,
    'mappings in mappings': `${head}x: ${'{'.repeat(20_000)}`,
    'mappings as keys': `${head}x: ${'{? '.repeat(10_000)}`,
    'compact lists': `${head}x:\n  ${'- '.repeat(20_000)}`,
    aliases: `${head}x: [&a 1, ${'*a, '.repeat(15_000)}]`,
    tags: `${head}x: ${'!a '.repeat(20_000)}`,
    documents: head + '---\na: 1\n'.repeat(5000),
    comments: head + '# a\n'.repeat(20_000),
    'empty lines': head + '\n'.repeat(100_000),
    tabs: head + '\t\n'.repeat(30_000),
    'a long text': `${head}x: ${'a '.repeat(100_000)}`,
    'block lines': `${head}x: |\n${'  a\n'.repeat(50_000)}`,
    indentation: head + Array.from({ length: 400 }, (_, n) => `${' '.repeat(n)}a:\n`).join(''),
    'JSON lists in lists': `{"x":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
    'JSON texts in texts': JSON.stringify(JSON.stringify(JSON.stringify(JSON.stringify({})))),
  }
  for (const [name, text] of Object.entries(texts)) {
    const { blockedMs, grownMb } = await strainHere(() => void readSpec(text))
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${name}: blocked for ${blockedMs} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `${name}: ${grownMb} MB more`)
  }
})
