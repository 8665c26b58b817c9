import type { FastifyInstance, FastifySchema } from 'fastify'
import { Type } from 'typebox'
import { attemptOf } from '../../web/attempts.js'
import { audited } from '../../web/audit.js'
import { callerOf } from '../../web/guard.js'
import { Attempt, Id, Reveal } from './api.js'
import type { CredentialVerbs } from './credentials.js'
import type { Receipts } from './receipts.js'
import { Key, NewKey, Receipt, Rotation } from './schemas.js'

const KeyId = Type.Object({
  id: Id.properties.id,
  key_id: Type.String({ pattern: '^[0-9a-f]{16}$', examples: ['7f3a9c0d51e2b846'] }),
})

export interface KeysApiDeps {
  credentials: CredentialVerbs
  receipts: Pick<Receipts, 'read'>
}

/** Keys of an application, as JSON. Each POST may be sent again with its Idempotency-Key. */
export async function keysApi(app: FastifyInstance, { credentials, receipts }: KeysApiDeps) {
  app.get<{ Params: { id: string }; Querystring: { reveal?: boolean } }>(
    '/applications/:id/keys',
    {
      config: { scope: 'maas:read' },
      schema: describe('listKeys', 'List the keys of an application', {
        params: Id,
        querystring: Reveal,
        response: { 200: Type.Object({ items: Type.Array(Key), next_cursor: Type.Null() }) },
      }),
    },
    async (request) => {
      const reveal = request.query.reveal === true
      if (reveal) audited(request, { event: 'key.reveal' })
      return { items: await credentials.list(callerOf(request), idOf(request), { reveal }), next_cursor: null }
    },
  )

  app.post<{ Params: { id: string }; Body: NewKey }>(
    '/applications/:id/keys',
    {
      config: { scope: 'maas:write', audit: 'key.create' },
      schema: describe('createKey', 'Add a key to an application', {
        description: 'Applications with an id and keys have up to five; those with one key answer 409.',
        headers: Attempt,
        params: Id,
        body: NewKey,
        response: { 201: Key },
      }),
    },
    async (request, reply) => {
      const key = await credentials.add(callerOf(request), idOf(request), request.body.value, attemptOf(request))
      audited(request, { target: { key_id: key.key_id } })
      return reply.code(201).send(key)
    },
  )

  app.delete<{ Params: { id: string; key_id: string } }>(
    '/applications/:id/keys/:key_id',
    {
      config: { scope: 'maas:write', audit: 'key.delete' },
      schema: describe('deleteKey', 'Retire a key of an application', {
        description:
          'Answers at once. The gateway may accept the key until `accepted_until`; it is checked afterwards, and the receipt then has the result. The last key of an application with an id and keys is never removed (403).',
        params: KeyId,
        response: { 200: Type.Object({ receipt: Receipt }) },
      }),
    },
    async (request) => {
      const { receipt } = await credentials.retire(callerOf(request), idOf(request), request.params.key_id)
      return { receipt }
    },
  )

  app.get<{ Params: { id: string; key_id: string } }>(
    '/applications/:id/keys/:key_id/receipt',
    {
      config: { scope: 'maas:read' },
      schema: describe('readReceipt', 'Read the receipt of a removed key', {
        description:
          'Kept for a day: in Redis, and where there is none only in the process that removed the key until it stops. 404 where none is kept.',
        params: KeyId,
        response: { 200: Receipt },
      }),
    },
    async (request) => (await receipts.read(callerOf(request), idOf(request), request.params.key_id)).receipt,
  )

  app.post<{ Params: { id: string }; Body: NewKey }>(
    '/applications/:id/rotate',
    {
      config: { scope: 'maas:write', audit: 'key.rotate' },
      schema: describe('rotateKey', 'Give an application a new key', {
        description:
          'With an id and keys the new one is added and the old ones go on working until they are deleted. A single key is replaced at once. A client secret is deleted, then made: calls fail in between, and a call that was cut off is mended by sending it again.',
        headers: Attempt,
        params: Id,
        body: NewKey,
        response: { 200: Rotation },
      }),
    },
    async (request) => {
      const rotated = await credentials.rotate(callerOf(request), idOf(request), request.body.value, attemptOf(request))
      audited(request, { target: { key_id: rotated.key.key_id } })
      return rotated
    },
  )
}

function idOf(request: { params: { id: string } }): number {
  return Number(request.params.id)
}

function describe(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['applications'], ...parts }
}
