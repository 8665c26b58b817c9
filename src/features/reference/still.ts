import { STATUS_CODES } from 'node:http'
import { createHighlight, escapedHtml, type Highlight } from '../../web/code.js'
import { inlineHtml, safeHtml } from '../../web/markdown.js'
import { exampleHtml, methodColor, rowsOf, type SchemaRow, typeOf } from '../../web/openapi/show.js'
import type { Kind, Operation, Parameter, Reference } from './shapes.js'

export type Still = ReturnType<typeof makeStill>

/** Characters of HTML that descriptions and examples of one document may become; further ones are plain text. */
const MOST_HTML = 300_000
/** The same of one operation. */
const HTML_OF_OPERATION = 100_000
/** Fields of bodies and answers in all tables of one document, and of one operation. */
const MOST_ROWS = 1200
const ROWS_OF_OPERATION = 250

/** A field of a body or an answer. */
interface Row extends Pick<SchemaRow, 'name' | 'type' | 'required'> {
  descriptionHtml: string
}

interface Room {
  highlight: Highlight
  html: number
  rows: number
}

/** by what placing an operation leaves as it is */
const known = new WeakMap<object, Still>()

/** How an operation is shown, as far as that does not depend on who looks. */
export function stillOf(operation: Operation): Still {
  if (operation.still) return operation.still
  const still = known.get(operation.responses) ?? makeStill(operation, newRoom())
  known.set(operation.responses, still)
  return still
}

/** A reference with all HTML that does not depend on who looks: it may take long to make. */
export function withHtml(reference: Reference): Reference {
  const room = newRoom()
  const descriptionHtml = described(reference.description, room)
  const operations = reference.operations.map((operation) => ({ ...operation, still: makeStill(operation, room) }))
  const notes = room.rows > 0 ? [] : ['The tables of fields are very long, so some fields are omitted.']
  return {
    ...reference,
    notes: [...reference.notes, ...notes],
    descriptionHtml,
    operations,
  }
}

export function descriptionHtmlOf({ description }: Reference): string {
  return described(description, newRoom())
}

function newRoom(): Room {
  return { highlight: createHighlight(), html: MOST_HTML, rows: MOST_ROWS }
}

function makeStill(operation: Operation, document: Room) {
  const own = {
    ...document,
    html: Math.min(document.html, HTML_OF_OPERATION),
    rows: Math.min(document.rows, ROWS_OF_OPERATION),
  }
  const before = { html: own.html, rows: own.rows }
  const still = stillIn(operation, own)
  document.html -= before.html - own.html
  document.rows -= before.rows - own.rows
  return { ...still, isCut: own.rows === 0 }
}

function stillIn(operation: Operation, room: Room) {
  const { id, method, path, tag, summary, description, deprecated, parameters, body, responses } = operation
  const kind = body?.kinds[0]
  const fields = fieldsOf(kind, room)
  return {
    id,
    method,
    color: methodColor(method),
    tag,
    summary: summary || `${method} ${path}`,
    descriptionHtml: described(description, room),
    deprecated,
    parameters: parameters.map((parameter) => parameterView(parameter, room)),
    hasBody: kind !== undefined,
    bodyTypes: body?.kinds.map(({ type }) => type).join(', ') ?? '',
    bodyDescriptionHtml: lineOf(body?.description ?? '', room),
    bodyIs: kind && fields.length === 0 ? typeOf(kind.schema).type : '',
    fields,
    hasFields: fields.length > 0,
    bodyExamples: (body?.kinds ?? []).flatMap((each) => exampleView(each, 'Example', room)),
    answers: responses.map((response) => {
      const answerFields = fieldsOf(response.kinds[0], room)
      return {
        status: response.status,
        descriptionHtml: lineOf(response.description || (STATUS_CODES[response.status] ?? ''), room),
        types: response.kinds.map(({ type }) => type).join(', '),
        fields: answerFields,
        hasFields: answerFields.length > 0,
        examples: response.kinds.flatMap((each) => exampleView(each, `Example of ${response.status}`, room)),
        more: response.kinds.some(({ example, schema }) => example !== '' || schema.properties !== undefined),
      }
    }),
  }
}

function fieldsOf(kind: Kind | undefined, room: Room): Row[] {
  const rows = rowsOf(kind?.schema ?? {}, (schema) => schema).slice(0, room.rows)
  room.rows -= rows.length
  return rows.map(({ name, type, required, description }) => ({
    name,
    type,
    required,
    descriptionHtml: lineOf(description, room),
  }))
}

/** One line of Markdown as HTML, as far as there is room for it. */
function lineOf(text: string, room: Room): string {
  const html = room.html > 0 ? inlineHtml(text) : escapedHtml(text)
  room.html -= html.length
  return html
}

export function parameterView(parameter: Parameter, room: Room = newRoom()) {
  const { name, in: place, required, description, schema, example } = parameter
  const places = { query: 'query', path: 'address', header: 'header', cookie: 'cookie' }
  const more = example && !description.includes(example) ? `For example ${example}` : ''
  return {
    name,
    in: place,
    place: places[place],
    required,
    descriptionHtml: lineOf([description, more].filter(Boolean).join(' '), room),
    type: typeOf(schema).type,
  }
}

function exampleView({ type, example }: Kind, label: string, room: Room) {
  if (example === '' || example === '{}') return []
  const codeHtml = room.html > 0 ? exampleHtml(example, type, room.highlight, { cache: false }) : escapedHtml(example)
  room.html -= codeHtml.length
  return [{ label: `${label}, ${type}`, codeHtml }]
}

function described(text: string, room: Room): string {
  if (text === '') return ''
  const html = room.html > 0 ? safeHtml(text, { headings: false }) : `<p>${escapedHtml(text)}</p>`
  room.html -= html.length
  return html
}
