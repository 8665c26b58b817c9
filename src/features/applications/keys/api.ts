import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { IdempotencyKey, idempotencyKeyOf, markReplayed } from '../../../idempotency/idempotency-key.js'
import { operationsOf } from '../../../web/api/openapi/operation.js'
import { Page } from '../../../web/api/pagination.js'
import { IfMatch, preconditionOf } from '../../../web/api/preconditions.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import { callerOf } from '../../../web/auth/guard.js'
import { Id, Reveal } from '../api.js'
import { applicationEtag } from '../entity-tag.js'
import { Key, KeyRemoval, NewKey, RevocationCheck, Rotation } from '../schemas.js'
import type { KeyManagement, KeyRequest } from './key-management.js'
import type { RevocationChecks } from './revocation/revocation-checks.js'

const operation = operationsOf('applications')

const KeyId = Type.Object({
  id: Id.properties.id,
  key_id: Type.String({ pattern: '^[0-9a-f]{16}$', description: 'ID of the key', examples: ['7f3a9c0d51e2b846'] }),
})

export interface KeysApiDeps {
  keyManagement: KeyManagement
  revocationChecks: Pick<RevocationChecks, 'read'>
}

/** REST API for the keys of an application. Each POST can be repeated with its Idempotency-Key. */
export async function keysApi(app: FastifyInstance, { keyManagement, revocationChecks }: KeysApiDeps) {
  app.get<{ Params: { id: string }; Querystring: { reveal?: boolean } }>(
    '/applications/:id/keys',
    {
      config: { scope: 'maas:read' },
      schema: operation('listKeys', 'List the keys of an application', {
        description: 'Returns all keys, so `next_cursor` is always null. Values are returned only with `reveal=true`.',
        params: Id,
        querystring: Reveal,
        response: { 200: Page(Key) },
      }),
    },
    async (request) => {
      const reveal = request.query.reveal === true
      if (reveal) annotateAudit(request, { event: 'key.reveal' })
      return { items: await keyManagement.list(callerOf(request), idOf(request), { reveal }), next_cursor: null }
    },
  )

  app.post<{ Params: { id: string }; Body: NewKey }>(
    '/applications/:id/keys',
    {
      config: { scope: 'maas:write', audit: 'key.create' },
      schema: operation('createKey', 'Add a key to an application', {
        description:
          'An application in mode `app_id` can have five keys. In other modes it has one, and the response is 409: rotate it instead.',
        headers: Type.Intersect([IdempotencyKey, IfMatch]),
        params: Id,
        body: NewKey,
        response: { 201: Key },
      }),
    },
    async (request, reply) => {
      const id = idOf(request)
      const { key, isNew } = await keyManagement.add(callerOf(request), id, keyRequestOf(request))
      annotateAudit(request, { target: { key_id: key.key_id } })
      markReplayed(reply, !isNew)
      return reply.code(201).header('location', `/api/v1/applications/${id}/keys/${key.key_id}`).send(key)
    },
  )

  app.get<{ Params: { id: string; key_id: string }; Querystring: { reveal?: boolean } }>(
    '/applications/:id/keys/:key_id',
    {
      config: { scope: 'maas:read' },
      schema: operation('readKey', 'Read a key of an application', {
        description:
          'The value is returned only with `reveal=true`. A deleted key returns 404: read its revocation check instead.',
        params: KeyId,
        querystring: Reveal,
        response: { 200: Key },
      }),
    },
    async (request) => {
      const reveal = request.query.reveal === true
      if (reveal) annotateAudit(request, { event: 'key.reveal' })
      return keyManagement.read(callerOf(request), idOf(request), request.params.key_id, { reveal })
    },
  )

  app.delete<{ Params: { id: string; key_id: string } }>(
    '/applications/:id/keys/:key_id',
    {
      config: { scope: 'maas:write', audit: 'key.delete' },
      schema: operation('deleteKey', 'Delete a key of an application', {
        description:
          'Returns a pending revocation check. The gateway may accept the key until `accepted_until`; the portal checks it afterwards and records the result. The last key of an application in mode `app_id` cannot be deleted (403).',
        headers: IfMatch,
        params: KeyId,
        response: { 200: KeyRemoval },
      }),
    },
    async (request) => {
      const { key_id } = request.params
      const { check } = await keyManagement.revoke(callerOf(request), idOf(request), key_id, preconditionOf(request))
      return { revocation_check: check }
    },
  )

  app.get<{ Params: { id: string; key_id: string } }>(
    '/applications/:id/keys/:key_id/revocation-check',
    {
      config: { scope: 'maas:read' },
      schema: operation('readRevocationCheck', 'Read the revocation check of a deleted key', {
        description:
          'Stored for a day in Redis. Without Redis, only the process that deleted the key stores it, until that process stops. 404 if there is none.',
        params: KeyId,
        response: { 200: RevocationCheck },
      }),
    },
    async (request) => (await revocationChecks.read(callerOf(request), idOf(request), request.params.key_id)).check,
  )

  app.post<{ Params: { id: string }; Body: NewKey }>(
    '/applications/:id/rotate',
    {
      config: { scope: 'maas:write', audit: 'key.rotate' },
      schema: operation('rotateKey', 'Rotate the key of an application', {
        description:
          'In mode `app_id`, a key is added and older keys remain valid until you delete them. A `user_key` is replaced immediately. A client secret is deleted before the new one is created, so calls fail in between. To complete an interrupted rotation, repeat the request with the same `Idempotency-Key`.',
        headers: Type.Intersect([IdempotencyKey, IfMatch]),
        params: Id,
        body: NewKey,
        response: { 200: Rotation },
      }),
    },
    async (request, reply) => {
      const { rotation, isNew } = await keyManagement.rotate(callerOf(request), idOf(request), keyRequestOf(request))
      const { key, active_key_ids: _, revocation_check: __, ...application } = rotation
      annotateAudit(request, { target: { key_id: key.key_id } })
      markReplayed(reply, !isNew)
      return reply.header('etag', applicationEtag(application)).send(rotation)
    },
  )
}

/** `If-Match` applies to the application. */
function keyRequestOf(request: FastifyRequest<{ Body: NewKey }>): KeyRequest {
  return { value: request.body.value, attempt: idempotencyKeyOf(request), expects: preconditionOf(request) }
}

function idOf(request: { params: { id: string } }): number {
  return Number(request.params.id)
}
