import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../../errors.js'
import type { AsyncOperations } from '../../web/api/async-operations.js'
import { AsyncOperation } from './schemas.js'

const OperationParams = Type.Object({
  id: Type.String({
    pattern: '^[A-Za-z0-9_-]{22}$',
    description: 'ID of the operation',
    examples: ['q1F0b2Nl5xk0bZr9c3JmUA'],
  }),
})

/** Requests with `Prefer: respond-async`, which are processed after the response. */
export async function operationsApi(app: FastifyInstance, { operations }: { operations: AsyncOperations }) {
  app.get<{ Params: { id: string } }>(
    '/operations/:id',
    {
      config: { scope: 'maas:read', anonymous: true },
      schema: {
        operationId: 'readOperation',
        summary: 'Read the state of an asynchronous request',
        description:
          'Available for one hour, only to the caller that sent the request. While the operation is running, `Retry-After` states when to poll again. Several replicas of the portal require Redis or session affinity to share operations.',
        tags: ['operations'],
        params: OperationParams,
        response: { 200: AsyncOperation },
      },
    },
    async ({ identity, params }, reply) => {
      if (!identity) throw problem('sign_in_required')
      reply.header('cache-control', 'no-store')
      return operations.read(params.id, identity, reply)
    },
  )
}
