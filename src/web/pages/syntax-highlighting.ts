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
import { mapInSlices } from '../../infra/time-slices.js'

/** Commands of cmd.exe in the form that the portal generates. The grammar of highlight.js finds keywords and numbers within quotes. */
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
  alternative?: string
  verification: 'run' | 'parsed'
  filename?: string
}

/** Longer blocks of code are not highlighted. */
const MAX_HIGHLIGHTED = 8192
/**
 * Longer words and spaces are not highlighted: the grammars of bash, ini and JavaScript take quadratic time for them. Generated code has
 * them only in values of users and operators.
 */
const MAX_RUN = 255
/** Estimated HTML per character, and per symbol, which may become an element. */
const CHARACTER = 10
const ELEMENT = 40
/** Limit of one page. The code of a model for fifteen clients takes a third of it. */
const PAGE_BUDGET = 500_000

/** Highlighted code without keys and conversations, which users share. The limit is in characters. */
const MAX_CACHED_CHARACTERS = 4_000_000
const cache = new LRUCache<string, string>({
  maxSize: MAX_CACHED_CHARACTERS,
  sizeCalculation: (html, code) => html.length + code.length,
})

export type Highlighter = (code: string, language: string, options?: { cache?: boolean }) => string

/**
 * Code as HTML with exactly that text. It is highlighted if it is short and simple and the budget of the page permits. `cache` is for
 * code that all users share.
 */
export function createHighlighter(budget = PAGE_BUDGET): Highlighter {
  let remaining = budget
  return (code, language, { cache: isShared = false } = {}) => {
    const cost = costOf(code)
    if (cost > remaining) return escapeHtml(code)
    remaining -= cost
    return isShared ? highlightCached(code, language) : hljs.highlight(code, { language }).value
  }
}

/** Characters of code and HTML in the cache. */
export function cachedCharacters(): number {
  return cache.calculatedSize
}

/** Estimated characters of HTML; infinite for code that is not highlighted. */
function costOf(code: string): number {
  if (code.length > MAX_HIGHLIGHTED || hasLongRun(code)) return Number.POSITIVE_INFINITY
  return CHARACTER * code.length + ELEMENT * (code.match(/[^\w\s]/g)?.length ?? 0)
}

function hasLongRun(code: string): boolean {
  return [...code.split(/\s+/), ...code.split(/\S+/)].some(({ length }) => length > MAX_RUN)
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' }

/** Text as HTML. */
export function escapeHtml(code: string): string {
  return code.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)
}

type Block = ReturnType<typeof codeView> & InGroup & { chosen: boolean; alternativeLabel: string }

interface InGroup {
  /** the position of the group, from 0: the style sheet has a rule for each */
  groupIndex: number
  groupStarts: boolean
}

/** Clients with the position of their group, which is a tab of the code. Clients of a group follow each other. */
export function withGroups<T extends { group: string }>(clients: T[]): (T & InGroup)[] {
  const groups = [...new Set(clients.map(({ group }) => group))]
  return clients.map((client, index) => ({
    ...client,
    groupIndex: groups.indexOf(client.group),
    groupStarts: client.group !== clients[index - 1]?.group,
  }))
}

/** Blocks of the same snippets, which all pages of a model share. */
const blocksOf = new WeakMap<Code[], Block[]>()

/** The blocks of one page for partials/code, grouped, with the first one selected. */
export function codeBlocks(snippets: Code[]): Block[] {
  const blocks = blocksOf.get(snippets) ?? createBlocks(snippets)
  blocksOf.set(snippets, blocks)
  return blocks
}

function createBlocks(snippets: Code[]): Block[] {
  const highlight = createHighlighter()
  const all = withGroups(snippets.map((snippet) => codeView(snippet, { highlight, cache: true })))
  return all.map((block, index) => ({
    ...block,
    chosen: index === 0,
    alternativeLabel: clientName(all.find(({ client }) => client === block.alternative)),
  }))
}

/** Highlights code that users share, so that `codeBlocks` finds it in the cache. Other requests run in between. */
export async function highlightInSlices(snippets: Pick<Code, 'code' | 'language'>[]): Promise<void> {
  const highlight = createHighlighter()
  await mapInSlices(snippets, ({ code, language }) => highlight(code, language, { cache: true }))
}

/** A snippet for a template, as HTML with exactly the text of the code. */
export function codeView(
  { client, group, label, language, code, with_key, note, alternative, verification, filename }: Code,
  { highlight, cache }: { highlight: Highlighter; cache: boolean } = { highlight: createHighlighter(), cache: true },
) {
  return {
    client,
    group,
    label,
    title: clientName({ group, label }),
    note: note ?? '',
    alternative: alternative ?? '',
    tested: verification === 'run' && !alternative,
    download: client === 'jupyter' && !alternative ? (filename ?? '') : '',
    codeHtml: with_key === undefined ? highlight(code, language, { cache }) : highlight(with_key, language),
  }
}

/** The display name of a client. */
export function clientName(block: { group: string; label: string } | undefined): string {
  if (!block) return ''
  return block.group === 'Python' || block.group === 'JavaScript' ? `${block.group}: ${block.label}` : block.label
}

function highlightCached(code: string, language: string): string {
  const key = `${language}\n${code}`
  const existing = cache.get(key)
  if (existing !== undefined || code === '') return existing ?? ''
  const html = hljs.highlight(code, { language }).value
  cache.set(key, html)
  return html
}
