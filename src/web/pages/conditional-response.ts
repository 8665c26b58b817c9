import type { FastifyReply } from 'fastify'
import { preferredEncoding } from './compression/encodings.js'
import type { ResponseBody } from './compression/response-body.js'

/** Headers of a 304 response: those that the stored response lacks (RFC 9110 section 15.4.5). */
const headersOf304 = new Set([
  'access-control-allow-origin',
  'access-control-expose-headers',
  'age',
  'cache-control',
  'etag',
  'ratelimit',
  'ratelimit-policy',
  'set-cookie',
  'vary',
  'x-request-id',
])

/** Sends the smallest form that the client accepts, or 304 if the client has this response (RFC 9110 section 13.1.2). */
export function sendBody(reply: FastifyReply, body: ResponseBody): FastifyReply | Promise<FastifyReply> {
  const { headers, method } = reply.request
  if (reply.statusCode === 200 && (method === 'GET' || method === 'HEAD')) {
    reply.header('etag', body.tag)
    if (matchesEntityTag(headers['if-none-match'], body.tag)) return sendNotModified(reply)
  }
  const encoding = preferredEncoding(headers['accept-encoding'], body.encodings)
  if (encoding) reply.header('content-encoding', encoding)
  const bytes = body.bytes(encoding)
  return bytes instanceof Promise ? bytes.then((each) => reply.send(each)) : reply.send(bytes)
}

export function sendNotModified(reply: FastifyReply): FastifyReply {
  for (const name of Object.keys(reply.getHeaders())) if (!headersOf304.has(name)) reply.removeHeader(name)
  return reply.code(304).send()
}

/** Weak comparison of an entity tag with the value of If-None-Match (RFC 9110 section 13.1.2). */
export function matchesEntityTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === tag || ifNoneMatch.trim() === '*') return true
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag)
}
