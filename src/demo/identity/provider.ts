import Provider from 'oidc-provider'
import { type PushedClient, teachPushedClients } from './clients.js'
import { configuration } from './configuration.js'
import { messagePage } from './pages/pages.js'
import type { Person } from './people.js'

/** The provider of the library, with clients that are added later and a page for unknown addresses. */
export function createProvider(
  issuer: string,
  portalUrl: string,
  people: Person[],
  pushed: Map<string, PushedClient>,
): Provider {
  const provider = new Provider(issuer, configuration(portalUrl, people, pushed))
  // main.ts sets the headers of a proxy.
  provider.proxy = true
  teachPushedClients(provider, pushed)
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.status !== 404 || ctx.body !== undefined) return
    Object.assign(ctx, {
      type: 'html',
      body: messagePage('There is nothing here', 'Go back to the portal.'),
      status: 404,
    })
  })
  provider.on('server_error', (_ctx, error) => complain(error.message))
  provider.on('backchannel.error', (_ctx, error) => complain(`back-channel: ${error.message}`))
  return provider
}

function complain(message: string): void {
  process.stderr.write(`demo identity: ${message}\n`)
}
