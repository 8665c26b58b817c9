import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { asciiLower } from '../../../clients/mail/email-address.js'
import { IdempotencyKey, idempotencyKeyOf, markReplayed } from '../../../idempotency/idempotency-key.js'
import { operationsOf } from '../../../web/api/openapi/operation.js'
import { byId, Page, Paging, paginate } from '../../../web/api/pagination.js'
import { IfMatch, preconditionOf, sendWithEntityTag } from '../../../web/api/preconditions.js'
import { idParameter } from '../../../web/api/validation/ids.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import { callerOf } from '../../../web/auth/guard.js'
import { Member, MemberChange, MemberReplacement, NewMember } from '../schemas.js'
import { memberEtag } from './member-etag.js'
import type { Members } from './members.js'

const operation = operationsOf('account')

const MemberId = idParameter('member or invitation', '901')

const ListQuery = Type.Intersect([
  Paging,
  Type.Object({
    email: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'The exact address, case-insensitive.' }),
    ),
    client_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'The exact client ID of a service.' }),
    ),
  }),
])
type ListQuery = Static<typeof ListQuery>

export async function membersApi(app: FastifyInstance, { members }: { members: Members }) {
  app.get<{ Querystring: ListQuery }>(
    '/members',
    {
      config: { scope: 'maas:read' },
      schema: operation('listMembers', 'List the people and services of your account', {
        description: 'Members and pending invitations. Only admins see `claimed_organisation`.',
        querystring: ListQuery,
        response: { 200: Page(Member) },
      }),
    },
    async (request) => {
      const { email, client_id } = request.query
      const matches = (await members.list(callerOf(request))).filter(
        (member) =>
          (!email || asciiLower(member.email ?? '') === asciiLower(email)) &&
          (!client_id || member.client_id === client_id),
      )
      return paginate(
        request,
        matches,
        byId(({ id }) => id),
      )
    },
  )

  app.post<{ Body: NewMember }>(
    '/members',
    {
      config: { scope: 'maas:write', audit: 'member.invite' },
      schema: operation('inviteMember', 'Invite a person or a service', {
        description:
          'To join, a person signs in with that verified address and accepts; a service sends POST /me with the ID of this account as `join`. Repeating an invitation with the same role returns the same member.',
        headers: IdempotencyKey,
        body: NewMember,
        response: { 201: Member },
      }),
    },
    async (request, reply) => {
      const { role, client_id } = request.body
      annotateAudit(request, { detail: { role, ...(client_id === undefined ? {} : { client_id }) } })
      const { member, isNew } = await members.invite(callerOf(request), request.body, idempotencyKeyOf(request))
      annotateAudit(request, { target: { member: String(member.id) } })
      markReplayed(reply, !isNew)
      const location = `/api/v1/members/${member.id}`
      return reply
        .code(201)
        .headers({ location, etag: memberEtag(member) })
        .send(member)
    },
  )

  app.get<{ Params: { id: string } }>(
    '/members/:id',
    {
      config: { scope: 'maas:read' },
      schema: operation('readMember', 'Read a member or an invitation', {
        description: 'An invitation is a member with the state `invited`. Only admins see `claimed_organisation`.',
        params: MemberId,
        response: { 200: Member, 304: Type.Null() },
      }),
    },
    async (request, reply) => {
      const member = await members.read(callerOf(request), Number(request.params.id))
      return sendWithEntityTag(reply, memberEtag(member), member)
    },
  )

  app.patch<{ Params: { id: string }; Body: MemberChange }>(
    '/members/:id',
    {
      config: { scope: 'maas:write', audit: 'member.change_role' },
      schema: operation('changeMember', 'Change the role of a member, or of an invitation', {
        description:
          'A JSON merge patch (RFC 7396). Read-only members are accepted if unchanged. A body without a change writes nothing. For admins only. The last admin of an account cannot become a member (403).',
        consumes: ['application/json', 'application/merge-patch+json'],
        headers: IfMatch,
        params: MemberId,
        body: MemberChange,
        response: { 200: Member },
      }),
    },
    async (request, reply) => change(request, reply),
  )

  app.put<{ Params: { id: string }; Body: MemberReplacement }>(
    '/members/:id',
    {
      config: { scope: 'maas:write', audit: 'member.change_role' },
      schema: operation('replaceMember', 'Replace a member or an invitation', {
        description:
          'Replaces the role, the only writable member. It creates no invitation: an unknown ID returns 404.',
        headers: IfMatch,
        params: MemberId,
        body: MemberReplacement,
        response: { 200: Member },
      }),
    },
    async (request, reply) => change(request, reply),
  )

  app.delete<{ Params: { id: string } }>(
    '/members/:id',
    {
      config: { scope: 'maas:write', audit: 'member.remove' },
      schema: operation('removeMember', 'Remove a member or an invitation, or leave', {
        description:
          'For admins, and for members leaving the account. The sessions of the person end. Applications stay with the account. The last admin cannot be removed (403).',
        headers: IfMatch,
        params: MemberId,
        response: { 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      await members.remove(callerOf(request), Number(request.params.id), preconditionOf(request))
      return reply.code(204).send()
    },
  )

  /** A request that changes nothing is not an audit event. */
  async function change(
    request: FastifyRequest<{ Params: { id: string }; Body: MemberChange }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { params, body } = request
    if (body.role !== undefined) annotateAudit(request, { detail: { role: body.role } })
    const { member, before } = await members.change(callerOf(request), Number(params.id), body, preconditionOf(request))
    if (member.role === before) annotateAudit(request, { quiet: true })
    else annotateAudit(request, { detail: { role: member.role, role_before: before } })
    return reply.header('etag', memberEtag(member)).send(member)
  }
}
