import t from 'tap'
import { inlineHtml, safeHtml, summaryOf } from '../../src/web/markdown.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainHere } from '../helper/event-loop.js'

const LENGTH = 50_000
const filled = (piece: string) => piece.repeat(Math.ceil(LENGTH / piece.length)).slice(0, LENGTH)

const hostile: Record<string, string> = {
  'a table whose short rows are filled up': `${'a|'.repeat(1000)}\n${'-|'.repeat(1000)}\n${filled('a|a\n')}`,
  'the same within a few characters': `${'a|'.repeat(60)}\n${'-|'.repeat(60)}\n${'a\n'.repeat(1500)}`,
  'the same in a quotation': `> ${'a|'.repeat(60)}\n> ${'-|'.repeat(60)}\n${'> a\n'.repeat(1500)}`,
  'many tables': filled('|a|b|\n|-|-|\n|c|d|\n\n'),
  addresses: filled('http://a.b/('),
  'addresses of people': filled('a.b@c.d '),
  headings: filled('# a\n'),
  brackets: filled('['),
  pictures: filled('![') + filled('](b)'),
  emphasis: filled('*a_ '),
  quotations: filled('> '),
  'lines of quotations': filled('> > > a\n'),
  lists: Array.from({ length: 300 }, (_, index) => `${' '.repeat(index)}- a\n`).join(''),
  backticks: Array.from({ length: 300 }, (_, index) => `${'`'.repeat(index + 1)}a`).join(' '),
  references: Array.from({ length: 3000 }, (_, index) => `[a${index}]: /b\n`).join('') + filled('[a1]'),
}

for (const [name, text] of Object.entries(hostile))
  t.test(`Markdown: ${name}`, async (t) => {
    const { value, blockedMs, grownMb } = await strainHere(() => ({
      html: safeHtml(text),
      line: inlineHtml(text),
      summary: summaryOf(text),
    }))
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `${grownMb} MB`)
    t.ok(value.html.length < 300_000, `${value.html.length} characters`)
    t.ok(value.summary.length <= 161)
  })

t.test('what people write is shown as it is meant', async (t) => {
  const rows = Array.from({ length: 200 }, (_, index) => `| ${index} | b | c | d | e | f | g | h |\n`).join('')
  const table = safeHtml(`| 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |\n|-|-|-|-|-|-|-|-|\n${rows}`)
  t.equal(table.match(/<tr>/g)?.length, 201)
  t.notMatch(safeHtml(hostile['the same within a few characters'] ?? ''), '<table')
  t.match(safeHtml('a '.repeat(15_000)), /a …<\/p>\s*$/, 'what is left out is marked')
  t.match(safeHtml(`${'a '.repeat(15_000)}end`, { longest: LENGTH }), /a end<\/p>\s*$/)
})

t.test('one line of Markdown: emphasis, code and links, and nothing that runs', async (t) => {
  t.equal(inlineHtml('plain > "text"'), 'plain &gt; &quot;text&quot;')
  t.equal(
    inlineHtml('**a** `b` [c](https://x.example)'),
    '<strong>a</strong> <code>b</code> <a href="https://x.example" rel="nofollow noopener">c</a>',
  )
  t.equal(inlineHtml('# no heading, snake_case_name'), '# no heading, snake_case_name')
  t.notMatch(
    inlineHtml('<script>a</script> [x](javascript:a) ![p](https://x.example/p.png)'),
    /<script|<img|href="java/,
  )
})
