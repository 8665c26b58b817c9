import { escapeXml } from '../http/responses.js'

/** An element: a text, nothing (`<x/>`), or elements inside, which without any is `<x></x>`, as Ruby's builder writes them. */
export interface Element {
  name: string
  attributes?: Record<string, string>
  content: string | number | boolean | null | Element[]
}

export function element(name: string, content: Element['content'] | undefined, attributes?: Record<string, string>) {
  return { name, content: content ?? null, ...(attributes ? { attributes } : {}) } satisfies Element
}

/** One element for each member that is defined. */
export function elements(values: Record<string, Element['content'] | undefined>): Element[] {
  return Object.entries(values)
    .filter(([, content]) => content !== undefined)
    .map(([name, content]) => element(name, content))
}

/** Paging is said by attributes of the root. */
export function listDocument(root: string, rows: Element[], metadata: object = {}): string {
  const attributes = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, String(value)]))
  return document(element(root, rows, attributes))
}

export function document(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>${textOf(root)}`
}

function textOf({ name, attributes = {}, content }: Element): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(value)}"`)
  const open = `<${name}${given.join('')}`
  if (content === null || content === '') return `${open}/>`
  const inside = Array.isArray(content) ? content.map(textOf).join('') : escapeXml(String(content))
  return `${open}>${inside}</${name}>`
}
