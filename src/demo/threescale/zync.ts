import { rowsWith } from './row-index.js'
import type { State } from './store.js'

/** Like Zync, pushes each application of an OpenID Connect product to the identity provider until it responds. */
export function startZync(state: () => State, identityPort: number): { stop(): void } {
  let sent = ''
  let sentAt = 0
  const push = async () => {
    const { applications, services } = state()
    const clients = services
      .filter(({ backend_version }) => backend_version === 'oidc')
      .flatMap(({ id }) => rowsWith(applications, 'service_id', id))
      .map((row) => ({
        client_id: row.application_id,
        client_secret: row.keys[0]?.value ?? '',
        name: row.name || row.application_id,
        grants: ['client_credentials'],
      }))
    const body = JSON.stringify(clients)
    if (body === sent && Date.now() - sentAt < 2000) return
    try {
      const answer = await fetch(`http://127.0.0.1:${identityPort}/_demo/clients`, {
        method: 'PUT',
        headers: { authorization: 'Bearer demo-zync-token', 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(1000),
      })
      if (answer.ok) {
        sent = body
        sentAt = Date.now()
      }
    } catch {
      // the identity provider is down: the next round tries again
    }
  }
  const timer = setInterval(() => void push(), 300)
  timer.unref()
  void push()
  return { stop: () => clearInterval(timer) }
}
