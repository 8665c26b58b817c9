import { answers } from '../http/answers.js'
import { flagOf, textOf, wrapped } from '../http/params.js'
import type { Api } from '../http/router.js'
import { recordTag } from '../http/tags.js'
import { tokens } from '../http/tokens.js'
import { provider } from '../represent/people.js'
import { viewOf } from '../represent/view.js'

/** Settings of the tenant, and what is read by who looks after one: its sign-in services, own tokens, webhooks that failed. */
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
    const pairs = Object.entries(settings).map(([name, old]) => {
      const value = typeof old === 'boolean' ? flagOf(given.attributes, name) : textOf(given.attributes, name)
      return [name, value ?? old] as const
    })
    // what is the same already is no write
    if (pairs.some(([name, value]) => settings[name] !== value))
      await call.write(() => {
        Object.assign(settings, Object.fromEntries(pairs))
        // approval of accounts is kept at the default account plan
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

  // of the one who asks, without values (app/controllers/admin/api/personal/access_tokens_controller.rb)
  api.get('/admin/api/personal/access_tokens', ({ token, query }) => {
    const all = Object.entries(tokens).filter(([value]) => value === token)
    const named = all.filter(([value]) => typeof query.name !== 'string' || value.includes(query.name))
    const access_tokens = named.map(([value, { scopes, permission, expires_at }], index) => ({
      access_token: { id: index + 1, name: value, scopes, permission, ...(expires_at ? { expires_at } : {}) },
    }))
    return answers.ok({ access_tokens })
  })

  // needs an owner who may manage webhooks: an admin (app/controllers/admin/api/web_hooks_failures_controller.rb)
  api.get('/admin/api/webhooks/failures', () =>
    answers.ok({ 'webhooks-failures': [] }, '<?xml version="1.0" encoding="UTF-8"?><webhooks-failures/>'),
  )
}
