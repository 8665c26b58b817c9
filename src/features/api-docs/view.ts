import { errorCodes, problem } from '../../errors.js'
import { mapInSlices } from '../../infra/time-slices.js'
import { exampleHtml, methodColor, schemaRows, schemaType } from '../../web/api/openapi/schema-rows.js'
import {
  type OpenApiDocument,
  type OpenApiMedia,
  type OpenApiOperation,
  type OpenApiParameter,
  type OpenApiResponse,
  type OpenApiSchema,
  resolve,
} from '../../web/api/openapi/types.js'
import { inlineMarkdownToHtml } from '../../web/pages/markdown.js'
import { codeView, createHighlighter } from '../../web/pages/syntax-highlighting.js'
import { exampleCurl, quoted, serviceTokenScript, userTokenScript } from './example-curl.js'
import { conventions, exampleLabel, factLabels, locations, page, samples } from './messages.js'

/** Markdown and examples of all operations take a tenth of a second, so other requests run in between. */
export async function apiDocsView(i: { document: OpenApiDocument; publicUrl: string; issuer: string }) {
  const { document, publicUrl, issuer } = i
  const base = `${publicUrl}/api/v1`
  const operations = await mapInSlices(operationsIn(document), ({ tag, method, path, operation }) => ({
    tag,
    ...operationView(document, base, method, path, operation),
  }))
  const objects = await mapInSlices(Object.entries(document.components.schemas), ([name, schema]) => ({
    id: `schema-${name}`,
    name,
    descriptionHtml: inlineMarkdownToHtml(schema.description ?? ''),
    fields: fieldsOf(document, schema),
  }))
  return {
    ...page,
    facts: [
      { label: factLabels.address, value: base, href: '' },
      { label: factLabels.openApi, value: '/api/v1/openapi.json', href: '/api/v1/openapi.json' },
      {
        label: factLabels.resourceMetadata,
        value: '/.well-known/oauth-protected-resource',
        href: '/.well-known/oauth-protected-resource',
      },
    ],
    start: [
      codeSample('token-user', samples.userToken, userTokenScript(issuer)),
      codeSample('token-service', samples.serviceToken, serviceTokenScript(issuer)),
      codeSample('first-call', samples.firstCall, `curl ${quoted(`${base}/me`)} -H "Authorization: Bearer $TOKEN"`),
    ],
    conventions: conventions.map(({ name, text }) => ({ name, textHtml: inlineMarkdownToHtml(text) })),
    groups: document.tags.map(({ name, description = '' }) => ({
      id: `tag-${name}`,
      name: name.replace(/^./, (initial) => initial.toUpperCase()),
      descriptionHtml: inlineMarkdownToHtml(description),
      operations: operations.filter(({ tag }) => tag === name),
    })),
    objects,
    errors: errorCodes
      .map((code) => ({
        code,
        status: problem(code).status,
        messageHtml: inlineMarkdownToHtml(problem(code).message),
      }))
      .sort((a, b) => a.status - b.status),
  }
}

function operationsIn({ paths }: OpenApiDocument) {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      tag: operation.tags[0],
      method: method.toUpperCase(),
      path,
      operation,
    })),
  )
}

function operationView(
  document: OpenApiDocument,
  base: string,
  method: string,
  path: string,
  operation: OpenApiOperation,
) {
  const { operationId, summary, description = '', requestBody, security = [] } = operation
  const parameters = (operation.parameters ?? []).map((parameter) => parameterView(resolve(document, parameter)))
  const body = requestBody?.content['application/json']?.schema
  const fields = body ? fieldsOf(document, body) : []
  return {
    id: operationId,
    method,
    color: methodColor(method),
    path,
    summary,
    descriptionHtml: inlineMarkdownToHtml(description),
    scope: security[0]?.openIdConnect?.[0] ?? '',
    reveals: security.some(({ openIdConnect = [] }) => openIdConnect.includes('maas:reveal')),
    optional: security.some((requirement) => Object.keys(requirement).length === 0),
    parameters,
    hasParameters: parameters.length > 0,
    fields,
    hasFields: fields.length > 0,
    curl: codeSample(`curl-${operationId}`, { label: 'curl', note: '' }, exampleCurl(base, method, path, operation)),
    responses: Object.entries(operation.responses)
      .filter(([status]) => Number(status) < 400)
      .flatMap(([status, response]) => responseViews(operationId, status, resolve(document, response))),
    errors: Object.entries(operation.responses)
      .filter(([status]) => Number(status) >= 400)
      .map(([status, response]) => ({
        status,
        descriptionHtml: inlineMarkdownToHtml(resolve(document, response).description ?? ''),
      })),
  }
}

function parameterView({
  name = '',
  in: location = 'query',
  required = false,
  description = '',
  schema = {},
}: OpenApiParameter) {
  return {
    name,
    location: locations[location],
    required,
    descriptionHtml: inlineMarkdownToHtml(description),
    type: schemaType(schema).type,
  }
}

function responseViews(operationId: string, status: string, { description = '', content = {} }: OpenApiResponse) {
  const examples = Object.entries(content)
  const descriptionHtml = inlineMarkdownToHtml(description)
  if (examples.length === 0) return [{ status, descriptionHtml, label: '', object: '', href: '', codeHtml: '' }]
  return examples.map(([type, media]) => ({
    status,
    descriptionHtml,
    label: exampleLabel(operationId, status),
    ...objectOf(media),
    codeHtml: exampleHtml(exampleText(type, media), type, createHighlighter(), { cache: true }),
  }))
}

function objectOf({ schema = {} }: OpenApiMedia): { object: string; href: string } {
  const { type, href } = schemaType(schema.properties?.items ?? schema)
  return href ? { object: type, href } : { object: '', href: '' }
}

function exampleText(type: string, { example }: OpenApiMedia): string {
  return type.includes('json') ? JSON.stringify(example, null, 2) : String(example)
}

function fieldsOf(document: OpenApiDocument, schema: OpenApiSchema) {
  return schemaRows(schema, (item) => resolve(document, item)).map(({ description, ...row }) => ({
    ...row,
    descriptionHtml: inlineMarkdownToHtml(description),
  }))
}

function codeSample(client: string, { label, note }: { label: string; note: string }, code: string) {
  return codeView({ client, group: 'Shell', label, language: 'bash', code, note, verification: 'parsed' })
}
