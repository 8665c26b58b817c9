import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

const tags = new WeakMap<object, string>()

/** What is shown, in short: nouns of a snapshot never change, so each is read once. */
function tagOf(value: object): string {
  const known = tags.get(value) ?? hash(JSON.stringify(value))
  tags.set(value, known)
  return known
}

/**
 * Sets ETag and Age for what is shown, and tells whether the caller has it already: then the answer is 304 (RFC 9110
 * section 13.1.2). The tag covers exactly what this caller sees.
 */
export function unchanged(
  request: FastifyRequest,
  reply: FastifyReply,
  { items, ageSeconds, more = '' }: { items: object[]; ageSeconds: number; more?: string },
): boolean {
  const etag = `"${hash(items.map(tagOf).join() + more)}"`
  reply.headers({ etag, age: String(Math.floor(ageSeconds)), 'cache-control': 'private, no-cache' })
  const known = request.headers['if-none-match']
  if (known === undefined) return false
  return known.trim() === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
