import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isProblem, problem } from '../../../errors.js'
import { isWithinBounds } from '../../../infra/bounded-json.js'
import { jsonErrorPosition } from './json-position.js'
import { bodyErrors, jsonSyntaxError } from './messages.js'

const JSON_TYPE = 'application/json'
/** RFC 7396. Every PATCH of this API is one. */
const MERGE_PATCH = 'application/merge-patch+json'

/**
 * Bodies of the API are JSON in UTF-8 (RFC 8259 section 8.1). Clients send a Content-Type with and without a body, so it counts only
 * with a body (RFC 9110 section 8.3). A missing body is `{}`, so that the errors name the required fields. Every other content type is
 * 415, which rejects forms of other sites.
 */
export function jsonBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    if (raw.headers['content-type'] !== undefined && isEmpty(raw.headers)) delete raw.headers['content-type']
    done()
  })
  app.addHook('preParsing', ({ method, headers }, reply, payload, done) => {
    if (method !== 'PATCH' && headers['content-type']?.toLowerCase().startsWith(MERGE_PATCH))
      return done(problem('unsupported_type', { detail: bodyErrors.notJson }))
    if (isEmpty(headers) || !isEncoded(headers)) return done(null, payload)
    reply.header('accept-encoding', 'identity')
    done(problem('unsupported_type', { detail: bodyErrors.encoded }))
  })
  app.addContentTypeParser<Buffer>([JSON_TYPE, MERGE_PATCH], { parseAs: 'buffer' }, (request, bytes, done) => {
    const text = bytes.toString()
    if (text === '') done(null)
    // decoding would store replacement characters
    else if (!isUtf8(bytes)) done(problem('bad_request', { detail: bodyErrors.notUtf8 }))
    else if (!isWithinBounds(text)) done(problem('invalid_fields', { detail: bodyErrors.tooDeep }))
    else parseJson(request, text, (error, body) => done(error && syntaxError(text, error), body))
  })
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    if (request.headers['content-length'] !== undefined)
      throw problem('unsupported_type', { detail: bodyErrors.notJson })
    // a destroyed stream would close the connection before the response
    for await (const part of payload.iterator({ destroyOnReturn: false }))
      if (part.length > 0) throw problem('unsupported_type', { detail: bodyErrors.notJson })
  })
  app.addHook('onError', async (_request, reply, error) => {
    // RFC 9110 section 15.5.16
    if (isProblem(error, 'unsupported_type') && !reply.hasHeader('accept-encoding')) reply.header('accept', JSON_TYPE)
  })
  app.addHook('preValidation', (request, _reply, done) => {
    const schema = request.routeOptions.schema?.body
    if (schema && (request.body === undefined || (request.body === null && isOptionalBody(schema)))) request.body = {}
    done()
  })
}

/** Reports the position of the error without the text, which may be a secret. */
function syntaxError(text: string, cause: Error) {
  const position = jsonErrorPosition(text)
  const detail = position ? jsonSyntaxError(position) : bodyErrors.prototype
  return problem('bad_request', { detail, cause })
}

/** True if an empty object is valid. */
export function isOptionalBody(body: unknown): boolean {
  const {
    type,
    required = [],
    minProperties = 0,
  } = body as {
    type?: unknown
    required?: string[]
    minProperties?: number
  }
  return type === 'object' && required.length === 0 && minProperties === 0
}

function isEncoded({ 'content-encoding': encoding = 'identity' }: IncomingHttpHeaders): boolean {
  return encoding.trim().toLowerCase() !== 'identity'
}

function isEmpty(headers: IncomingHttpHeaders): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers
  return encoding === undefined && (length === undefined || Number(length) === 0)
}
