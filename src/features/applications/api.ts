import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { Type } from 'typebox'
import { attemptOf } from '../../web/attempts.js'
import { audited } from '../../web/audit.js'
import { callerOf } from '../../web/guard.js'
import { idPattern } from '../../web/ids.js'
import type { Operations } from '../../web/operations.js'
import { Page, Paging, pageOf } from '../../web/paging.js'
import { Operation, Prefer } from '../operations/schemas.js'
import type { Applications } from './applications.js'
import { type Filters, sorts } from './listing.js'
import type { PlanChanges } from './plan-changes.js'
import { Application, ApplicationChange, NewApplication } from './schemas.js'

export const Id = Type.Object({ id: Type.String({ pattern: idPattern, examples: ['3001'] }) })
export const Reveal = Type.Object({
  reveal: Type.Optional(
    Type.Boolean({
      description: 'true: returns the credentials, which also requires the scope `maas:reveal`',
    }),
  ),
})
/** With a key, a POST may be sent again: it leaves one result. */
export const Attempt = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
})

const List = Type.Intersect([
  Paging,
  Type.Object({
    q: Type.Optional(Type.String({ maxLength: 200, description: 'words of the name, description, model or plan' })),
    model: Type.Optional(Type.String({ maxLength: 255, description: 'system_name' })),
    state: Type.Optional(Application.properties.state),
    sort: Type.Optional(
      Type.Unsafe<NonNullable<Filters['sort']>>({ type: 'string', enum: [...sorts], default: '-created' }),
    ),
  }),
])

export interface ApplicationsApiDeps {
  applications: Applications
  planChanges: Pick<PlanChanges, 'change'>
  operations: Pick<Operations, 'answer'>
}

/** The same verbs as the pages, as JSON (contract: REST API). */
export async function applicationsApi(
  app: FastifyInstance,
  { applications, planChanges, operations }: ApplicationsApiDeps,
) {
  app.get<{ Querystring: Paging & Filters }>(
    '/applications',
    {
      config: { scope: 'maas:read' },
      schema: describe('listApplications', 'List your applications', {
        querystring: List,
        response: {
          200: Page(Application),
        },
      }),
    },
    async (request) => pageOf(await applications.list(callerOf(request), request.query), request.query, ({ id }) => id),
  )

  app.post<{ Body: NewApplication }>(
    '/applications',
    {
      config: { scope: 'maas:write', audit: 'application.create', problems: [404] },
      schema: describe('createApplication', 'Create an application', {
        headers: Type.Intersect([Attempt, Prefer]),
        body: NewApplication,
        response: { 201: Application, 202: Operation },
      }),
    },
    async (request, reply) => {
      const [caller, attempt] = [callerOf(request), attemptOf(request)]
      return operations.answer(request, reply, async () => {
        const application = await applications.create(caller, request.body, attempt)
        const location = `/api/v1/applications/${application.id}`
        return { status: 201, location, body: application, note: { target: { application: application.id } } }
      })
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
      schema: describe('updateApplication', 'Rename or describe an application, or change its plan', {
        params: Id,
        body: ApplicationChange,
        response: { 200: Application, 202: Application },
      }),
    },
    async (request, reply) => change(request, reply),
  )

  app.delete<{ Params: { id: string } }>(
    '/applications/:id',
    {
      config: { scope: 'maas:write', audit: 'application.delete' },
      schema: describe('deleteApplication', 'Delete an application and its keys', {
        params: Id,
        headers: Prefer,
        response: { 202: Operation, 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      const [caller, id] = [callerOf(request), Number(request.params.id)]
      return operations.answer(request, reply, async () => {
        await applications.remove(caller, id)
        return { status: 204 }
      })
    },
  )

  app.post<{ Params: { id: string } }>(
    '/applications/:id/repair',
    {
      config: { scope: 'maas:write', audit: 'application.repair' },
      schema: describe('repairApplication', 'Make the gateway accept the key of an application', {
        description:
          'Where 3scale stored a change and could not tell the gateway, the key is refused until the change is written again. What the gateway accepts already stays as it is. A key that the portal made may be replaced: read the keys afterwards.',
        params: Id,
        response: { 200: Application },
      }),
    },
    async (request) => applications.repair(callerOf(request), Number(request.params.id)),
  )

  /** The texts are checked, then the plan is changed, then they are: what is refused changes nothing. 202: the operator was asked. */
  async function change(
    request: FastifyRequest<{ Params: { id: string }; Body: ApplicationChange }>,
    reply: FastifyReply,
  ) {
    const { plan, ...texts } = request.body
    const [caller, id] = [callerOf(request), Number(request.params.id)]
    const named = Object.keys(texts).length > 0
    // the plan is typed: it is named in the audit log once it is known to exist
    if (plan !== undefined) audited(request, { event: 'application.change_plan' })
    if (plan !== undefined && named) await applications.check(caller, id, texts)
    const done = plan === undefined ? undefined : await planChanges.change(caller, id, plan)
    const requested = done?.outcome === 'requested'
    if (done) {
      const event = requested ? 'application.request_plan' : 'application.change_plan'
      const detail = { plan: plan ?? '', plan_before: done.before }
      audited(request, { event, detail, ...(named ? { also: 'application.update' } : {}) })
    }
    const application = named ? await applications.update(caller, id, texts) : done?.application
    return reply.code(requested ? 202 : 200).send(application)
  }
}

function describe(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['applications'], ...parts }
}
