import { join } from 'node:path'
import { projectRoot } from '../project-root.js'

/** Ports of the parts, derived from the base port. */
export function demoPorts(port: number) {
  return {
    portal: port,
    threescale: port + 1,
    identity: port + 2,
    metrics: port + 3,
    control: port + 4,
    backend: port + 7,
    gateway: port + 10,
  }
}

/** Signs usernames in the demo; tests use it too. */
export const DEMO_USERNAME_SECRET = 'demo-username-secret-that-is-public'

/** Sent by the 3scale of the demo with its webhooks. */
export const DEMO_WEBHOOK_SECRET = 'demo-webhook-secret-that-is-public'

/** Settings of the portal in the demo. The environment takes precedence, so that tests can change single settings. */
export function demoEnvironment(
  port: number,
  env: Readonly<Record<string, string | undefined>>,
  timing: 'real' | 'quick' = 'real',
): Record<string, string> {
  const ports = demoPorts(port)
  const settings: Record<string, string> = {
    HOST: '127.0.0.1',
    PORT: String(port),
    METRICS_PORT: String(ports.metrics),
    PUBLIC_URL: `http://localhost:${port}`,
    THREESCALE_ADMIN_URL: `http://localhost:${ports.threescale}`,
    THREESCALE_ACCESS_TOKEN: 'demo-token',
    OIDC_ISSUER: `http://localhost:${ports.identity}`,
    OIDC_CLIENT_ID: 'maas-portal',
    OIDC_CLIENT_SECRET: 'demo-portal-secret',
    API_CLIENTS: 'demo-service',
    SESSION_SECRET: 'demo-session-secret-that-is-public',
    USERNAME_SECRET: DEMO_USERNAME_SECRET,
    WEBHOOK_SECRET: DEMO_WEBHOOK_SECRET,
    CATALOG_ACCESS: 'public',
    PORTAL_CONFIG: join(projectRoot, 'deploy', 'demo-portal.yaml'),
    LOG_LEVEL: 'warn',
    GATEWAY_CONFIGURATION_CACHE: timing === 'quick' ? '1' : '300',
    APP_KEY_CACHE: timing === 'quick' ? '2' : '60',
  }
  const overrides = Object.entries(env).filter(([name, value]) => name in settings && value !== undefined) as [
    string,
    string,
  ][]
  return { ...settings, ...Object.fromEntries(overrides) }
}

const ACTIONS = {
  account: ['created', 'updated', 'deleted', 'plan_changed'],
  user: ['created', 'updated', 'deleted'],
  application: [
    ...['created', 'updated', 'deleted', 'suspended', 'plan_changed'],
    ...['user_key_updated', 'key_created', 'key_deleted', 'key_updated'],
  ],
}

/** The settings with which the 3scale part sends all webhooks to the portal. */
export function demoWebhooks({ PORT, WEBHOOK_SECRET, THREESCALE_ACCESS_TOKEN }: Record<string, string>) {
  const events = Object.entries(ACTIONS).flatMap(([type, actions]) => actions.map((action) => `${type}_${action}_on`))
  return {
    access_token: THREESCALE_ACCESS_TOKEN,
    url: `http://3scale:${WEBHOOK_SECRET}@127.0.0.1:${PORT}/webhooks/3scale`,
    active: true,
    provider_actions: true,
    ...Object.fromEntries(events.map((name) => [name, true])),
  }
}
