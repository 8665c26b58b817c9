import { LRUCache } from 'lru-cache'
import MarkdownIt from 'markdown-it'
import sanitize from 'sanitize-html'

const markdown = new MarkdownIt({ html: false, linkify: true })
const withoutTables = new MarkdownIt({ html: false, linkify: true }).disable('table')
/** Longer text of operators is cut. The formatting of this many characters takes up to 20 ms. */
const MAX_CHARACTERS = 20_000
/** Short rows are filled with empty cells, so a short text could become a large table. */
const MAX_CELLS = 10_000

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
    // the page has its own h1
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

/** Descriptions may be hostile, so each is formatted once. The limit is in characters. */
const MAX_CACHED_CHARACTERS = 2_000_000
const cache = new LRUCache<string, string>({
  maxSize: MAX_CACHED_CHARACTERS,
  sizeCalculation: (html, key) => html.length + key.length,
})
/** Longer lines are cut. */
const MAX_LINE = 2000
/** Input of a summary, which has up to 160 characters. */
const SUMMARY_INPUT = 1500

/**
 * Markdown of an operator as safe HTML: without raw HTML, scripts and external images. `headings: false` is for text inside a page with
 * headings of its own. Text after `maxCharacters` is cut.
 */
export function markdownToHtml(text: string, { headings = true, maxCharacters = MAX_CHARACTERS } = {}): string {
  const short = text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text
  return cached(headings ? 'page' : 'flat', short, () => sanitize(rendered(short), headings ? allowed : flat))
}

function rendered(text: string): string {
  const lines = text.split('\n')
  const columns = Math.max(...lines.map((line) => line.split('|').length))
  return (columns * lines.length > MAX_CELLS ? withoutTables : markdown).render(text)
}

const inline: sanitize.IOptions = {
  ...allowed,
  allowedTags: ['em', 'strong', 'code', 'a', 'br'],
}

/** One line of Markdown as HTML for a table: emphasis, code and links. */
export function inlineMarkdownToHtml(text: string): string {
  if (!/[`*_[\]<&\\]|:\/\//.test(text)) return text.replace(/>/g, '&gt;').replace(/"/g, '&quot;')
  const short = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text
  return cached('inline', short, () => sanitize(withoutTables.renderInline(short), inline))
}

/** The first sentence or two as plain text. */
export function markdownSummary(text: string): string {
  return cached('summary', text.slice(0, SUMMARY_INPUT), summarize)
}

function cached(kind: string, text: string, format: (text: string) => string): string {
  const key = `${kind} ${text}`
  const existing = cache.get(key)
  if (existing !== undefined) return existing
  const html = format(text)
  cache.set(key, html)
  return html
}

function summarize(text: string): string {
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
