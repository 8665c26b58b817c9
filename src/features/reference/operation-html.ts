import { STATUS_CODES } from 'node:http'
import { exampleHtml, methodColor, type SchemaRow, schemaRows, schemaType } from '../../web/api/openapi/schema-rows.js'
import { inlineMarkdownToHtml, markdownToHtml } from '../../web/pages/markdown.js'
import { createHighlighter, escapeHtml, type Highlighter } from '../../web/pages/syntax-highlighting.js'
import { exampleOf, fieldsOmitted, forExample, labels, locations } from './messages.js'
import type { BodyVariant, OperationParameter, Reference, ReferenceOperation } from './reference-types.js'

export type OperationHtml = ReturnType<typeof renderWithin>

/** Limit of HTML for descriptions and examples of one document, in characters. The rest is plain text. */
const MAX_HTML = 300_000
/** The same limit for one operation. */
const MAX_OPERATION_HTML = 100_000
/** Fields of request and response bodies in all tables of one document, and of one operation. */
const MAX_ROWS = 1200
const MAX_OPERATION_ROWS = 250

/** A field of a request or response body. */
interface FieldRow extends Pick<SchemaRow, 'name' | 'type' | 'required'> {
  descriptionHtml: string
}

interface RenderBudget {
  highlight: Highlighter
  html: number
  rows: number
}

/** by the responses of an operation, which `resolveOperations` does not copy */
const rendered = new WeakMap<object, OperationHtml>()

/** The parts of an operation's view that are the same for every caller. */
export function operationHtml(operation: ReferenceOperation): OperationHtml {
  if (operation.html) return operation.html
  const html = rendered.get(operation.responses) ?? renderWithin(operation, newBudget())
  rendered.set(operation.responses, html)
  return html
}

/** Adds all HTML that is the same for every caller. This can take long for a large document. */
export function withHtml(reference: Reference): Reference {
  const budget = newBudget()
  const descriptionHtml = renderDescription(reference.description, budget)
  const operations = reference.operations.map((operation) => ({ ...operation, html: renderWithin(operation, budget) }))
  const remarks = budget.rows > 0 ? [] : [fieldsOmitted]
  return {
    ...reference,
    remarks: [...reference.remarks, ...remarks],
    descriptionHtml,
    operations,
  }
}

export function descriptionHtmlOf({ description }: Reference): string {
  return renderDescription(description, newBudget())
}

function newBudget(): RenderBudget {
  return { highlight: createHighlighter(), html: MAX_HTML, rows: MAX_ROWS }
}

function renderWithin(operation: ReferenceOperation, document: RenderBudget) {
  const own = {
    ...document,
    html: Math.min(document.html, MAX_OPERATION_HTML),
    rows: Math.min(document.rows, MAX_OPERATION_ROWS),
  }
  const before = { html: own.html, rows: own.rows }
  const html = renderOperation(operation, own)
  document.html -= before.html - own.html
  document.rows -= before.rows - own.rows
  return { ...html, isCut: own.rows === 0 }
}

function renderOperation(operation: ReferenceOperation, budget: RenderBudget) {
  const { id, method, path, tag, summary, description, deprecated, parameters, body, responses } = operation
  const variant = body?.variants[0]
  const fields = fieldsOf(variant, budget)
  return {
    id,
    method,
    color: methodColor(method),
    tag,
    summary: summary || `${method} ${path}`,
    descriptionHtml: renderDescription(description, budget),
    deprecated,
    parameters: parameters.map((parameter) => parameterView(parameter, budget)),
    hasBody: variant !== undefined,
    bodyTypes: body?.variants.map(({ type }) => type).join(', ') ?? '',
    bodyDescriptionHtml: inlineWithin(body?.description ?? '', budget),
    bodySchemaType: variant && fields.length === 0 ? schemaType(variant.schema).type : '',
    fields,
    hasFields: fields.length > 0,
    bodyExamples: (body?.variants ?? []).flatMap((each) => exampleViews(each, labels.example, budget)),
    responses: responses.map((response) => {
      const responseFields = fieldsOf(response.variants[0], budget)
      return {
        status: response.status,
        descriptionHtml: inlineWithin(response.description || (STATUS_CODES[response.status] ?? ''), budget),
        types: response.variants.map(({ type }) => type).join(', '),
        fields: responseFields,
        hasFields: responseFields.length > 0,
        examples: response.variants.flatMap((each) => exampleViews(each, exampleOf(response.status), budget)),
        hasDetails: response.variants.some(({ example, schema }) => example !== '' || schema.properties !== undefined),
      }
    }),
  }
}

function fieldsOf(variant: BodyVariant | undefined, budget: RenderBudget): FieldRow[] {
  const rows = schemaRows(variant?.schema ?? {}, (schema) => schema).slice(0, budget.rows)
  budget.rows -= rows.length
  return rows.map(({ name, type, required, description }) => ({
    name,
    type,
    required,
    descriptionHtml: inlineWithin(description, budget),
  }))
}

/** One line of Markdown as HTML, or as plain text once the budget is spent. */
function inlineWithin(text: string, budget: RenderBudget): string {
  const html = budget.html > 0 ? inlineMarkdownToHtml(text) : escapeHtml(text)
  budget.html -= html.length
  return html
}

export function parameterView(parameter: OperationParameter, budget: RenderBudget = newBudget()) {
  const { name, in: location, required, description, schema, example } = parameter
  const more = example && !description.includes(example) ? forExample(example) : ''
  return {
    name,
    in: location,
    location: locations[location],
    required,
    descriptionHtml: inlineWithin([description, more].filter(Boolean).join(' '), budget),
    type: schemaType(schema).type,
  }
}

function exampleViews({ type, example }: BodyVariant, label: string, budget: RenderBudget) {
  if (example === '' || example === '{}') return []
  const codeHtml =
    budget.html > 0 ? exampleHtml(example, type, budget.highlight, { cache: false }) : escapeHtml(example)
  budget.html -= codeHtml.length
  return [{ label: `${label}, ${type}`, codeHtml }]
}

function renderDescription(text: string, budget: RenderBudget): string {
  if (text === '') return ''
  const html = budget.html > 0 ? markdownToHtml(text, { headings: false }) : `<p>${escapeHtml(text)}</p>`
  budget.html -= html.length
  return html
}
