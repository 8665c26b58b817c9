import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../../errors.js'
import type { Operations } from '../../web/operations.js'
import { Operation } from './schemas.js'

const Id = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$', examples: ['q1F0b2Nl5xk0bZr9c3JmUA'] }) })

/** Requests that are processed after their response: `Prefer: respond-async`. */
export async function operationsApi(app: FastifyInstance, { operations }: { operations: Operations }) {
  app.get<{ Params: { id: string } }>(
    '/operations/:id',
    {
      config: { scope: 'maas:read', anonymous: true },
      schema: {
        operationId: 'readOperation',
        summary: 'Read the state of an asynchronous request',
        description:
          'Only for the caller who sent the request, for an hour. While it is running, Retry-After says when to ask again. Several replicas of the portal need Redis, or session affinity, to know the operations of one another.',
        tags: ['operations'],
        params: Id,
        response: { 200: Operation },
      },
    },
    async ({ identity, params }, reply) => {
      if (!identity) throw problem('sign_in_required')
      reply.header('cache-control', 'no-store')
      return operations.read(params.id, identity, reply)
    },
  )
}
