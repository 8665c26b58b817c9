import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../../../errors.js'
import { IdempotencyKey } from '../../../idempotency/idempotency-key.js'
import type { AsyncOperations } from '../../../web/api/async-operations.js'
import type { Caller, Identity } from '../../../web/auth/caller.js'
import { AsyncOperation, Prefer } from '../../operations/schemas.js'
import { toCaller } from '../account-status.js'
import { Me, SignUp } from '../schemas.js'
import { auditDeclined } from '../sign-in/audit.js'
import type { Accounts } from './accounts.js'
import type { ApiSignUp } from './api-sign-up.js'
import type { DeclinedInvitation } from './join-account.js'
import { toOpenAccount } from './join-offer.js'

export interface AccountApiDeps {
  accounts: Accounts
  signUp: ApiSignUp
  operations: Pick<AsyncOperations, 'answer'>
}

export async function accountApi(app: FastifyInstance, { accounts, signUp, operations }: AccountApiDeps) {
  app.get(
    '/me',
    {
      config: { scope: 'maas:read', anonymous: true, problems: [409] },
      schema: {
        operationId: 'readMe',
        summary: 'Read your identity and account',
        description:
          'Your account. Before sign-up: the fields and terms that POST /me requires, and the account that you can join.',
        tags: ['account'],
        response: { 200: Me },
      },
    },
    async ({ identity }) => {
      if (!identity) throw problem('sign_in_required')
      const accountUser = await accounts.current(identity, { mayBeCached: true })
      const isSignedUp = accountUser !== undefined && accountUser.user.state !== 'pending'
      return toMe(identity, isSignedUp ? toCaller(identity, accountUser) : undefined)
    },
  )

  app.post<{ Body: SignUp }>(
    '/me',
    {
      config: { scope: 'maas:write', anonymous: true, audit: 'sign_up', deadline: false },
      schema: {
        operationId: 'signUp',
        summary: 'Sign up, or accept new terms',
        description:
          'Send the fields and terms that GET /me requires. To join an existing account, send its ID as `join`. If GET /me returns a `joining_account` and `join` does not name it, the response is 409 `join_required` and nothing is written. For a service, `join` is the ID of the inviting account, which the service obtains from an admin of that account. 201: this call signed you up. 200: you had already signed up; values that differ from the stored ones are rejected.',
        tags: ['account'],
        headers: Type.Intersect([IdempotencyKey, Prefer]),
        body: SignUp,
        response: { 200: Me, 201: Me, 202: AsyncOperation },
      },
    },
    async (request, reply) => {
      const { identity, body } = request
      if (!identity) throw problem('sign_in_required')
      const hasIdempotencyKey = request.headers['idempotency-key'] !== undefined
      return operations.answer(request, reply, async () => {
        const onDeclined = (declined: DeclinedInvitation) => auditDeclined(request, declined)
        const { caller, event, isNew, isChanged } = await signUp({ identity, body, hasIdempotencyKey, onDeclined })
        return {
          status: isNew ? 201 : 200,
          ...(isNew ? { location: '/api/v1/me' } : {}),
          isReplayed: !isChanged,
          body: await toMe(identity, caller),
          note: { event, actor: caller, account: caller.accountId },
        }
      })
    },
  )

  async function toMe(identity: Identity, caller: Caller | undefined): Promise<Me> {
    const account = caller ? { id: caller.accountId, name: caller.orgName, role: caller.role } : null
    const destination = caller ? undefined : await accounts.joinDestination(identity)
    const { terms, offer, fields = [] } = destination ?? {}
    return {
      subject: identity.subject,
      signed_up: caller !== undefined,
      account,
      joining_account: offer ? toOpenAccount(offer) : null,
      required: {
        fields: fields
          .filter((field) => field.required)
          .map(({ name, target, label, choices }) => ({ name, target, label, choices })),
        terms: terms ? { version: terms.version, url: terms.url } : null,
      },
    }
  }
}
