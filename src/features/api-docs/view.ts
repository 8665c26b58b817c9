import { errorCodes, problem } from '../../errors.js'
import { codeView, createHighlight } from '../../web/code.js'
import {
  type Media,
  type OpenApiDocument,
  type Operation,
  type Parameter,
  type Response,
  resolve,
  type Schema,
} from '../../web/openapi/shapes.js'
import { exampleHtml, methodColor, rowsOf, typeOf } from '../../web/openapi/show.js'
import { curlOf, personToken, quoted, serviceToken } from './curl.js'

export function docsView(i: { document: OpenApiDocument; publicUrl: string; issuer: string }) {
  const { document, publicUrl, issuer } = i
  const base = `${publicUrl}/api/v1`
  return {
    title: 'REST API',
    lead: 'Everything the pages do, for programs: the same rules and the same results.',
    facts: [
      { label: 'Address', value: base, href: '' },
      { label: 'Description for tools (OpenAPI 3.1)', value: '/api/v1/openapi.json', href: '/api/v1/openapi.json' },
      {
        label: 'Where tokens come from (RFC 9728)',
        value: '/.well-known/oauth-protected-resource',
        href: '/.well-known/oauth-protected-resource',
      },
    ],
    start: [
      shell(
        'token-person',
        'A token for you',
        personToken(issuer),
        'Your operator may have given the client another id.',
      ),
      shell(
        'token-service',
        'A token for a service',
        serviceToken(issuer),
        'The operator lists the client as a service.',
      ),
      shell('first-call', 'The first call', `curl ${quoted(`${base}/me`)} -H "Authorization: Bearer $TOKEN"`, ''),
    ],
    rules,
    groups: document.tags.map(({ name, description = '' }) => ({
      id: `tag-${name}`,
      name: name.replace(/^./, (letter) => letter.toUpperCase()),
      description,
      operations: operationsOf(document, name, base),
    })),
    nouns: nounsOf(document),
    errors: errorCodes
      .map((code) => ({ code, status: problem(code).status, sentence: problem(code).message }))
      .sort((a, b) => a.status - b.status),
  }
}

const rules = [
  {
    name: 'Tokens',
    text: 'Send an access token in the Authorization header. Reading requires the scope maas:read, and changes require maas:write. Returning an existing key (reveal=true) also requires maas:reveal.',
  },
  {
    name: 'Sending again',
    text: 'Give each POST an Idempotency-Key of your own. The same key and body leave one result however often they arrive, so after a lost answer just send it again.',
  },
  {
    name: 'Lists',
    text: 'A list has items and next_cursor. Send the cursor back for the next page; null means that this was the last.',
  },
  {
    name: 'Limits',
    text: 'RateLimit tells how many calls are left and for how many seconds. After 429 or 503, wait as long as Retry-After says.',
  },
  {
    name: 'Not changed',
    text: 'Send the ETag of the catalogue as If-None-Match: the answer is 304 when nothing has changed.',
  },
  {
    name: 'Mistakes',
    text: 'Errors are problem details (RFC 9457): a stable type, a sentence that says what to do, errors by field, and a request_id for support.',
  },
  {
    name: 'Browsers',
    text: 'A web application of another origin can call the API where the operator lists its origin (CORS). It sends an access token; cookies are not accepted.',
  },
]

function operationsOf(document: OpenApiDocument, tag: string, base: string) {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => operation.tags[0] === tag)
      .map(([verb, operation]) => operationView(document, base, verb.toUpperCase(), path, operation)),
  )
}

function operationView(document: OpenApiDocument, base: string, method: string, path: string, operation: Operation) {
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
    description,
    scope: security[0]?.bearer?.[0] ?? '',
    reveals: security.some(({ bearer = [] }) => bearer.includes('maas:reveal')),
    optional: security.some((wanted) => Object.keys(wanted).length === 0),
    parameters,
    hasParameters: parameters.length > 0,
    fields,
    hasFields: fields.length > 0,
    curl: shell(`curl-${operationId}`, 'curl', curlOf(base, method, path, operation), ''),
    answers: Object.entries(operation.responses)
      .filter(([status]) => Number(status) < 400)
      .flatMap(([status, answer]) => answerViews(operationId, status, resolve(document, answer))),
    refusals: Object.entries(operation.responses)
      .filter(([status]) => Number(status) >= 400)
      .map(([status, answer]) => ({ status, description: resolve(document, answer).description ?? '' })),
  }
}

function parameterView({ name = '', in: place = 'query', required = false, description = '', schema = {} }: Parameter) {
  const places = { query: 'query', path: 'address', header: 'header' }
  return { name, place: places[place], required, description, type: typeOf(schema).type }
}

function answerViews(operationId: string, status: string, { description = '', content = {} }: Response) {
  const kinds = Object.entries(content)
  if (kinds.length === 0) return [{ id: '', status, description, label: '', noun: '', href: '', codeHtml: '' }]
  return kinds.map(([type, media]) => ({
    id: `answer-${operationId}-${status}-${type.split('/').pop()}`,
    status,
    description,
    label: `Example of ${operationId}, ${status}`,
    ...nounOf(media),
    codeHtml: exampleHtml(exampleText(type, media), type, createHighlight(), { cache: true }),
  }))
}

function nounOf({ schema = {} }: Media): { noun: string; href: string } {
  const { type, href } = typeOf(schema.properties?.items ?? schema)
  return href ? { noun: type, href } : { noun: '', href: '' }
}

function exampleText(type: string, { example }: Media): string {
  return type.includes('json') ? JSON.stringify(example, null, 2) : String(example)
}

function fieldsOf(document: OpenApiDocument, schema: Schema) {
  return rowsOf(schema, (item) => resolve(document, item))
}

function nounsOf(document: OpenApiDocument) {
  return Object.entries(document.components.schemas).map(([name, schema]) => ({
    id: `noun-${name}`,
    name,
    description: schema.description ?? '',
    fields: fieldsOf(document, schema),
  }))
}

function shell(client: string, label: string, code: string, note: string) {
  return codeView({ client, group: 'Shell', label, language: 'bash', code, note, proof: 'parsed' })
}
