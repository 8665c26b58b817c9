import type { FastifyInstance, FastifySchema } from 'fastify'
import { Type } from 'typebox'
import { attemptOf } from '../../web/attempts.js'
import { audited } from '../../web/audit.js'
import { callerOf } from '../../web/guard.js'
import { idPattern } from '../../web/ids.js'
import { Page, Paging, pageOf } from '../../web/paging.js'
import type { Members } from './members.js'
import { Member, MemberChange, NewMember } from './schemas.js'

const Id = Type.Object({ id: Type.String({ pattern: idPattern, examples: ['901'] }) })
const Attempt = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
})

/** The people and services of the caller's account, as JSON (contract: REST API). */
export async function membersApi(app: FastifyInstance, { members }: { members: Members }) {
  app.get<{ Querystring: Paging }>(
    '/members',
    {
      config: { scope: 'maas:read' },
      schema: describe('listMembers', 'List the people and services of your account', {
        querystring: Paging,
        response: { 200: Page(Member) },
      }),
    },
    async (request) => pageOf(await members.list(callerOf(request)), request.query, ({ id }) => id),
  )

  app.post<{ Body: NewMember }>(
    '/members',
    {
      config: { scope: 'maas:write', audit: 'member.invite' },
      schema: describe('inviteMember', 'Invite a person or a service', {
        description:
          'A person joins when they sign in with that verified address and accept. A service joins by POST /me with the id of this account as `join`. Repeating an invitation with the same role is not an error.',
        headers: Attempt,
        body: NewMember,
        response: { 201: Member },
      }),
    },
    async (request, reply) => {
      const { role, client_id } = request.body
      audited(request, { detail: { role, ...(client_id === undefined ? {} : { client_id }) } })
      const { member } = await members.add(callerOf(request), request.body, attemptOf(request))
      audited(request, { target: { member: String(member.id) } })
      return reply.code(201).header('location', `/api/v1/members/${member.id}`).send(member)
    },
  )

  app.patch<{ Params: { id: string }; Body: MemberChange }>(
    '/members/:id',
    {
      config: { scope: 'maas:write', audit: 'member.change_role' },
      schema: describe('changeMember', 'Change the role of a member, or of an invitation', {
        params: Id,
        body: MemberChange,
        response: { 200: Member },
      }),
    },
    async (request) => {
      const { role } = request.body
      audited(request, { detail: { role } })
      const { member, before } = await members.change(callerOf(request), Number(request.params.id), role)
      audited(request, { detail: { role, role_before: before } })
      return member
    },
  )

  app.delete<{ Params: { id: string } }>(
    '/members/:id',
    {
      config: { scope: 'maas:write', audit: 'member.remove' },
      schema: describe('removeMember', 'Remove a member or an invitation, or leave', {
        params: Id,
        response: { 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      await members.remove(callerOf(request), Number(request.params.id))
      return reply.code(204).send()
    },
  )
}

function describe(operationId: string, summary: string, parts: FastifySchema): FastifySchema {
  return { operationId, summary, tags: ['account'], ...parts }
}
