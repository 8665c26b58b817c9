import { flagOf, textOf, wrapped } from '../http/params.js'
import { type Answer, answers, escapeXml } from '../http/responses.js'
import type { Api } from '../http/router.js'
import type { State, Webhook } from '../store.js'

/** The columns of the table that end with `_on` (porta, db/schema.rb, web_hooks), in its order. */
const EVENTS = [
  'account_created_on',
  'account_updated_on',
  'account_deleted_on',
  'user_created_on',
  'user_updated_on',
  'user_deleted_on',
  'application_created_on',
  'application_updated_on',
  'application_deleted_on',
  'account_plan_changed_on',
  'application_plan_changed_on',
  'application_user_key_updated_on',
  'application_key_created_on',
  'application_key_deleted_on',
  'application_suspended_on',
  'application_key_updated_on',
]

/** The address of webhooks, which cannot be read, and events that could not be delivered. */
export function webhookRoutes(api: Api): void {
  // JSON only (porta, app/controllers/admin/api/web_hooks_controller.rb); a tenant has one address
  api.put('/admin/api/webhooks', async (call) => {
    const given = wrapped(call, 'web_hook', ['url', 'active', 'provider_actions', ...EVENTS])
    if ('refusal' in given) return given.refusal
    const before: Webhook = call.state.webhook ?? { active: false, provider_actions: false, events: {} }
    const flag = (name: string, previous: boolean) => flagOf(given.attributes, name) ?? previous
    const url = textOf(given.attributes, 'url') ?? before.url
    const webhook: Webhook = {
      ...(url === undefined ? {} : { url }),
      active: flag('active', before.active),
      provider_actions: flag('provider_actions', before.provider_actions),
      events: Object.fromEntries(EVENTS.map((name) => [name, flag(name, before.events[name] === true)])),
    }
    const errors = urlErrors(webhook)
    if (errors.length > 0) return answers.invalid({ url: errors })
    await call.write(() => {
      call.state.webhook = webhook
    })
    const { active, provider_actions, events } = webhook
    return answers.ok({ webhook: { url: url ?? null, active, provider_actions, ...events } })
  })

  // Only admins may (app/controllers/admin/api/web_hooks_failures_controller.rb).
  api.get('/admin/api/webhooks/failures', ({ state }) => shown(state))

  api.delete('/admin/api/webhooks/failures', async (call) => {
    const until = textOf(call.params, 'time')
    const untilMs = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until)
    if (Number.isNaN(untilMs)) return answers.error(400, 'invalid time')
    return call.write(() => {
      call.state.webhookFailures = failuresOf(call.state).filter(({ time }) => Date.parse(time) > untilMs)
      return answers.empty
    })
  })
}

/** Checked only while it is active, and not from its start to its end (porta, app/models/web_hook.rb). */
function urlErrors({ url = '', active }: Webhook): string[] {
  if (url.length > 255) return ['is too long (maximum is 255 characters)']
  return active && !/https?:\/\/[^\s/]/.test(url) ? ['Must be a valid URL such as http://example.com'] : []
}

function failuresOf({ webhookFailures = [] }: State) {
  return webhookFailures
}

function shown(state: State): Answer {
  const failures = failuresOf(state)
  const json = { 'webhooks-failures': failures.map((failure) => ({ 'webhooks-failure': failure })) }
  const rows = failures.map(
    ({ id, time, error, url, event }) =>
      `<webhooks-failure><id>${id}</id><time>${time}</time><error>${escapeXml(error)}</error><url>${escapeXml(url)}</url>` +
      `${event.replace(/^<\?xml[^>]*\?>/, '')}</webhooks-failure>`,
  )
  const root = rows.length === 0 ? '<webhooks-failures/>' : `<webhooks-failures>${rows.join('')}</webhooks-failures>`
  return answers.ok(json, `<?xml version="1.0" encoding="UTF-8"?>${root}`)
}
