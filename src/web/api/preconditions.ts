import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../../errors.js'
import { hashJson } from '../../infra/crypto/json-hash.js'
import { matchesEntityTag, sendNotModified } from '../pages/conditional-response.js'
import { ETAG_EXCLUDED, ETAG_MALFORMED } from './messages.js'

/** Header of writes. */
export const IfMatch = Type.Object({ 'if-match': Type.Optional(Type.String()) })

/** Called with the entity tag of the current state before a write. Throws precondition_failed. */
export type Precondition = (tag: string) => void

const TAG_CHARACTERS = 16
/** Separates the part that `If-Match` compares from the rest. */
const SEPARATOR = '.'

/**
 * A strong entity tag of two parts: what clients can change, and the rest of the representation. A 304 response requires both parts to
 * match. `If-Match` compares only the first part, because a renamed model is not a concurrent change.
 */
export function entityTag(declared: unknown, rest: unknown): string {
  return `"${digest(declared)}${SEPARATOR}${digest(rest)}"`
}

/**
 * The preconditions of a write (RFC 9110 section 13.1), for the service that reads the current state. Throws invalid_fields for a
 * malformed header; without the check, clients that omit the quotation marks would retry without end.
 */
export function preconditionOf({ headers }: FastifyRequest): Precondition {
  const match = tagsOf(headers, 'if-match')
  tagsOf(headers, 'if-none-match')
  return (tag) => {
    if (match && !matches(match, tag)) throw problem('precondition_failed')
    if (matchesEntityTag(headers['if-none-match'], tag)) throw problem('precondition_failed', { detail: ETAG_EXCLUDED })
  }
}

/** Sends the representation with its entity tag, or 304 to a client that has it. */
export function sendWithEntityTag(reply: FastifyReply, tag: string, body: unknown): FastifyReply {
  reply.header('etag', tag)
  return matchesEntityTag(reply.request.headers['if-none-match'], tag) ? sendNotModified(reply) : reply.send(body)
}

/** Strong comparison: a weak tag never matches. */
function matches(tags: Tags, tag: string): boolean {
  return tags === '*' || tags.some(({ isWeak, opaque }) => !isWeak && declaredPart(opaque) === declaredPart(tag))
}

type Tags = '*' | { isWeak: boolean; opaque: string }[]

function tagsOf(headers: FastifyRequest['headers'], name: 'if-match' | 'if-none-match'): Tags | undefined {
  const header = headers[name]
  if (header === undefined) return undefined
  const tags = header.trim() === '*' ? '*' : parseTags(header)
  if (!tags) throw problem('invalid_fields', { fields: { [name]: ETAG_MALFORMED } })
  return tags
}

/** Comma-separated entity tags (RFC 9110 sections 8.8.3 and 5.6.1); undefined if malformed. */
function parseTags(header: string): Exclude<Tags, '*'> | undefined {
  const parts = header.split('"')
  const last = parts.length - 1
  if (last === 0 || last % 2 === 1) return undefined
  const tags: Exclude<Tags, '*'> = []
  for (let at = 0; at <= last; at += 2) {
    const before = parts[at] ?? ''
    const isWeak = at < last && before.endsWith('W/')
    const commas = (isWeak ? before.slice(0, -2) : before).replace(/[ \t]/g, '')
    const isBetween = at > 0 && at < last
    if (/[^,]/.test(commas) || (isBetween && commas === '')) return undefined
    if (at === last) break
    const opaque = parts[at + 1] ?? ''
    if (!/^[\x21-\x7e\x80-\xff]*$/.test(opaque)) return undefined
    tags.push({ isWeak, opaque: `"${opaque}"` })
  }
  return tags
}

function declaredPart(tag: string): string {
  const end = tag.indexOf(SEPARATOR)
  return end === -1 ? tag : tag.slice(0, end)
}

function digest(value: unknown): string {
  return hashJson(value, TAG_CHARACTERS)
}
