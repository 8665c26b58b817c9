import type { FastifyInstance, FastifySchema } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../../errors.js'
import { audited } from '../../web/audit.js'
import { callerOf } from '../../web/guard.js'
import { Page, Paging, pageOf } from '../../web/paging.js'
import type { Applications } from './applications.js'
import { newAttempt } from './keys.js'
import { Application, ApplicationChange, NewApplication } from './schemas.js'

const Id = Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$', examples: ['3001'] }) })
const Reveal = Type.Object({ reveal: Type.Optional(Type.Boolean({ description: 'true shows the credentials' })) })

/** The same verbs as the pages, as JSON (contract: REST API). */
export async function applicationsApi(app: FastifyInstance, { applications }: { applications: Applications }) {
  app.get<{ Querystring: Paging }>(
    '/applications',
    {
      config: { scope: 'maas:read' },
      schema: describe('listApplications', 'List your applications', {
        querystring: Paging,
        response: {
          200: Page(Application),
        },
      }),
    },
    async (request) => pageOf(await applications.list(callerOf(request)), request.query, (item) => item.id),
  )

  app.post<{ Body: NewApplication }>(
    '/applications',
    {
      config: { scope: 'maas:write', audit: 'application.create', problems: [404] },
      schema: describe('createApplication', 'Create an application', {
        headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) }),
        body: NewApplication,
        response: { 201: Application },
      }),
    },
    async (request, reply) => {
      const given = request.headers['idempotency-key']
      const attempt = typeof given === 'string' ? given : newAttempt()
      const application = await applications.create(callerOf(request), request.body, attempt)
      audited(request, { target: { application: application.id } })
      return reply.code(201).header('location', `/api/v1/applications/${application.id}`).send(application)
    },
  )

  app.get<{ Params: { id: string }; Querystring: { reveal?: boolean } }>(
    '/applications/:id',
    {
      config: { scope: 'maas:read' },
      schema: describe('readApplication', 'Read an application', {
        params: Id,
        querystring: Reveal,
        response: { 200: Application },
      }),
    },
    async (request) => {
      const reveal = request.query.reveal === true
      if (reveal) audited(request, { event: 'key.reveal' })
      return (await applications.read(callerOf(request), Number(request.params.id), { reveal })).application
    },
  )

  app.patch<{ Params: { id: string }; Body: ApplicationChange }>(
    '/applications/:id',
    {
      config: { scope: 'maas:write', audit: 'application.update' },
      schema: describe('updateApplication', 'Rename or describe an application', {
        params: Id,
        body: ApplicationChange,
        response: { 200: Application },
      }),
    },
    async (request) => {
      if (Object.keys(request.body).length === 0)
        throw problem('invalid_fields', { fields: { body: 'Name what to change.' } })
      return applications.update(callerOf(request), Number(request.params.id), request.body)
    },
  )

  app.delete<{ Params: { id: string } }>(
    '/applications/:id',
    {
      config: { scope: 'maas:write', audit: 'application.delete' },
      schema: describe('deleteApplication', 'Delete an application and its keys', {
        params: Id,
        response: { 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      await applications.remove(callerOf(request), Number(request.params.id))
      return reply.code(204).send()
    },
  )
}

function describe(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['applications'], ...parts }
}
