import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isWithinBounds } from '../clients/bounded-json.js'
import { problem } from '../errors.js'

const TOO_DEEP = 'The JSON is nested too deeply or has too many values. Send what the API describes.'

/**
 * Bodies of the API: JSON or nothing. Many clients send a Content-Type whether or not they send a body, so what it says of
 * no body does not count (RFC 9110 section 8.3), and no body is `{}`: fine where nothing is required, and elsewhere the
 * answer names what is missing. Any other body is 415, so no cross-site form gets in.
 */
export function apiBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addHook('onRequest', async ({ raw }) => {
    if (isEmpty(raw.headers)) delete raw.headers['content-type']
  })
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null)
    else if (!isWithinBounds(text)) done(problem('invalid_fields', { detail: TOO_DEEP }))
    else parseJson(request, text, done)
  })
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: AsyncIterable<Buffer>) => {
    if (request.headers['content-length'] !== undefined) throw problem('unsupported_type')
    for await (const part of payload) if (part.length > 0) throw problem('unsupported_type')
  })
  app.addHook('preValidation', async (request) => {
    const schema = request.routeOptions.schema?.body
    if (schema && (request.body === undefined || (request.body === null && isOptional(schema)))) request.body = {}
  })
}

/** True where nothing has to be sent: every member may be missing, and all of them at once. */
export function isOptional(body: unknown): boolean {
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

function isEmpty(headers: IncomingHttpHeaders): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers
  return encoding === undefined && (length === undefined || Number(length) === 0)
}
