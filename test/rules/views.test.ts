import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

interface Formatter {
  formatView: (text: string) => string
}
const { formatView } = (await import(pathToFileURL(join(projectRoot, 'scripts/format-views.mjs')).href)) as Formatter

t.test('a view is laid out one element per line, with its blocks indented', async (t) => {
  t.equal(
    formatView('<ul><% it.rows.forEach(function (row) { %><li><%= row.name %></li><% }) %></ul>'),
    [
      '<ul>',
      '  <% it.rows.forEach(function (row) { %>',
      '    <li><%= row.name %></li>',
      '  <% }) %>',
      '</ul>',
      '',
    ].join('\n'),
  )
})

t.test('a block next to text stays on its line, because a space would be visible', async (t) => {
  const view = '<p><%= it.type %><% if (it.required) { %>, required<% } %></p>\n'
  t.equal(formatView(view), view)
})

t.test('formatting a formatted view changes nothing', async (t) => {
  const view = [
    '<% if (it.rows) { %><p>a</p><% } else { %>',
    "<%~ include('../partials/alert', { kind: 'info', title: 'A title so long that the line of its include is longer than 120', role: it.role }) %>",
    '<% } %><input name="a"<% if (it.error) { %> aria-invalid="true"<% } %>>',
  ].join('\n')
  const formatted = formatView(view)
  t.not(formatted, view)
  t.equal(formatView(formatted), formatted)
})

t.test('a statement that the formatter cannot place is an error, and nothing is lost or moved', async (t) => {
  t.throws(
    () => formatView('<% const own = it.own; %><% if (own) { %><p>a</p><% } %>'),
    /statements that open or close a block/,
  )
  const folder = join(projectRoot, 'views')
  const content = (text: string) => text.replace(/\s/g, '').replace(/,(?=\}\))/g, '')
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.eta'),
  )) {
    const view = readFileSync(join(folder, path), 'utf8')
    t.equal(content(formatView(view.replace(/\n\s*/g, '\n'))), content(view), path)
  }
})

t.test('an element with a rule for :empty has no line break in its view, which would be content', async (t) => {
  const textsBelow = (folder: string, ending: string) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith(ending) && path !== 'app.css')
      .map((path) => readFileSync(join(projectRoot, folder, path), 'utf8'))
  const views = textsBelow('views', '.eta')
    .join('\n')
    .replaceAll(/<%.*?%>/gs, '%')
  const classes = textsBelow('static/css', '.css').flatMap((css) => [...css.matchAll(/\.([\w-]+):empty/g)])
  t.ok(classes.length > 1)
  for (const [rule, name] of classes) {
    const starts = [...views.matchAll(new RegExp(`class="[^"]*(?<![\\w-])${name}(?![\\w-])[^"]*"[^>]*>(.?)`, 'gs'))]
    t.ok(starts.length > 0, rule)
    for (const [element, first = ''] of starts) t.match(first, /\S/, `${rule} ${element}`)
  }
})
