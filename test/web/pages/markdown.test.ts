import t from 'tap'
import { inlineMarkdownToHtml, markdownSummary, markdownToHtml } from '../../../src/web/pages/markdown.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainHere } from '../../helper/event-loop.js'

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
      html: markdownToHtml(text),
      line: inlineMarkdownToHtml(text),
      summary: markdownSummary(text),
    }))
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${blockedMs} ms`)
    t.ok(grownMb < MOST_GROWTH_MB, `${grownMb} MB`)
    t.ok(value.html.length < 300_000, `${value.html.length} characters`)
    t.ok(value.summary.length <= 161)
  })

t.test('HTML, links that run code and, where they are not wanted, headings are left out', async (t) => {
  t.notMatch(
    markdownToHtml('# Big\n\n<b>raw</b>\n\n[x](javascript:alert(1))', { headings: false }),
    /<h1|<h2|<b>|href="javascript/,
  )
})

t.test('common Markdown is rendered', async (t) => {
  const rows = Array.from({ length: 200 }, (_, index) => `| ${index} | b | c | d | e | f | g | h |\n`).join('')
  const table = markdownToHtml(`| 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |\n|-|-|-|-|-|-|-|-|\n${rows}`)
  t.equal(table.match(/<tr>/g)?.length, 201)
  t.notMatch(markdownToHtml(hostile['the same within a few characters'] ?? ''), '<table')
  t.match(markdownToHtml('a '.repeat(15_000)), /a …<\/p>\s*$/, 'omitted content is marked')
  t.match(markdownToHtml(`${'a '.repeat(15_000)}end`, { maxCharacters: LENGTH }), /a end<\/p>\s*$/)
})

t.test('one line of Markdown may have emphasis, code and links, and no active content', async (t) => {
  t.equal(inlineMarkdownToHtml('plain > "text"'), 'plain &gt; &quot;text&quot;')
  t.equal(
    inlineMarkdownToHtml('**a** `b` [c](https://x.example)'),
    '<strong>a</strong> <code>b</code> <a href="https://x.example" rel="nofollow noopener">c</a>',
  )
  t.equal(inlineMarkdownToHtml('# no heading, snake_case_name'), '# no heading, snake_case_name')
  t.notMatch(
    inlineMarkdownToHtml('<script>a</script> [x](javascript:a) ![p](https://x.example/p.png)'),
    /<script|<img|href="java/,
  )
})
