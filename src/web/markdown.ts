import { LRUCache } from 'lru-cache'
import MarkdownIt from 'markdown-it'
import sanitize from 'sanitize-html'

const markdown = new MarkdownIt({ html: false, linkify: true })
const withoutTables = new MarkdownIt({ html: false, linkify: true }).disable('table')
/** Characters of foreign text that are formatted, in some 20 ms at worst. */
const LONGEST = 20_000
/** Short rows of a table are filled up with empty cells, so a small text could become a large table. */
const MOST_CELLS = 10_000

const allowed: sanitize.IOptions = {
  allowedTags: [
    'p',
    'br',
    'em',
    'strong',
    'code',
    'pre',
    'ul',
    'ol',
    'li',
    'a',
    'blockquote',
    'h2',
    'h3',
    'h4',
    'h5',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
    'hr',
  ],
  allowedAttributes: { a: ['href', 'rel'] },
  allowedSchemes: ['https', 'http', 'mailto'],
  transformTags: {
    // below the page's own h1, without a gap
    h1: 'h2',
    a: (_tag, attributes) => ({ tagName: 'a', attribs: { href: attributes.href ?? '', rel: 'nofollow noopener' } }),
  },
}

const flat: sanitize.IOptions = {
  ...allowed,
  transformTags: {
    ...allowed.transformTags,
    ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((level) => [`h${level}`, 'p'])),
  },
}

/** characters of HTML and summaries that are kept: descriptions may be hostile, and are made into HTML once */
const KEPT = 2_000_000
const kept = new LRUCache<string, string>({ maxSize: KEPT, sizeCalculation: (made, key) => made.length + key.length })
/** Characters of one line that are formatted. */
const LONGEST_LINE = 2000
/** enough for a summary, of which 160 characters are shown */
const OF_SUMMARY = 1500

/**
 * Markdown of an operator as HTML that can do nothing: no raw HTML, no scripts, no pictures from elsewhere. Without
 * headings where it stands deep inside a page that has its own. Characters after `longest` are left out.
 */
export function safeHtml(text: string, { headings = true, longest = LONGEST } = {}): string {
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text
  return once(headings ? 'page' : 'flat', short, () => sanitize(rendered(short), headings ? allowed : flat))
}

function rendered(text: string): string {
  const lines = text.split('\n')
  const columns = Math.max(...lines.map((line) => line.split('|').length))
  return (columns * lines.length > MOST_CELLS ? withoutTables : markdown).render(text)
}

const inline: sanitize.IOptions = {
  ...allowed,
  allowedTags: ['em', 'strong', 'code', 'a', 'br'],
}

/** One line of Markdown as HTML for a table: emphasis, code and links alone. Text without marks is only escaped. */
export function inlineHtml(text: string): string {
  if (!/[`*_[\]<&\\]|:\/\//.test(text)) return text.replace(/>/g, '&gt;').replace(/"/g, '&quot;')
  const short = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text
  return once('inline', short, () => sanitize(withoutTables.renderInline(short), inline))
}

/** The first sentence or two as plain text. */
export function summaryOf(text: string): string {
  return once('summary', text.slice(0, OF_SUMMARY), makeSummary)
}

function once(kind: string, text: string, make: (text: string) => string): string {
  const key = `${kind} ${text}`
  const known = kept.get(key)
  if (known !== undefined) return known
  const made = make(text)
  kept.set(key, made)
  return made
}

function makeSummary(text: string): string {
  const plain = sanitize(markdown.render(text), { allowedTags: [], allowedAttributes: {} })
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim()
  if (plain.length <= 160) return plain
  const cut = plain.slice(0, 160)
  const end = Math.max(cut.lastIndexOf('. '), cut.lastIndexOf('? '), cut.lastIndexOf('! '))
  return end > 40 ? cut.slice(0, end + 1) : `${cut.slice(0, cut.lastIndexOf(' ')).trimEnd()}…`
}
