import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { IdempotencyKey, idempotencyKeyOf } from '../../idempotency/idempotency-key.js'
import type { AsyncOperations } from '../../web/api/async-operations.js'
import { checkModelFilter } from '../../web/api/model-filter.js'
import { operationsOf } from '../../web/api/openapi/operation.js'
import { Page, Paging, paginate } from '../../web/api/pagination.js'
import { IfMatch, preconditionOf, sendWithEntityTag } from '../../web/api/preconditions.js'
import { idParameter } from '../../web/api/validation/ids.js'
import { annotateAudit } from '../../web/audit/audit.js'
import { callerOf } from '../../web/auth/guard.js'
import { AsyncOperation, Prefer } from '../operations/schemas.js'
import type { ApplicationCatalogue, Applications } from './applications.js'
import { ApplicationChange, ApplicationReplacement } from './change-schemas.js'
import { applicationEtag } from './entity-tag.js'
import { type ApplicationFilters, applicationSorts, filterAndSort, sortOrder } from './filters.js'
import { Application, NewApplication } from './schemas.js'

const operation = operationsOf('applications')

export const Id = idParameter('application', '3001')
export const Reveal = Type.Object({
  reveal: Type.Optional(
    Type.Boolean({
      description: 'true: returns the credentials, which also requires the scope `maas:reveal`',
    }),
  ),
})

const List = Type.Intersect([
  Paging,
  Type.Object({
    q: Type.Optional(
      Type.String({ maxLength: 200, description: 'words in name, description, model and plan, or a complete ID' }),
    ),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'exact name, which several applications can have',
      }),
    ),
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'system_name of the model' })),
    state: Type.Optional(
      Type.Unsafe<Application['state']>({
        ...Application.properties.state,
        description: 'returns only applications in this state',
      }),
    ),
    sort: Type.Optional(
      Type.Unsafe<NonNullable<ApplicationFilters['sort']>>({
        type: 'string',
        enum: [...applicationSorts],
        default: '-created',
        description: '`-` means descending; default `-created`',
      }),
    ),
  }),
])

export interface ApplicationsApiDeps {
  applications: Applications
  models: Pick<ApplicationCatalogue, 'find'>
  operations: Pick<AsyncOperations, 'answer'>
}

/** The operations of the pages as a REST API. */
export async function applicationsApi(app: FastifyInstance, { applications, models, operations }: ApplicationsApiDeps) {
  app.get<{ Querystring: Paging & ApplicationFilters }>(
    '/applications',
    {
      config: { scope: 'maas:read' },
      schema: operation('listApplications', 'List your applications', {
        description: 'Returns all applications of your account without secrets, newest first by default.',
        querystring: List,
        response: {
          200: Page(Application),
        },
      }),
    },
    async (request) => {
      const [caller, { query }] = [callerOf(request), request]
      const all = await applications.listing.rows(caller)
      const inUse = all.some(({ model }) => model === query.model)
      await checkModelFilter(query.model, { inUse, find: (model) => models.find(model, caller) })
      const { items, next_cursor } = paginate(request, filterAndSort(all, query), sortOrder(query.sort))
      return { items: await applications.listing.complete(items), next_cursor }
    },
  )

  app.post<{ Body: NewApplication }>(
    '/applications',
    {
      config: { scope: 'maas:write', audit: 'application.create', problems: [404] },
      schema: operation('createApplication', 'Create an application', {
        description:
          'Subscribes your account to the model and returns the application with its credentials. If the plan requires approval, the application is `pending` until the operator decides.',
        headers: Type.Intersect([IdempotencyKey, Prefer]),
        body: NewApplication,
        response: { 201: Application, 202: AsyncOperation },
      }),
    },
    async (request, reply) => {
      const [caller, attempt] = [callerOf(request), idempotencyKeyOf(request)]
      return operations.answer(request, reply, async () => {
        const { application, isNew } = await applications.create(caller, request.body, attempt)
        return {
          status: 201,
          location: `/api/v1/applications/${application.id}`,
          headers: { etag: applicationEtag(application) },
          isReplayed: !isNew,
          body: application,
          note: { target: { application: application.id } },
        }
      })
    },
  )

  app.get<{ Params: { id: string }; Querystring: { reveal?: boolean } }>(
    '/applications/:id',
    {
      config: { scope: 'maas:read' },
      schema: operation('readApplication', 'Read an application', {
        description:
          'With `reveal=true`, includes the credentials. This requires the scope `maas:reveal` and is audited.',
        params: Id,
        querystring: Reveal,
        response: { 200: Application, 304: Type.Null() },
      }),
    },
    async (request, reply) => {
      const reveal = request.query.reveal === true
      if (reveal) annotateAudit(request, { event: 'key.reveal' })
      const { application } = await applications.read(callerOf(request), Number(request.params.id), { reveal })
      const tag = applicationEtag(application)
      // the tag does not cover keys, so a response with keys is never 304
      return reveal ? reply.header('etag', tag).send(application) : sendWithEntityTag(reply, tag, application)
    },
  )

  app.patch<{ Params: { id: string }; Body: ApplicationChange }>(
    '/applications/:id',
    {
      config: { scope: 'maas:write', audit: 'application.update' },
      schema: operation('updateApplication', 'Change the name, description, fields or plan of an application', {
        description:
          'A JSON merge patch (RFC 7396). Members that cannot be changed are accepted with their current value, so you can send back the complete application. A body without changes writes nothing. If the plan requires approval, the response is 202 and the current plan stays in effect until the operator decides.',
        consumes: ['application/json', 'application/merge-patch+json'],
        headers: IfMatch,
        params: Id,
        body: ApplicationChange,
        response: { 200: Application, 202: Application },
      }),
    },
    async (request, reply) => change(request, reply, { replaces: false }),
  )

  app.put<{ Params: { id: string }; Body: ApplicationReplacement }>(
    '/applications/:id',
    {
      config: { scope: 'maas:write', audit: 'application.update' },
      schema: operation('replaceApplication', 'Replace an application', {
        description:
          'Replaces everything that can be changed. An omitted description or field is removed if developers can write it. In all other respects, it behaves like PATCH. An unknown ID returns 404: no application is created.',
        headers: IfMatch,
        params: Id,
        body: ApplicationReplacement,
        response: { 200: Application, 202: Application },
      }),
    },
    async (request, reply) => change(request, reply, { replaces: true }),
  )

  app.delete<{ Params: { id: string } }>(
    '/applications/:id',
    {
      config: { scope: 'maas:write', audit: 'application.delete' },
      schema: operation('deleteApplication', 'Delete an application and its keys', {
        description:
          'The gateway rejects its keys within about a minute. They are not checked, unlike a key that is deleted individually.',
        params: Id,
        headers: Type.Intersect([IfMatch, Prefer]),
        response: { 202: AsyncOperation, 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      const [caller, id] = [callerOf(request), Number(request.params.id)]
      return operations.answer(request, reply, async () => {
        await applications.remove(caller, id, preconditionOf(request))
        return { status: 204 }
      })
    },
  )

  app.post<{ Params: { id: string } }>(
    '/applications/:id/repair',
    {
      config: { scope: 'maas:write', audit: 'application.repair' },
      schema: operation('repairApplication', 'Repair an application whose key the gateway rejects', {
        description:
          'If 3scale stored a change without passing it to the gateway, the key is rejected until the change is written again. A key that the gateway accepts is not changed. A key that the portal created can be replaced, so read the keys afterwards.',
        params: Id,
        response: { 200: Application },
      }),
    },
    async (request, reply) => {
      const application = await applications.repair(callerOf(request), Number(request.params.id))
      return reply.header('etag', applicationEtag(application)).send(application)
    },
  )

  /** 202: the plan was requested from the operator. A request that changes nothing has no audit event. */
  async function change(
    request: FastifyRequest<{ Params: { id: string }; Body: ApplicationChange }>,
    reply: FastifyReply,
    { replaces }: { replaces: boolean },
  ) {
    const { application, plan, isWritten } = await applications.update(
      callerOf(request),
      Number(request.params.id),
      request.body,
      {
        replaces,
        expects: preconditionOf(request),
        // the audit log names the requested plan only when it is known to exist
        beforePlanChange: () => annotateAudit(request, { event: 'application.change_plan' }),
      },
    )
    const isRequested = plan?.outcome === 'requested'
    if (plan) {
      const event = isRequested ? 'application.request_plan' : 'application.change_plan'
      const detail = { plan: request.body.plan ?? '', plan_before: plan.before }
      annotateAudit(request, { event, detail, ...(isWritten ? { also: 'application.update' } : {}) })
    }
    if (!plan && !isWritten) annotateAudit(request, { quiet: true })
    return reply
      .code(isRequested ? 202 : 200)
      .header('etag', applicationEtag(application))
      .send(application)
  }
}
