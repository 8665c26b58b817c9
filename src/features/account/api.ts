import type { FastifyInstance } from 'fastify'
import { problem } from '../../errors.js'
import type { Caller, Identity } from '../../web/caller.js'
import type { Operations } from '../../web/operations.js'
import { Operation, Prefer } from '../operations/schemas.js'
import type { Accounts } from './accounts.js'
import type { ApiSignUp } from './api-sign-up.js'
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
          'Send what GET /me requires. A caller who is invited, or whose sign-in names a shared account, joins that account. 201: signed up by this call. 200: signed up before; other answers than those on record are refused.',
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
        const { caller, event, isNew } = await signUp(identity, body, keyed)
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
    const { terms, into, fields = [] } = asked ?? {}
    return {
      subject: identity.subject,
      signed_up: caller !== undefined,
      account,
      joins: into ? { name: into.account, role: into.role, by: into.by } : null,
      required: {
        fields: fields
          .filter((field) => field.required)
          .map(({ name, target, label, choices }) => ({ name, target, label, choices })),
        terms: terms ? { version: terms.version, url: terms.url } : null,
      },
    }
  }
}
