import { dirname } from 'node:path'
import { type BrandFiles, readBrandFiles } from './branding.js'
import { settingDefaults as defaults } from './defaults.js'
import {
  createEnvironmentReader,
  type Environment,
  type EnvironmentReader,
  type SecretList,
} from './environment-reader.js'
import { examples, mailMessages, redisMessages, settingMessages } from './messages.js'
import { type PortalConfig, readPortalConfig } from './portal-config.js'
import {
  accessTokenProblem,
  audienceProblem,
  clientProblem,
  issuerIdProblem,
  issuerProblem,
  mailboxesProblem,
  mailboxProblem,
  noProxyProblem,
  originProblem,
  proxyTrustProblem,
  redisProblem,
  scopesProblem,
  smtpProblem,
  webAddressProblem,
  webhookSecretProblem,
} from './setting-validation.js'

export interface Config {
  host: string
  port: number
  metricsPort: number
  /** Seconds for which a stopping portal still accepts requests. */
  drainSeconds: number
  /** The address of the portal in browsers, without a trailing slash. */
  publicUrl: string
  trustProxy: boolean | string | number
  threescale: { adminUrl: string; accessToken: string }
  oidc: { issuer: string; clientId: string; clientSecret: string; scopes: string; issuerId: string }
  linkByEmail: 'verified' | 'off'
  api: { audience: string; clients: string[] }
  redisUrl: string | undefined
  /** PEM of the only certificate authority that is trusted for Redis; undefined: the usual ones. */
  redisCa: string | undefined
  /** The first secret encrypts, all decrypt. */
  session: { secrets: SecretList; idleSeconds: number; maxSeconds: number }
  /** The first secret signs usernames in 3scale, all verify them. Default: the secrets of the session. */
  usernames: { secrets: SecretList; isOwn: boolean }
  catalog: { ttlSeconds: number; detailTtlSeconds: number; access: 'signed-in' | 'public' }
  /** How long gateways cache their configuration, and 3scale's backend the status of an application key. */
  gateway: { configurationSeconds: number; appKeySeconds: number }
  portal: PortalConfig
  /** Pictures and colours of `portal.branding`. */
  brandFiles: BrandFiles
  connections: { extraCa: string | undefined; httpsProxy: string | undefined; noProxy: string | undefined }
  /** The API server of the cluster that the portal runs in. */
  clusterApi: string | undefined
  mail: { url: string; from: string; operator: string } | undefined
  /** A client of the identity provider whose token the doctor checks. */
  doctorClient: { id: string; secret: string } | undefined
  /** What 3scale sends with its webhooks; undefined: they are not received. */
  webhookSecrets: SecretList | undefined
  logLevel: string
  /** Undefined: off, and OpenTelemetry's SDK is not loaded. */
  traces: { protocol: 'http/protobuf' | 'http/json' } | undefined
  /** `stdout`, `off` or a file. */
  auditLog: string
  /** For the log: variables that resemble settings, and settings whose file does not exist. */
  notices: { warnings: string[]; absent: string[] }
}

/** All problems with the settings; `serve` prints them and exits with code 2. */
export class ConfigError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(`${settingMessages.heading}\n${problems.map((line) => `  - ${line}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const HOUR = 3600
const DAY = 24 * HOUR

/** Reads the environment. Each setting is either NAME or the content of the file in NAME_FILE. Throws ConfigError. */
export function loadConfig(env: Environment = process.env): Config {
  const problems: string[] = []
  const read = createEnvironmentReader(env, problems)
  const port = read.port('PORT', defaults.port)
  const metricsPort = read.port('METRICS_PORT', defaults.metricsPort)
  const issuer = read.address('OIDC_ISSUER', 'https://sso.example.com/realms/maas', issuerProblem)
  const portalFile = read.text('PORTAL_CONFIG')
  const portal = portalFile ? readPortalConfig(portalFile) : { config: {}, problems: [] }
  const brand = readBrandFiles(portal.config.branding ?? {}, dirname(portalFile ?? ''))
  problems.push(...portal.problems, ...brand.problems.map((problem) => `PORTAL_CONFIG: ${problem}`))
  const sessionSecrets = read.secrets('SESSION_SECRET')
  const usernameSecrets = read.optionalSecrets('USERNAME_SECRET')
  const maxSeconds = read.seconds('SESSION_MAX', { fallback: defaults.sessionMaxSeconds, max: 400 * DAY })
  const idleSeconds = read.seconds('SESSION_IDLE', {
    fallback: Math.min(defaults.sessionIdleSeconds, maxSeconds),
    max: 400 * DAY,
  })
  const config: Config = {
    host: read.host('HOST', defaults.host),
    port,
    metricsPort,
    drainSeconds: read.seconds('DRAIN', { fallback: defaults.drainSeconds, min: 0, max: HOUR }),
    publicUrl: originOf(read.address('PUBLIC_URL', 'https://models.example.com', originProblem)),
    trustProxy: trustProxy(read.text('TRUST_PROXY', { check: proxyTrustProblem })),
    threescale: {
      adminUrl: originOf(
        read.address('THREESCALE_ADMIN_URL', 'https://tenant-admin.3scale.example.com', originProblem),
      ),
      accessToken: read.required('THREESCALE_ACCESS_TOKEN', examples.accessToken, {
        secret: true,
        check: accessTokenProblem,
      }),
    },
    oidc: {
      issuer,
      clientId: read.required('OIDC_CLIENT_ID', 'maas-portal'),
      clientSecret: read.required('OIDC_CLIENT_SECRET', examples.clientSecret, { secret: true }),
      scopes: read.text('OIDC_SCOPES', { check: scopesProblem }) ?? defaults.oidcScopes,
      issuerId: read.text('OIDC_ISSUER_ID', { check: issuerIdProblem }) ?? issuer,
    },
    linkByEmail: read.choice('LINK_BY_EMAIL', ['verified', 'off'], defaults.linkByEmail),
    api: {
      audience: read.text('API_AUDIENCE', { check: audienceProblem }) ?? defaults.apiAudience,
      clients: read.list('API_CLIENTS', clientProblem),
    },
    redisUrl: read.text('REDIS_URL', { secret: true, optional: true, check: redisProblem }),
    redisCa: read.certificates('REDIS_CA_FILE'),
    session: {
      secrets: sessionSecrets,
      idleSeconds,
      maxSeconds,
    },
    usernames: {
      secrets: usernameSecrets ?? sessionSecrets,
      isOwn: usernameSecrets !== undefined,
    },
    catalog: {
      ttlSeconds: read.seconds('CATALOG_TTL', { fallback: defaults.catalogTtlSeconds, max: DAY }),
      detailTtlSeconds: read.seconds('CATALOG_DETAIL_TTL', {
        fallback: defaults.catalogDetailTtlSeconds,
        max: 7 * DAY,
      }),
      access: read.choice('CATALOG_ACCESS', ['signed-in', 'public'], defaults.catalogAccess),
    },
    gateway: {
      configurationSeconds: read.seconds('GATEWAY_CONFIGURATION_CACHE', {
        fallback: defaults.gatewayConfigurationSeconds,
        min: 0,
        max: DAY,
      }),
      appKeySeconds: read.seconds('APP_KEY_CACHE', { fallback: defaults.appKeySeconds, max: HOUR }),
    },
    portal: portal.config,
    brandFiles: brand.files,
    connections: {
      extraCa: read.certificates('EXTRA_CA_FILE'),
      httpsProxy: read.text('HTTPS_PROXY', { check: webAddressProblem }),
      noProxy: read.text('NO_PROXY', { check: noProxyProblem }),
    },
    // Kubernetes sets it in every container.
    clusterApi: env.KUBERNETES_SERVICE_HOST || undefined,
    mail: mailSettings(
      {
        url: read.text('SMTP_URL', { secret: true, optional: true, check: smtpProblem }),
        from: read.text('MAIL_FROM', { check: mailboxProblem }),
        operator: read.text('OPERATOR_MAIL', { check: mailboxesProblem }),
      },
      problems,
    ),
    doctorClient: clientSettings(
      read.text('DOCTOR_CLIENT_ID'),
      read.text('DOCTOR_CLIENT_SECRET', { secret: true, optional: true }),
      problems,
    ),
    webhookSecrets: secretList(
      read.text('WEBHOOK_SECRET', { secret: true, optional: true, check: webhookSecretProblem }),
    ),
    logLevel: read.choice(
      'LOG_LEVEL',
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      defaults.logLevel,
    ),
    auditLog: read.log('AUDIT_LOG', defaults.auditLog),
    traces: traceSettings(read),
    notices: { warnings: [], absent: [] },
  }
  if (port === metricsPort) problems.push(`METRICS_PORT: ${settingMessages.portsEqual}`)
  if (idleSeconds > maxSeconds) problems.push(`SESSION_IDLE: ${settingMessages.idleTooLong}`)
  if (config.redisCa && config.redisUrl?.startsWith('redis:')) problems.push(`REDIS_CA_FILE: ${redisMessages.caUnused}`)
  config.notices = { warnings: read.warnings(), absent: read.absent() }
  if (problems.length > 0) throw new ConfigError([...problems, ...config.notices.warnings])
  return config
}

/** Variables of OpenTelemetry; its SDK reads the others. */
function traceSettings(read: EnvironmentReader): Config['traces'] {
  const endpoint = [
    read.text('OTEL_EXPORTER_OTLP_ENDPOINT', { check: webAddressProblem }),
    read.text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', { check: webAddressProblem }),
  ]
  const protocol = read.choice('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf', 'http/json'], defaults.tracesProtocol)
  const exporter = read.choice('OTEL_TRACES_EXPORTER', ['otlp', 'none'], defaults.tracesExporter)
  const off =
    read.choice('OTEL_SDK_DISABLED', ['true', 'false'], defaults.tracesDisabled) === 'true' || exporter === 'none'
  return off || !endpoint.some(Boolean) ? undefined : { protocol }
}

function mailSettings(
  { url, from, operator }: { url: string | undefined; from: string | undefined; operator: string | undefined },
  problems: string[],
): Config['mail'] {
  if (url && from && operator) return { url, from, operator }
  for (const [name, value] of Object.entries({ SMTP_URL: url, MAIL_FROM: from, OPERATOR_MAIL: operator }))
    if (!value && (url || from || operator) && !problems.some((line) => line.startsWith(`${name}:`)))
      problems.push(`${name}: ${mailMessages.incomplete}`)
  return undefined
}

function clientSettings(
  id: string | undefined,
  secret: string | undefined,
  problems: string[],
): Config['doctorClient'] {
  if (id && secret) return { id, secret }
  if (problems.some((line) => line.startsWith('DOCTOR_CLIENT_'))) return undefined
  if (id) problems.push(`DOCTOR_CLIENT_SECRET: ${settingMessages.requiredWith('DOCTOR_CLIENT_ID')}`)
  if (secret) problems.push(`DOCTOR_CLIENT_ID: ${settingMessages.requiredWith('DOCTOR_CLIENT_SECRET')}`)
  return undefined
}

function secretList(value: string | undefined): SecretList | undefined {
  const [first, ...others] = value?.split(',').map((secret) => secret.trim()) ?? []
  return first === undefined ? undefined : [first, ...others]
}

/** Converts the setting to Fastify's trustProxy. */
function trustProxy(value: string | undefined): boolean | string | number {
  if (value === undefined || value === 'false' || value === 'off' || value === '0') return false
  if (value === 'true' || value === 'on') return true
  return /^\d+$/.test(value) ? Number(value) : value
}

/** Normalised, so that it can be compared. An invalid address is already reported. */
function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : address
}
