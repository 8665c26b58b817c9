// Formats the views: `node scripts/format-views.mjs` writes them, `--check` fails and names those that it would change.
// js-beautify does not support Eta's statements, so each block becomes an element before it and statements again after it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import beautify from 'js-beautify'

/** Content that must not be separated from a block by a space: text, a value, the end of an inline element. */
const BESIDE_TEXT = /(?:[^>\s]|%>|<\/(?:a|b|code|em|i|kbd|small|span|strong|time)>)$/

/** An include with an object of its own. */
const INCLUDE = /<%~ include\('[^']+', \{[\s\S]*?\}\) %>/g

const views = join(import.meta.dirname, '..', 'views')
const options = {
  indent_size: 2,
  wrap_line_length: 120,
  wrap_attributes: 'auto',
  end_with_newline: true,
  preserve_newlines: false,
  indent_inner_html: true,
  extra_liners: [],
  templating: ['erb'],
  inline: [
    'a',
    'b',
    'code',
    'em',
    'i',
    'kbd',
    'small',
    'span',
    'strong',
    'time',
    ...Array.from({ length: 120 }, (_, more) => `eta-inline${'x'.repeat(more)}`),
  ],
  inline_custom_elements: false,
  void_elements: ['br', 'hr', 'img', 'input', 'link', 'meta', 'source', 'wbr', 'eta-include'],
}

/** The formatted view. A second pass completes what the first one wrapped. Throws if more than white space would change. */
export function formatView(text) {
  const formatted = layOut(layOut(text))
  if (content(formatted) !== content(text))
    throw new Error('The formatter supports statements that open or close a block only, each outside of tags.')
  return formatted
}

/** The view without white space, and without the commas that end a list of one argument per line. */
function content(text) {
  return text.replace(/\s+/g, '').replace(/,(?=\}\))/g, '')
}

function layOut(text) {
  const statements = []
  const includes = []
  const flat = text.replace(INCLUDE, (include) => include.replace(/\s+/g, ' ').replace(/,? \}\)/, ' })'))
  const pretty = withStatements(beautify.html(withElements(flat, statements, includes), options), statements).replace(
    /<eta-include>/g,
    () => includes.shift(),
  )
  return pretty.split('\n').map(withShortIncludes).join('\n')
}

/** A line, with one argument of its include per line if it would be too long. */
function withShortIncludes(line) {
  if (line.length <= options.wrap_line_length) return line
  const indent = line.match(/^ */)[0]
  return line.replace(INCLUDE, (include) =>
    include
      .replace(/\{ /, `{\n${indent}  `)
      .replace(/, (?=\w+: )/g, `,\n${indent}  `)
      .replace(/ \}\) %>$/, `,\n${indent}}) %>`),
  )
}

/** Writes the statements outside of tags as tags of the same length, and collects them in order. */
function withElements(text, statements, includes) {
  const open = []
  let out = ''
  let inTag = false
  for (const part of text.split(/(<%[\s\S]*?%>)/)) {
    if (!part.startsWith('<%')) {
      out += part
      inTag = endsInTag(part, inTag)
      continue
    }
    if (!inTag && part.startsWith('<%~ include(') && !BESIDE_TEXT.test(out)) {
      includes.push(part)
      out += '<eta-include>'
      continue
    }
    if (inTag || /^<%[=~]/.test(part)) {
      out += part
      continue
    }
    const statement = `<% ${part.slice(2, -2).trim()} %>`
    const closes = statement.startsWith('<% }')
    const last = closes ? open.pop() : ''
    if (closes) out += `</${last}>`
    if (statement.endsWith('{ %>')) {
      const kind = closes ? last.replace(/x*$/, '') : BESIDE_TEXT.test(out) ? 'eta-inline' : 'eta-block'
      const name = kind.padEnd(statement.length - 2, 'x')
      open.push(name)
      out += `<${name}>`
    }
    statements.push(statement)
  }
  return out
}

/** Whether text that starts inside of a tag, or outside, ends inside of one. */
function endsInTag(text, inTag) {
  const last = Math.max(text.lastIndexOf('>'), text.search(/<[^<>]*$/))
  return last < 0 ? inTag : text[last] === '<'
}

function withStatements(text, statements) {
  let next = 0
  return text.replace(/<\/eta-(?:block|inline)x*>\s*<eta-(?:block|inline)x*>|<\/?eta-(?:block|inline)x*>/g, (tags) => {
    const between = tags.startsWith('</') && tags.endsWith('>') && /></.test(tags.replace(/\s/g, ''))
    const statement = statements[next] ?? ''
    // Two consecutive blocks, unless the first statement is the `} else {` of both.
    if (between && !statement.endsWith('{ %>')) {
      next += 2
      return tags.replace(/<\/[^>]+>/, statement).replace(/<eta[^>]+>/, statements[next - 1] ?? '')
    }
    next += 1
    return statement
  })
}

if (process.argv[1] === import.meta.filename) formatAll(process.argv.includes('--check'))

function formatAll(check) {
  const changed = []
  for (const file of readdirSync(views, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.eta'),
  )) {
    const path = join(views, file)
    const text = readFileSync(path, 'utf8')
    const formatted = formatFile(file, text)
    if (formatted === text) continue
    changed.push(file)
    if (!check) writeFileSync(path, formatted)
  }
  if (check && changed.length > 0) {
    console.error(`Run "node scripts/format-views.mjs". Not formatted: ${changed.join(', ')}`)
    process.exit(1)
  }
}

function formatFile(file, text) {
  try {
    return formatView(text)
  } catch (error) {
    console.error(`${file}: ${error.message}`)
    process.exit(1)
  }
}
