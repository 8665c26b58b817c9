import { XMLParser } from 'fast-xml-parser'
import { mapInSlices } from '../../../infra/time-slices.js'

/** Entities are disabled, so a response cannot expand or read a file. The five entities of XML itself are decoded below. */
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: true, processEntities: false })

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** XML text as nested plain objects; text values are strings. Throws on a document type or on what is not XML. */
export function parseXml(text: string): Record<string, unknown> {
  if (/<!DOCTYPE/i.test(text)) throw new Error('a document type is not accepted')
  return decode(parser.parse(text, true)) as Record<string, unknown>
}

/** The same for the start of a document, whose last elements are not closed. */
export function parseXmlStart(text: string): Record<string, unknown> {
  if (/<!DOCTYPE/i.test(text)) throw new Error('a document type is not accepted')
  return decode(parser.parse(text.slice(0, text.lastIndexOf('>') + 1))) as Record<string, unknown>
}

/**
 * The rows of a list; undefined if the document has another root. A page of 500 products takes half a second, so its rows are parsed one
 * by one, and other requests run in between.
 */
export async function parseXmlList(
  text: string,
  root: string,
  item: string,
): Promise<Record<string, unknown>[] | undefined> {
  const rows = textOfRows(text, root, item)
  if (rows) return (await mapInSlices(rows, (row) => listOf(parseXml(row), item))).flat()
  const whole = parseXml(text)
  return root in whole ? listOf(whole[root], item) : undefined
}

/** The text of each row. Undefined if the document has a comment, CDATA or other text between its rows, and must be parsed whole. */
function textOfRows(text: string, root: string, item: string): string[] | undefined {
  const open = new RegExp(`^\\s*(?:<\\?xml[^>]*>\\s*)?<${root}(?:\\s[^<>]*)?>`).exec(text)?.[0]
  const end = text.lastIndexOf(`</${root}>`)
  if (open === undefined || end === -1 || text.slice(end).trim() !== `</${root}>` || text.includes('<!'))
    return undefined
  const tag = new RegExp(`<(/?)${item}(?:\\s[^<>]*)?>`, 'g')
  const rows: string[] = []
  let [depth, start, rest] = [0, 0, open.length]
  tag.lastIndex = rest
  for (let match = tag.exec(text); match; match = tag.exec(text)) {
    if (match[0].endsWith('/>')) return undefined
    if (match[1] === '' && depth++ === 0) {
      if (text.slice(rest, match.index).trim() !== '') return undefined
      start = match.index
    } else if (match[1] === '/' && --depth === 0) {
      rest = tag.lastIndex
      rows.push(text.slice(start, rest))
    }
  }
  return depth === 0 && text.slice(rest, end).trim() === '' ? rows : undefined
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
