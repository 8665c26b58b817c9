import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { Behaviour } from '../behaviour.js'
import type { View } from '../represent/representation.js'
import type { State, Webhook } from '../store.js'
import { type ChangedRecord, eventXml, settingOf } from './events.js'

/** A first delivery and five retries (porta, app/workers/web_hook_worker.rb). */
const ATTEMPTS = 6
const TIMEOUT_MS = 60_000
const HEADERS = {
  accept: '*/*',
  'accept-encoding': 'gzip, deflate',
  'user-agent': 'rest-client/2.0.2 (linux-gnu x86_64) ruby/3.1.5p253',
}

interface Options {
  state(): State
  behaviour(): Behaviour
}

export type WebhookSender = ReturnType<typeof createWebhookSender>

/**
 * Sends webhooks in the background, as porta's worker does: in no order, and again after any failure. Changes of the owner of an access
 * token are sent only with `provider_actions`, and changes by the controls below /_demo never, like those of a background job.
 */
export function createWebhookSender({ state, behaviour }: Options) {
  const counts = { delivered: 0, failed: 0 }
  const running = new Set<Promise<void>>()
  const stopped = new AbortController()

  return {
    /** `view` is that of the call, because the event is written before the response. */
    changed(change: ChangedRecord, view: View): void {
      const { webhook } = view.state
      // The caller of the API is an admin of the tenant (app/models/web_hook/event.rb, push_user?).
      if (!webhook?.active || !webhook.provider_actions || webhook.events[settingOf(change)] !== true) return
      const delivery = deliver(webhook, eventXml(change, view)).finally(() => running.delete(delivery))
      running.add(delivery)
    },
    report: () => ({ ...counts, pending: running.size }),
    stop(): void {
      stopped.abort()
    },
  }

  async function deliver({ url }: Webhook, event: string): Promise<void> {
    const id = randomUUID()
    let error = ''
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const { webhook_delay_ms, webhook_retry_ms } = behaviour()
      const isInTime = await sleep(attempt === 1 ? webhook_delay_ms : webhook_retry_ms, true, {
        ref: false,
        signal: stopped.signal,
      }).catch(() => false)
      if (!isInTime) return
      error = await post(url ?? '', event)
      if (error === '') {
        counts.delivered++
        return
      }
    }
    counts.failed++
    // The list has no limit, and its events have the keys of applications (app/models/web_hook_failures.rb).
    const current = state()
    const failure = { id, time: new Date().toISOString(), error, url: url ?? '', event }
    current.webhookFailures = [...(current.webhookFailures ?? []), failure]
  }

  /** The message of the exception, or an empty text. */
  async function post(address: string, event: string): Promise<string> {
    try {
      const url = new URL(address)
      const { statusCode, body } = await request(`${url.origin}${url.pathname}${url.search}`, {
        method: 'POST',
        headers: { ...HEADERS, 'content-type': 'application/xml', ...credentials(url) },
        body: event,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        signal: stopped.signal,
      })
      await body.dump()
      // A redirect is an error, because this is no GET; 303 would be followed.
      return statusCode >= 200 && statusCode <= 207 ? '' : `${statusCode} ${REASONS[statusCode] ?? 'Error'}`
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ECONNREFUSED') return `Failed to open TCP connection to ${hostOf(address)} (Connection refused)`
      return code?.startsWith('UND_ERR') ? 'Timed out reading data from server' : String(code ?? 'Error')
    }
  }
}

const REASONS: Record<number, string> = {
  301: 'Moved Permanently',
  302: 'Found',
  307: 'Temporary Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}

/** rest-client 2.0 decodes user name and password of the address and sends them at once (lib/restclient/request.rb). */
function credentials({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {}
  const decoded = [username, password].map((text) => decodeURIComponent(text.replace(/\+/g, ' '))).join(':')
  return { authorization: `Basic ${Buffer.from(decoded).toString('base64')}` }
}

function hostOf(address: string): string {
  const { hostname, port } = new URL(address)
  return `${hostname}:${port || '443'}`
}
