import { type PortalConfig, readPortalConfig } from './portal-config.js'
import { type Environment, reader, words } from './settings.js'

export interface Config {
  host: string
  port: number
  metricsPort: number
  /** seconds between the wish to stop and the end of taking requests */
  drainSeconds: number
  /** how browsers reach the portal; no trailing slash */
  publicUrl: string
  trustProxy: boolean | string | number
  threescale: { adminUrl: string; accessToken: string }
  oidc: { issuer: string; clientId: string; clientSecret: string; scopes: string; issuerId: string }
  linkByEmail: 'verified' | 'off'
  api: { audience: string; clients: string[] }
  redisUrl: string | undefined
  /** PEM of the only authority that is trusted for Redis; undefined: as for every other outbound call */
  redisCa: string | undefined
  /** the first secret seals, all open; times in seconds */
  session: { secrets: string[]; idleSeconds: number; maxSeconds: number }
  /** the first secret makes the names of users in 3scale, all find and verify them; those of the session where none are set */
  usernames: { secrets: string[]; isOwn: boolean }
  catalog: { ttlSeconds: number; detailTtlSeconds: number; access: 'signed-in' | 'public' }
  /** how long gateways cache their configuration, and 3scale's back-end the status of an application key */
  gateway: { configurationSeconds: number; appKeySeconds: number }
  portal: PortalConfig
  outbound: { extraCa: string | undefined; httpsProxy: string | undefined; noProxy: string | undefined }
  /** address of the API server of the cluster that the portal runs in */
  clusterApi: string | undefined
  mail: { url: string; from: string; operator: string } | undefined
  /** a client of the sign-in service whose token `doctor` looks at */
  doctorClient: { id: string; secret: string } | undefined
  logLevel: string
  /** undefined: off, and nothing of OpenTelemetry's SDK is loaded */
  traces: { protocol: 'http/protobuf' | 'http/json' } | undefined
  /** `stdout`, `off` or a file */
  auditLog: string
}

/** Every problem with the settings in one error; `serve` prints it and exits with code 2. */
export class ConfigError extends Error {
  readonly complaints: string[]
  constructor(complaints: string[]) {
    super(`The settings need attention:\n${complaints.map((line) => `  - ${line}`).join('\n')}`)
    this.name = 'ConfigError'
    this.complaints = complaints
  }
}

/** Reads the environment once. Each secret may come as NAME or as a file named by NAME_FILE. Throws ConfigError. */
export function loadConfig(env: Environment = process.env): Config {
  const complaints: string[] = []
  const read = reader(env, complaints)
  const port = read.port('PORT', 3000)
  const issuer = read.address('OIDC_ISSUER', 'https://sso.example.com/realms/maas')
  const portalFile = read.text('PORTAL_CONFIG')
  const portal = portalFile ? readPortalConfig(portalFile) : { config: {}, complaints: [] }
  complaints.push(...portal.complaints)
  const sessionSecrets = read.secrets('SESSION_SECRET')
  const usernameSecrets = read.secrets('USERNAME_SECRET', { optional: true })
  const config: Config = {
    host: read.text('HOST') ?? '0.0.0.0',
    port,
    metricsPort: read.port('METRICS_PORT', 9464),
    drainSeconds: read.seconds('DRAIN', 0),
    publicUrl: read.address('PUBLIC_URL', 'https://models.example.com').replace(/\/+$/, ''),
    trustProxy: trustProxy(read.text('TRUST_PROXY')),
    threescale: {
      adminUrl: read.address('THREESCALE_ADMIN_URL', 'https://tenant-admin.3scale.example.com').replace(/\/+$/, ''),
      accessToken: read.required(
        'THREESCALE_ACCESS_TOKEN',
        'a 3scale access token with account_management (rw) and stats',
      ),
    },
    oidc: {
      issuer,
      clientId: read.required('OIDC_CLIENT_ID', 'maas-portal'),
      clientSecret: read.required('OIDC_CLIENT_SECRET', 'the secret of the SSO client'),
      scopes: read.text('OIDC_SCOPES') ?? 'openid profile email',
      issuerId: read.text('OIDC_ISSUER_ID') ?? issuer,
    },
    linkByEmail: read.choice('LINK_BY_EMAIL', ['verified', 'off'], 'verified'),
    api: { audience: read.text('API_AUDIENCE') ?? 'maas-portal-api', clients: words(read.text('API_CLIENTS')) },
    redisUrl: read.redis('REDIS_URL'),
    redisCa: read.file('REDIS_CA_FILE'),
    session: {
      secrets: sessionSecrets,
      idleSeconds: read.seconds('SESSION_IDLE', 2 * 3600),
      maxSeconds: read.seconds('SESSION_MAX', 10 * 3600),
    },
    usernames: {
      secrets: usernameSecrets.length > 0 ? usernameSecrets : sessionSecrets,
      isOwn: usernameSecrets.length > 0,
    },
    catalog: {
      ttlSeconds: read.seconds('CATALOG_TTL', 60),
      detailTtlSeconds: read.seconds('CATALOG_DETAIL_TTL', 900),
      access: read.choice('CATALOG_ACCESS', ['signed-in', 'public'], 'signed-in'),
    },
    gateway: {
      configurationSeconds: read.seconds('GATEWAY_CONFIGURATION_CACHE', 300),
      appKeySeconds: read.seconds('APP_KEY_CACHE', 60),
    },
    portal: portal.config,
    outbound: {
      extraCa: read.file('EXTRA_CA_FILE'),
      httpsProxy: read.url('HTTPS_PROXY'),
      noProxy: read.text('NO_PROXY'),
    },
    // no setting: Kubernetes sets it in every container
    clusterApi: env.KUBERNETES_SERVICE_HOST || undefined,
    mail: mailSettings(
      { url: read.smtp('SMTP_URL'), from: read.text('MAIL_FROM'), operator: read.text('OPERATOR_MAIL') },
      complaints,
    ),
    doctorClient: clientSettings(read.text('DOCTOR_CLIENT_ID'), read.text('DOCTOR_CLIENT_SECRET'), complaints),
    logLevel: read.choice('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
    auditLog: read.log('AUDIT_LOG', 'stdout'),
    traces: traceSettings(read),
  }
  if (complaints.length > 0) throw new ConfigError(complaints)
  return config
}

/** OpenTelemetry's own variables; every other one of them is read by its SDK. */
function traceSettings(read: ReturnType<typeof reader>): Config['traces'] {
  const endpoint = [read.url('OTEL_EXPORTER_OTLP_ENDPOINT'), read.url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')]
  const protocol = read.choice('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf', 'http/json'], 'http/protobuf')
  const exporter = read.choice('OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp')
  const off = read.choice('OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true' || exporter === 'none'
  return off || !endpoint.some(Boolean) ? undefined : { protocol }
}

function mailSettings(
  { url, from, operator }: { url: string | undefined; from: string | undefined; operator: string | undefined },
  complaints: string[],
): Config['mail'] {
  if (url && from && operator) return { url, from, operator }
  for (const [name, value] of Object.entries({ SMTP_URL: url, MAIL_FROM: from, OPERATOR_MAIL: operator }))
    if (!value && (url || from || operator))
      complaints.push(`${name}: is needed where one of SMTP_URL, MAIL_FROM and OPERATOR_MAIL is set`)
  return undefined
}

function clientSettings(
  id: string | undefined,
  secret: string | undefined,
  complaints: string[],
): Config['doctorClient'] {
  if (id && secret) return { id, secret }
  if (id || secret) complaints.push('DOCTOR_CLIENT_ID: is needed together with DOCTOR_CLIENT_SECRET, or neither')
  return undefined
}

/** `true`, a number of hops, or addresses and ranges, as Fastify's trustProxy takes them. */
function trustProxy(value: string | undefined): boolean | string | number {
  if (value === undefined || value === 'false' || value === 'off') return false
  if (value === 'true' || value === 'on') return true
  return /^\d+$/.test(value) ? Number(value) : value
}
