import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { problem } from '../../errors.js'
import type { Accounts } from './accounts.js'

const Me = Type.Object(
  {
    subject: Type.String(),
    signed_up: Type.Boolean(),
    account: Type.Union([Type.Object({ id: Type.Integer(), name: Type.String(), role: Type.String() }), Type.Null()]),
    required: Type.Object({
      fields: Type.Array(
        Type.Object({
          name: Type.String(),
          target: Type.String(),
          label: Type.String(),
          choices: Type.Array(Type.String()),
        }),
      ),
      terms: Type.Union([Type.Object({ version: Type.String(), url: Type.String() }), Type.Null()]),
    }),
  },
  { $id: 'Me' },
)

export async function accountApi(app: FastifyInstance, { accounts }: { accounts: Accounts }) {
  app.get(
    '/me',
    {
      config: { scope: 'maas:read', anonymous: true },
      schema: { operationId: 'readMe', summary: 'Who you are here', tags: ['account'], response: { 200: Me } },
    },
    async (request) => {
      const { identity, caller } = request
      if (!identity) throw problem('sign_in_required')
      const account = caller ? { id: caller.accountId, name: caller.orgName, role: caller.role } : null
      const asked = caller ? { fields: [], terms: undefined } : await accounts.required(identity)
      return {
        subject: identity.subject,
        signed_up: caller !== undefined,
        account,
        required: {
          fields: asked.fields
            .filter((field) => field.required)
            .map(({ name, target, label, choices }) => ({ name, target, label, choices })),
          terms: asked.terms ? { version: asked.terms.version, url: asked.terms.url } : null,
        },
      }
    },
  )
}
