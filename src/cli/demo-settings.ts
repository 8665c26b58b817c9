import { join } from 'node:path'
import { projectRoot } from '../root.js'

/** Ports of the demo's parts from its base port. */
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

/** Makes the names of the demo's users in 3scale; tests make them too. */
export const DEMO_USERNAME_SECRET = 'demo-username-secret-that-everybody-knows'

/** The portal's settings in the demo; what the environment sets already wins, so that tests can change one. */
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
    SESSION_SECRET: 'demo-session-secret-that-everybody-knows',
    USERNAME_SECRET: DEMO_USERNAME_SECRET,
    CATALOG_ACCESS: 'public',
    PORTAL_CONFIG: join(projectRoot, 'deploy', 'demo-portal.yaml'),
    LOG_LEVEL: 'warn',
    GATEWAY_CONFIGURATION_CACHE: timing === 'quick' ? '1' : '300',
    APP_KEY_CACHE: timing === 'quick' ? '2' : '60',
  }
  const given = Object.entries(env).filter(([name, value]) => name in settings && value !== undefined) as [
    string,
    string,
  ][]
  return { ...settings, ...Object.fromEntries(given) }
}
