import type { FastifySchema } from 'fastify'

/** Builds the schemas of the operations with this tag in the API document. */
export function operationsOf(tag: string) {
  return (operationId: string, summary: string, parts: FastifySchema): FastifySchema => ({
    operationId,
    summary,
    tags: [tag],
    ...parts,
  })
}
