import t from 'tap'
import { createSnippets } from '../../../src/features/snippets/snippets.js'
import { exampleHtml } from '../../../src/web/api/openapi/schema-rows.js'
import { cachedCharacters, codeBlocks, createHighlighter } from '../../../src/web/pages/syntax-highlighting.js'
import { LONGEST_BLOCK_MS, MOST_GROWTH_MB, strainHere } from '../../helper/event-loop.js'
import { modelOf } from '../../helper/models.js'

const languages = ['bash', 'dos', 'ini', 'javascript', 'json', 'powershell', 'python', 'yaml']
const textOf = (html: string) =>
  html
    .replace(/<[^>]+>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#x27;/g, "'")
    .replace(/&amp;/g, '&')

t.test('the code of a model is highlighted for every client', async (t) => {
  const blocks = codeBlocks(createSnippets().forModel(modelOf({ name: 'A model', model_id: 'org/model-1b-instruct' })))
  for (const { client, codeHtml, alternative } of blocks) if (!alternative) t.match(codeHtml, 'class="hljs-', client)
  t.ok(blocks.length > 10)
})

t.test('a quoted string of cmd is one string, including its variables', async (t) => {
  const html = createHighlighter()(
    'curl.exe -u "%MAAS_APP_ID%:x" ^\n  -H "Content-Type: a/b" -d "{\\"model\\":\\"org/a-3.3-70B\\"}"',
    'dos',
  )
  t.match(html, '<span class="hljs-variable">%MAAS_APP_ID%</span>')
  t.match(html, '<span class="hljs-string">&quot;Content-Type: a/b&quot;</span>')
  t.match(html, '<span class="hljs-string">&quot;{\\&quot;model\\&quot;:\\&quot;org/a-3.3-70B\\&quot;}&quot;</span>')
})

t.test('long code, and code with long words, is shown complete and without highlighting', async (t) => {
  const unusual = ['a'.repeat(300), ' '.repeat(300), '"'.repeat(9000), `<b>&'"${'\n'.repeat(9000)}`, '-'.repeat(60_000)]
  for (const language of languages)
    for (const code of unusual) {
      const html = createHighlighter()(code, language)
      t.notMatch(html, '<', language)
      t.equal(textOf(html), code)
    }
  const highlight = createHighlighter(500)
  t.match(highlight('{"a":1}', 'json'), 'hljs-attr')
  t.equal(highlight('{"a":1}', 'json'), '{&quot;a&quot;:1}', "the page's budget is used up")
})

t.test('no input causes slow highlighting or a large page', async (t) => {
  const pieces = [
    'a',
    '1',
    '_',
    '-',
    "'",
    '"',
    '`',
    '\\',
    '\\"',
    '$(',
    '${',
    '[',
    '{',
    '{"a":',
    '<<EOF\n',
    '/*',
    '// ',
    '\n',
    ' ',
  ]
  const more = [
    'a ',
    'a: ',
    'a = ',
    'class A ',
    'def a',
    '1e',
    "f'{",
    '"""',
    '- ',
    '? ',
    '#',
    '=',
    '=>',
    'a.',
    'a(',
    '\ud800',
  ]
  for (const language of languages) {
    const { value, blockedMs } = await strainHere(() =>
      Math.max(
        ...[...pieces, ...more].map((piece) => {
          const highlight = createHighlighter()
          return [8000, 64_000].reduce(
            (sum, size) => sum + highlight(piece.repeat(size / piece.length), language).length,
            0,
          )
        }),
      ),
    )
    t.ok(value < 1_000_000, `${language}: at most ${value} characters`)
    t.ok(
      blockedMs < LONGEST_BLOCK_MS * 2,
      `${language}: ${Math.round(blockedMs)} ms for ${pieces.length + more.length} texts`,
    )
  }
  const { blockedMs, grownMb } = await strainHere(() => {
    const highlight = createHighlighter()
    for (let index = 0; index < 1000; index++) highlight('['.repeat(8000), 'json')
  })
  t.ok(blockedMs < LONGEST_BLOCK_MS, `a page of a thousand texts: ${Math.round(blockedMs)} ms`)
  t.ok(grownMb < MOST_GROWTH_MB)
})

t.test('of user-provided text, only JSON is highlighted, and only shared text is cached', async (t) => {
  const highlight = createHighlighter()
  const before = cachedCharacters()
  t.match(exampleHtml('{"said":"only once"}', 'application/json', highlight, { cache: false }), 'hljs-attr')
  t.equal(exampleHtml('[a]\nb=<c>', 'text/plain', highlight, { cache: false }), '[a]\nb=&lt;c&gt;')
  t.equal(cachedCharacters(), before)
  t.match(exampleHtml('{"said":"to all"}', 'application/json', highlight, { cache: true }), 'hljs-attr')
  t.ok(cachedCharacters() > before)
})
