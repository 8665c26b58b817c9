import MarkdownIt from 'markdown-it'
import sanitize from 'sanitize-html'

const markdown = new MarkdownIt({ html: false, linkify: true })

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

/**
 * Markdown of an operator as HTML that can do nothing: no raw HTML, no scripts, no pictures from elsewhere. Without
 * headings where it stands deep inside a page that has its own.
 */
export function safeHtml(text: string, { headings = true } = {}): string {
  return sanitize(markdown.render(text.slice(0, 50_000)), headings ? allowed : flat)
}

/** The first sentence or two as plain text. */
export function summaryOf(text: string): string {
  const plain = sanitize(markdown.render(text.slice(0, 5000)), { allowedTags: [], allowedAttributes: {} })
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
