import type { FastifyInstance } from 'fastify'
import { problem } from '../../errors.js'
import type { Caller, Identity } from '../../web/caller.js'
import type { Operations } from '../../web/operations.js'
import { Operation, Prefer } from '../operations/schemas.js'
import type { Accounts } from './accounts.js'
import type { ApiSignUp } from './api-sign-up.js'
import { auditDeclined } from './audit.js'
import type { Declined } from './joining.js'
import { openAccount } from './offers.js'
import { Me, SignUp } from './schemas.js'
import { callerFor } from './standing.js'

export interface AccountApiDeps {
  accounts: Accounts
  signUp: ApiSignUp
  operations: Pick<Operations, 'answer'>
}

export async function accountApi(app: FastifyInstance, { accounts, signUp, operations }: AccountApiDeps) {
  app.get(
    '/me',
    {
      config: { scope: 'maas:read', anonymous: true, problems: [409] },
      schema: { operationId: 'readMe', summary: 'Who you are here', tags: ['account'], response: { 200: Me } },
    },
    async ({ identity }) => {
      if (!identity) throw problem('sign_in_required')
      const found = await accounts.current(identity, { soon: true })
      return meOf(identity, found && found.user.state !== 'pending' ? callerFor(identity, found) : undefined)
    },
  )

  app.post<{ Body: SignUp }>(
    '/me',
    {
      config: { scope: 'maas:write', anonymous: true, audit: 'sign_up', patient: true },
      schema: {
        operationId: 'signUp',
        summary: 'Sign up, or accept new terms',
        description:
          'Send what GET /me requires. Nobody joins an existing account without `join`: where `joins` of GET /me is an account and this call does not name it, the response is 409 `join_required` with that account, and nothing is written. A service joins the account that invites it by the id which an admin of the account passes on. 201: signed up by this call. 200: signed up before; other answers than those on record are refused.',
        tags: ['account'],
        headers: Prefer,
        body: SignUp,
        response: { 200: Me, 201: Me, 202: Operation },
      },
    },
    async (request, reply) => {
      const { identity, body } = request
      if (!identity) throw problem('sign_in_required')
      const keyed = request.headers['idempotency-key'] !== undefined
      return operations.answer(request, reply, async () => {
        const declined = (what: Declined) => auditDeclined(request, what)
        const { caller, event, isNew } = await signUp({ identity, body, keyed, declined })
        return {
          status: isNew ? 201 : 200,
          ...(isNew ? { location: '/api/v1/me' } : {}),
          body: await meOf(identity, caller),
          note: { event, who: caller, account: caller.accountId },
        }
      })
    },
  )

  async function meOf(identity: Identity, caller: Caller | undefined): Promise<Me> {
    const account = caller ? { id: caller.accountId, name: caller.orgName, role: caller.role } : null
    const asked = caller ? undefined : await accounts.required(identity)
    const { terms, offer, fields = [] } = asked ?? {}
    return {
      subject: identity.subject,
      signed_up: caller !== undefined,
      account,
      joins: offer ? openAccount(offer) : null,
      required: {
        fields: fields
          .filter((field) => field.required)
          .map(({ name, target, label, choices }) => ({ name, target, label, choices })),
        terms: terms ? { version: terms.version, url: terms.url } : null,
      },
    }
  }
}
