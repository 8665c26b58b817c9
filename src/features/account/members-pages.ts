import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isProblem, type PortalError, problem } from '../../errors.js'
import { type Allowances, refusal } from '../../rules.js'
import { audited } from '../../web/audit.js'
import { checked, formValues } from '../../web/forms.js'
import { callerOf } from '../../web/guard.js'
import { idOf } from '../../web/ids.js'
import type { Sessions } from '../../web/session.js'
import type { Accounts } from './accounts.js'
import type { Members } from './members.js'
import { invitedText, memberView, nameOf, type PeopleTyped, peopleView } from './members-view.js'
import { MemberChange, NewMember } from './schemas.js'
import { profileView } from './view.js'

export interface MembersPagesDeps {
  accounts: Accounts
  members: Members
  sessions: Sessions
  allowances: Allowances
  publicUrl: string
}

const byId = '/account/members/:id'

/** The account: who you are, who else is here, and what each may do. */
export async function membersPages(app: FastifyInstance, deps: MembersPagesDeps) {
  const { accounts, members, sessions, allowances, publicUrl } = deps

  app.get('/account', async (request, reply) => accountPage(request, reply))

  app.post('/account/members', { config: { audit: 'member.invite' } }, async (request, reply) => {
    const values = formValues(request.body)
    try {
      const { email, client_id, role } = values
      const wanted = checked<NewMember>(NewMember, client_id === undefined ? { email, role } : { client_id, role })
      audited(request, { detail: { role: wanted.role, ...(client_id === undefined ? {} : { client_id }) } })
      // the same person in the same role is the same invitation, so that a second click needs no attempt of its own
      const caller = callerOf(request)
      const { member, mailed } = await members.add(caller, wanted, request.id)
      audited(request, { target: { member: String(member.id) } })
      reply.flash('success', invitedText({ member, mailed, publicUrl, accountId: caller.accountId }))
      return reply.redirect('/account', 303)
    } catch (error) {
      if (!isProblem(error, 'invalid_fields', 'conflict', 'threescale_unavailable', 'threescale_busy')) throw error
      return accountPage(request, reply, { values, error })
    }
  })

  app.get(byId, async (request, reply) => memberPage(request, reply))

  app.post(byId, { config: { audit: 'member.change_role' } }, async (request, reply) => {
    return orMemberPage(request, reply, async () => {
      const { role } = checked<MemberChange>(MemberChange, { role: formValues(request.body).role })
      audited(request, { detail: { role } })
      const { member, before } = await members.change(callerOf(request), idOf(request), role)
      audited(request, { detail: { role, role_before: before } })
      reply.flash('success', `${nameOf(member)} is ${role === 'admin' ? 'an admin' : 'a member'} now.`)
      return reply.redirect('/account', 303)
    })
  })

  app.post(`${byId}/remove`, { config: { audit: 'member.remove' } }, async (request, reply) => {
    return orMemberPage(request, reply, async () => {
      const member = await members.remove(callerOf(request), idOf(request))
      if (member.you) {
        await sessions.end(request, reply)
        return reply.redirect('/signed-out', 303)
      }
      reply.flash('success', `${nameOf(member)} is removed. The applications and keys of the account stay as they are.`)
      return reply.redirect('/account', 303)
    })
  })

  /** Who cannot be read is told as such; the rest of the page needs no 3scale. */
  async function accountPage(request: FastifyRequest, reply: FastifyReply, typed?: PeopleTyped) {
    const caller = callerOf(request)
    const unlessDown = (error: unknown) => {
      if (isProblem(error, 'threescale_unavailable', 'threescale_busy')) return undefined
      throw error
    }
    const [found, all] = await Promise.all([
      accounts.profile(caller).catch(unlessDown),
      members.list(caller).catch(unlessDown),
    ])
    // 3scale renders its settings each time, and without other members they change nothing on this page.
    const areaEnabled = all?.length === 1 ? undefined : await members.readArea().catch(unlessDown)
    const me = all?.find(({ you }) => you)
    const role = me?.role ?? caller.role
    const people = peopleView({
      all,
      isAdmin: role === 'admin',
      closed: refusal(['multiple_users'], { allowances })?.message,
      fixed: areaEnabled === false ? refusal(['useraccountarea_enabled'], { areaEnabled })?.message : undefined,
      orgName: found?.account.orgName ?? caller.orgName,
      accountId: caller.accountId,
      publicUrl,
      mails: members.mails,
      typed,
    })
    if (typed) audited(request, { failure: typed.error })
    const view = { ...profileView({ caller: { ...caller, role }, account: found?.account, user: found?.user }), people }
    const status = typed?.error.status ?? 200
    if (status === 503) reply.header('retry-after', '5')
    // names and addresses of people
    return reply.header('cache-control', 'no-store').page('account/profile', view, { status })
  }

  async function memberPage(request: FastifyRequest, reply: FastifyReply, failure?: PortalError) {
    const caller = callerOf(request)
    const [all, areaEnabled] = await Promise.all([members.list(caller), members.readArea()])
    const member = all.find(({ id }) => id === idOf(request))
    if (!member) throw problem('not_found')
    const invited = member.state === 'invited'
    const role = all.find(({ you }) => you)?.role ?? 'member'
    const rule = invited
      ? refusal(['multiple_users'], { allowances })
      : refusal(['useraccountarea_enabled'], { areaEnabled })
    const refused = member.you ? undefined : refusal(['admins_manage_members'], { role })
    const view = memberView({ member, all, isAdmin: role === 'admin', fixed: (refused ?? rule)?.message, failure })
    return reply.header('cache-control', 'no-store').page('account/member', view, { status: failure?.status ?? 200 })
  }

  async function orMemberPage(request: FastifyRequest, reply: FastifyReply, work: () => Promise<unknown>) {
    try {
      return await work()
    } catch (error) {
      if (!isProblem(error, 'invalid_fields')) throw error
      audited(request, { failure: error })
      return memberPage(request, reply, error)
    }
  }
}
