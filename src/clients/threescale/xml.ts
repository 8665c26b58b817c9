import { XMLParser } from 'fast-xml-parser'

/** Entities are off: an answer must not be able to grow or to name a file. The five of XML itself are read by hand. */
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: true, processEntities: false })

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** XML text as nested plain objects; text values are strings. Throws on a document type or on what is not XML. */
export function parseXml(text: string): Record<string, unknown> {
  if (/<!DOCTYPE/i.test(text)) throw new Error('a document type is not taken')
  return decode(parser.parse(text, true)) as Record<string, unknown>
}

/** The children of that name as a list: none, one or many. */
export function listOf(node: unknown, name: string): Record<string, unknown>[] {
  if (typeof node !== 'object' || node === null) return []
  const value = (node as Record<string, unknown>)[name]
  const list: unknown[] = Array.isArray(value) ? value : value === undefined || value === '' ? [] : [value]
  return list.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
}

function decode(value: unknown): unknown {
  if (typeof value === 'string') return decodeEntities(value)
  if (Array.isArray(value)) return value.map(decode)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, decode(inner)]))
}

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi,
    (whole, decimal, hex, name: string | undefined) => {
      if (name) return entities[name] ?? whole
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}
