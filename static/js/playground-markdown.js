import MarkdownIt from '../vendor/markdown-it.js'

/** Without HTML, links and images: what a model writes must not lead anywhere or request anything. */
const parser = new MarkdownIt({ html: false, breaks: true }).disable(['link', 'autolink', 'image', 'reference'])
// Headings of an answer are not headings of the page.
parser.renderer.rules.heading_open = () => '<p class="message-heading">'
parser.renderer.rules.heading_close = () => '</p>'

const MARKUP = 'pre, code, ul, ol, table, blockquote, strong, em, s, hr, .message-heading'

/** The formatted text as nodes; undefined if it has no Markdown. */
export function formatMarkdown(text) {
  const { body } = new DOMParser().parseFromString(parser.render(text), 'text/html')
  return body.querySelector(MARKUP) ? [...body.childNodes] : undefined
}
