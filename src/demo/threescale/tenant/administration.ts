import { flagOf, textOf, wrapped } from '../http/params.js'
import { answers } from '../http/responses.js'
import type { Api } from '../http/router.js'
import { recordTag } from '../http/tags.js'
import { tokens } from '../http/tokens.js'
import { provider } from '../represent/accounts.js'
import { viewOf } from '../represent/representation.js'

/** Settings of the tenant, and its identity providers and access tokens. */
export function administrationRoutes(api: Api): void {
  api.get(
    '/admin/api/settings',
    ({ state }) => answers.ok({ settings: state.settings }),
    (call) => recordTag(call),
  )
  api.update('/admin/api/settings', async (call) => {
    const given = wrapped(call, 'settings', Object.keys(call.state.settings))
    if ('refusal' in given) return given.refusal
    const { settings } = call.state
    const pairs = Object.entries(settings).map(([name, previous]) => {
      const value = typeof previous === 'boolean' ? flagOf(given.attributes, name) : textOf(given.attributes, name)
      return [name, value ?? previous] as const
    })
    // Unchanged values are not written.
    if (pairs.some(([name, value]) => settings[name] !== value))
      await call.write(() => {
        Object.assign(settings, Object.fromEntries(pairs))
        // approval of accounts is stored at the default account plan
        for (const plan of call.state.accountPlans)
          if (plan.default) plan.approval_required = settings.account_approval_required === true
      })
    return answers.ok({ settings })
  })

  api.get('/admin/api/provider', (call) => answers.ok({ account: provider(viewOf(call)) }))
  api.get('/admin/api/authentication_providers', ({ state }) =>
    answers.ok({
      authentication_providers: state.authenticationProviders.map((row) => ({ authentication_provider: row })),
    }),
  )

  // of the caller, without values (app/controllers/admin/api/personal/access_tokens_controller.rb)
  api.get('/admin/api/personal/access_tokens', ({ token, query }) => {
    const all = Object.entries(tokens).filter(([value]) => value === token)
    const named = all.filter(([value]) => typeof query.name !== 'string' || value.includes(query.name))
    const access_tokens = named.map(([value, { scopes, permission, expires_at }], index) => ({
      access_token: { id: index + 1, name: value, scopes, permission, ...(expires_at ? { expires_at } : {}) },
    }))
    return answers.ok({ access_tokens })
  })
}
