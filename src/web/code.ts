import type { LanguageFn } from 'highlight.js'
import hljs from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import ini from 'highlight.js/lib/languages/ini'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import powershell from 'highlight.js/lib/languages/powershell'
import python from 'highlight.js/lib/languages/python'
import yaml from 'highlight.js/lib/languages/yaml'
import { LRUCache } from 'lru-cache'

/** Commands of cmd.exe as the portal writes them. highlight.js' own grammar finds keywords and numbers within quotes. */
const dos: LanguageFn = () => {
  const variable = { scope: 'variable', match: /%\w+%/ }
  const quoted = { scope: 'string', begin: '"', end: '"', contains: [{ match: /\\./ }, variable] }
  return { contains: [{ scope: 'comment', match: /^rem .*/ }, quoted, variable] }
}

for (const [name, language] of Object.entries({ bash, dos, ini, javascript, json, powershell, python, yaml }))
  hljs.registerLanguage(name, language)

interface Code {
  client: string
  group: string
  label: string
  language: string
  code: string
  with_key?: string
  note?: string
  nearest?: string
  proof: 'run' | 'replayed' | 'parsed'
  filename?: string
}

/** Characters of one block of code that are highlighted. */
const MOST_HIGHLIGHTED = 8192
/**
 * The grammars of bash, ini and JavaScript take time that grows with the square of a word or of a space. Code of the portal has
 * such words only where somebody else chose them.
 */
const LONGEST_RUN = 255
/** What a character costs, and a sign that is not part of a word, which may become an element of its own. */
const CHARACTER = 10
const ELEMENT = 40
/** What the code of one page may cost; a model's code in fifteen clients costs a third of it. */
const PAGE_BUDGET = 500_000

/** characters of highlighted code without keys and without anybody's conversation, which most visitors share */
const KEPT = 4_000_000
const kept = new LRUCache<string, string>({ maxSize: KEPT, sizeCalculation: (html, code) => html.length + code.length })

export type Highlight = (code: string, language: string, options?: { cache?: boolean }) => string

/**
 * Code as HTML whose text is exactly that code. It is highlighted where it is short and simple enough and the page has
 * something left of its budget, else it is plain. `cache` is for code that is the same for everybody.
 */
export function createHighlight(budget = PAGE_BUDGET): Highlight {
  let left = budget
  return (code, language, { cache = false } = {}) => {
    const cost = costOf(code)
    if (cost > left) return escapedHtml(code)
    left -= cost
    return cache ? cached(code, language) : hljs.highlight(code, { language }).value
  }
}

/** Characters of code and HTML that are kept. */
export function keptCharacters(): number {
  return kept.calculatedSize
}

/** About the characters of HTML that highlighting makes; infinite where it is not to be done at all. */
function costOf(code: string): number {
  if (code.length > MOST_HIGHLIGHTED || hasLongRun(code)) return Number.POSITIVE_INFINITY
  return CHARACTER * code.length + ELEMENT * (code.match(/[^\w\s]/g)?.length ?? 0)
}

function hasLongRun(code: string): boolean {
  return [...code.split(/\s+/), ...code.split(/\S+/)].some(({ length }) => length > LONGEST_RUN)
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' }

/** Text as HTML. */
export function escapedHtml(code: string): string {
  return code.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)
}

/** Languages whose copy with the key is in the same language; the others have a script of bash around the code. */
const alone = new Set(['dos', 'ini', 'json', 'powershell', 'yaml'])

const blocksOf = new WeakMap<Code[], Block[]>()
type Block = ReturnType<typeof codeView> & { chosen: boolean; groupStarts: boolean; nearestLabel: string }

/** The blocks of one page, for partials/code: grouped, the first one chosen. The same list gives the same blocks. */
export function codeBlocks(snippets: Code[]): Block[] {
  const known = blocksOf.get(snippets)
  if (known) return known
  const highlight = createHighlight()
  const all = snippets.map((snippet) => codeView(snippet, { highlight, cache: true }))
  const blocks = all.map((block, index) => ({
    ...block,
    chosen: index === 0,
    groupStarts: block.group !== all[index - 1]?.group,
    nearestLabel: nameOf(all.find(({ client }) => client === block.nearest)),
  }))
  blocksOf.set(snippets, blocks)
  return blocks
}

/** A snippet for a template: what is shown is HTML, whose text is exactly the code. */
export function codeView(
  { client, group, label, language, code, with_key, note, nearest, proof, filename }: Code,
  { highlight, cache }: { highlight: Highlight; cache: boolean } = { highlight: createHighlight(), cache: true },
) {
  return {
    client,
    group,
    label,
    title: nameOf({ group, label }),
    note: note ?? '',
    nearest: nearest ?? '',
    tested: proof === 'run' && !nearest,
    download: client === 'jupyter' && !nearest ? (filename ?? '') : '',
    codeHtml:
      with_key === undefined
        ? highlight(code, language, { cache })
        : highlight(with_key, alone.has(language) ? language : 'bash'),
  }
}

/** A client's name as people know it. */
export function nameOf(block: { group: string; label: string } | undefined): string {
  if (!block) return ''
  return block.group === 'Python' || block.group === 'JavaScript' ? `${block.group}: ${block.label}` : block.label
}

function cached(code: string, language: string): string {
  const key = `${language}\n${code}`
  const known = kept.get(key)
  if (known !== undefined || code === '') return known ?? ''
  const html = hljs.highlight(code, { language }).value
  kept.set(key, html)
  return html
}
