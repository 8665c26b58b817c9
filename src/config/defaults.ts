const HOUR = 3600

/** Every key and channel in Redis starts with it. */
export const PREFIX = 'maas'

/** Defaults of environment variables. Durations are in seconds. */
export const settingDefaults = {
  host: '0.0.0.0',
  port: 3000,
  metricsPort: 9464,
  drainSeconds: 0,
  oidcScopes: 'openid profile email',
  linkByEmail: 'verified',
  apiAudience: 'maas-portal-api',
  sessionIdleSeconds: 2 * HOUR,
  sessionMaxSeconds: 10 * HOUR,
  catalogTtlSeconds: 60,
  catalogDetailTtlSeconds: 900,
  catalogAccess: 'signed-in',
  gatewayConfigurationSeconds: 300,
  appKeySeconds: 60,
  logLevel: 'info',
  auditLog: 'stdout',
  tracesProtocol: 'http/protobuf',
  tracesExporter: 'otlp',
  tracesDisabled: 'false',
} as const

/** Defaults of PORTAL_CONFIG. */
export const portalDefaults = {
  brandName: 'Models',
  tagline: 'Private language models behind one key.',
  contact: 'the operator of this portal',
  groupsClaim: 'groups',
  organisationClaim: 'org_name',
  /** Claims of OpenID Connect Core 1.0, section 5.1. */
  claims: { subject: 'sub', email: 'email', email_verified: 'email_verified' },
  terms: { title: 'terms', field: 'terms_version', url: '/terms' },
  /** Requests per minute. */
  rateLimits: {
    api: 1200,
    signIn: 300,
    calls: 300,
    reveals: 120,
    writes: 300,
    pages: 1200,
    reports: 600,
    visits: 3000,
  },
  allowances: { multipleApplications: true, multipleServices: true, multipleUsers: true },
} as const
