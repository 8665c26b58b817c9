import hljs from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import ini from 'highlight.js/lib/languages/ini'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import python from 'highlight.js/lib/languages/python'
import yaml from 'highlight.js/lib/languages/yaml'
import { LRUCache } from 'lru-cache'

for (const [name, language] of Object.entries({ bash, ini, javascript, json, python, yaml }))
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

/** characters of highlighted code without keys, which most visitors share */
const KEPT = 4_000_000
const kept = new LRUCache<string, string>({ maxSize: KEPT, sizeCalculation: (html, code) => html.length + code.length })

/** Clients whose copy with the key is a shell script around the code. */
const files = new Set(['ini', 'json', 'yaml'])

const blocksOf = new WeakMap<Code[], Block[]>()
type Block = ReturnType<typeof codeView> & { chosen: boolean; groupStarts: boolean; nearestLabel: string }

/** The blocks of one page, for partials/code: grouped, the first one chosen. The same list gives the same blocks. */
export function codeBlocks(snippets: Code[]): Block[] {
  const known = blocksOf.get(snippets)
  if (known) return known
  const all = snippets.map((snippet) => codeView(snippet))
  const blocks = all.map((block, index) => ({
    ...block,
    chosen: index === 0,
    groupStarts: block.group !== all[index - 1]?.group,
    nearestLabel: nameOf(all.find(({ client }) => client === block.nearest)),
  }))
  blocksOf.set(snippets, blocks)
  return blocks
}

/** A snippet for a template: what is shown is highlighted HTML, whose text is exactly the code. */
export function codeView({ client, group, label, language, code, with_key, note, nearest, proof, filename }: Code) {
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
      with_key === undefined ? shared(code, language) : highlight(with_key, files.has(language) ? language : 'bash'),
  }
}

function nameOf(block: { group: string; label: string } | undefined): string {
  if (!block) return ''
  return block.group === 'Python' || block.group === 'JavaScript' ? `${block.group}: ${block.label}` : block.label
}

function shared(code: string, language: string): string {
  const key = `${language}\n${code}`
  const known = kept.get(key)
  if (known !== undefined || code === '') return known ?? ''
  const html = highlight(code, language)
  kept.set(key, html)
  return html
}

function highlight(code: string, language: string): string {
  return hljs.highlight(code, { language }).value
}
