import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, type PortalError, problem } from '../../../errors.js'
import { type Allowances, findViolation } from '../../../policies.js'
import { idOf } from '../../../web/api/validation/ids.js'
import { annotateAudit } from '../../../web/audit/audit.js'
import { callerOf } from '../../../web/auth/guard.js'
import type { Sessions } from '../../../web/auth/session.js'
import { formValues, validateForm } from '../../../web/pages/forms.js'
import type { Accounts } from '../enrolment/accounts.js'
import { profileView } from '../profile-view.js'
import { MemberReplacement, NewMember } from '../schemas.js'
import type { Members } from './members.js'
import { changeMessages } from './messages.js'
import { invitedMessage, memberName, membersView, memberView, type SubmittedMemberForm } from './view.js'

export interface MembersPagesDeps {
  accounts: Pick<Accounts, 'profile'>
  members: Members
  sessions: Sessions
  allowances: Allowances
  publicUrl: string
}

const byId = '/account/members/:id'

/** The account page, and the pages of its members. */
export async function membersPages(app: FastifyInstance, deps: MembersPagesDeps) {
  const { accounts, members, sessions, allowances, publicUrl } = deps

  app.get('/account', async (request, reply) => renderAccount(request, reply))

  app.post('/account/members', { config: { audit: 'member.invite' } }, async (request, reply) => {
    const values = formValues(request.body)
    try {
      const { email, client_id, role } = values
      const invitee = validateForm<NewMember>(
        NewMember,
        client_id === undefined ? { email, role } : { client_id, role },
      )
      annotateAudit(request, { detail: { role: invitee.role, ...(client_id === undefined ? {} : { client_id }) } })
      const caller = callerOf(request)
      // The same invitee in the same role is the same invitation, so a second click needs no idempotency key.
      const { member, isMailed } = await members.invite(caller, invitee, request.id)
      annotateAudit(request, { target: { member: String(member.id) } })
      reply.flash('success', invitedMessage({ member, isMailed, publicUrl, accountId: caller.accountId }))
      return reply.redirect('/account', 303)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable', 'threescale_busy')) throw error
      return renderAccount(request, reply, { values, error })
    }
  })

  app.get(byId, async (request, reply) => renderMember(request, reply))

  app.post(byId, { config: { audit: 'member.change_role' } }, async (request, reply) =>
    orRenderMember(request, reply, async () => {
      const { role } = validateForm<MemberReplacement>(MemberReplacement, { role: formValues(request.body).role })
      annotateAudit(request, { detail: { role } })
      const { member, before } = await members.change(callerOf(request), idOf(request), { role })
      annotateAudit(request, { detail: { role, role_before: before } })
      reply.flash('success', changeMessages.roleChanged(memberName(member), role))
      return reply.redirect('/account', 303)
    }),
  )

  app.post(`${byId}/remove`, { config: { audit: 'member.remove' } }, async (request, reply) =>
    orRenderMember(request, reply, async () => {
      const member = await members.remove(callerOf(request), idOf(request))
      if (member.you) {
        await sessions.end(request, reply)
        return reply.redirect('/signed-out', 303)
      }
      reply.flash('success', changeMessages.removed(memberName(member)))
      return reply.redirect('/account', 303)
    }),
  )

  /** Where 3scale does not respond, the rest of the page is rendered without the members. */
  async function renderAccount(request: FastifyRequest, reply: FastifyReply, submitted?: SubmittedMemberForm) {
    const caller = callerOf(request)
    const unlessUnavailable = (error: unknown) => {
      if (isProblem(error, 'threescale_unavailable', 'threescale_busy')) return undefined
      throw error
    }
    const [profile, list] = await Promise.all([
      accounts.profile(caller).catch(unlessUnavailable),
      members.list(caller).catch(unlessUnavailable),
    ])
    // 3scale renders its settings for each request, and an account of one member does not depend on them.
    const areaEnabled =
      list?.length === 1 ? undefined : await members.isAccountAreaEnabled(caller).catch(unlessUnavailable)
    const role = list?.find(({ you }) => you)?.role ?? caller.role
    const people = membersView({
      members: list,
      isAdmin: role === 'admin',
      invitesClosed: findViolation(['multiple_users'], { allowances })?.message,
      changesClosed:
        areaEnabled === false ? findViolation(['useraccountarea_enabled'], { areaEnabled })?.message : undefined,
      orgName: profile?.account.orgName ?? caller.orgName,
      accountId: caller.accountId,
      publicUrl,
      sendsMail: members.sendsInvitationMail,
      submitted,
    })
    if (submitted) annotateAudit(request, { failure: submitted.error })
    const view = {
      ...profileView({ caller: { ...caller, role }, account: profile?.account, user: profile?.user }),
      people,
    }
    const status = submitted?.error.status ?? 200
    if (status === 503) reply.header('retry-after', '5')
    // The page contains names and addresses of people.
    return reply.header('cache-control', 'no-store').page('account/profile', view, { status })
  }

  async function renderMember(request: FastifyRequest, reply: FastifyReply, failure?: PortalError) {
    const caller = callerOf(request)
    const [list, areaEnabled] = await Promise.all([members.list(caller), members.isAccountAreaEnabled(caller)])
    const member = list.find(({ id }) => id === idOf(request))
    if (!member) throw problem('not_found')
    const role = list.find(({ you }) => you)?.role ?? 'member'
    const tenantViolation =
      member.state === 'invited'
        ? findViolation(['multiple_users'], { allowances })
        : findViolation(['useraccountarea_enabled'], { areaEnabled })
    const roleViolation = member.you ? undefined : findViolation(['admins_manage_members'], { role })
    const view = memberView({
      member,
      members: list,
      isAdmin: role === 'admin',
      changesClosed: (roleViolation ?? tenantViolation)?.message,
      failure,
    })
    return reply.header('cache-control', 'no-store').page('account/member', view, { status: failure?.status ?? 200 })
  }

  async function orRenderMember(request: FastifyRequest, reply: FastifyReply, work: () => Promise<unknown>) {
    try {
      return await work()
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
      annotateAudit(request, { failure: error })
      return renderMember(request, reply, error)
    }
  }
}
