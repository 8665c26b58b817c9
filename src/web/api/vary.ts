import type { FastifyReply } from 'fastify'

/** Adds a request header to Vary (RFC 9110 section 12.5.5). */
export function addVary(reply: FastifyReply, name: string): void {
  const names = String(reply.getHeader('vary') ?? '')
    .split(', ')
    .filter((one) => one !== '' && one !== name)
  reply.header('vary', [...names, name].join(', '))
}
