import { closeSync, openSync, readFileSync } from 'node:fs'
import { type PortalConfig, readPortalConfig } from './portal-config.js'

export interface Config {
  host: string
  port: number
  metricsPort: number
  /** how browsers reach the portal; no trailing slash */
  publicUrl: string
  trustProxy: boolean | string | number
  threescale: { adminUrl: string; accessToken: string }
  oidc: { issuer: string; clientId: string; clientSecret: string; scopes: string; issuerId: string }
  linkByEmail: 'verified' | 'off'
  api: { audience: string; clients: string[] }
  redisUrl: string | undefined
  /** the first secret seals, all open; times in seconds */
  session: { secrets: string[]; idleSeconds: number; maxSeconds: number }
  catalog: { ttlSeconds: number; detailTtlSeconds: number; access: 'signed-in' | 'public' }
  portal: PortalConfig
  outbound: { extraCa: string | undefined; httpsProxy: string | undefined; noProxy: string | undefined }
  logLevel: string
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

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the environment once. Each secret may come as NAME or as a file named by NAME_FILE. Throws ConfigError. */
export function loadConfig(env: Environment = process.env): Config {
  const complaints: string[] = []
  const read = reader(env, complaints)
  const port = read.port('PORT', 3000)
  const issuer = read.address('OIDC_ISSUER', 'https://sso.example.com/realms/maas')
  const portalFile = read.text('PORTAL_CONFIG')
  const portal = portalFile ? readPortalConfig(portalFile) : { config: {}, complaints: [] }
  complaints.push(...portal.complaints)
  const config: Config = {
    host: read.text('HOST') ?? '0.0.0.0',
    port,
    metricsPort: read.port('METRICS_PORT', 9464),
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
    session: {
      secrets: read.secrets('SESSION_SECRET'),
      idleSeconds: read.seconds('SESSION_IDLE', 2 * 3600),
      maxSeconds: read.seconds('SESSION_MAX', 10 * 3600),
    },
    catalog: {
      ttlSeconds: read.seconds('CATALOG_TTL', 60),
      detailTtlSeconds: read.seconds('CATALOG_DETAIL_TTL', 900),
      access: read.choice('CATALOG_ACCESS', ['signed-in', 'public'], 'signed-in'),
    },
    portal: portal.config,
    outbound: {
      extraCa: read.file('EXTRA_CA_FILE'),
      httpsProxy: read.url('HTTPS_PROXY'),
      noProxy: read.text('NO_PROXY'),
    },
    logLevel: read.choice('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
    auditLog: read.log('AUDIT_LOG', 'stdout'),
  }
  if (complaints.length > 0) throw new ConfigError(complaints)
  return config
}

function reader(env: Environment, complaints: string[]) {
  const complain = (line: string) => {
    complaints.push(line)
  }
  const content = (name: string, path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      complain(`${name}: cannot read ${path} (${(error as NodeJS.ErrnoException).code})`)
      return undefined
    }
  }
  const text = (name: string): string | undefined => {
    const file = env[`${name}_FILE`]
    if (file && env[name]) complain(`${name}: set it or ${name}_FILE, not both`)
    const value = file ? content(`${name}_FILE`, file) : env[name]
    const trimmed = value?.trim()
    return trimmed ? trimmed : undefined
  }
  const required = (name: string, example: string): string => {
    const value = text(name)
    if (value === undefined && !env[`${name}_FILE`]) complain(`${name}: is missing; for example ${example}`)
    return value ?? ''
  }
  const address = (name: string, example: string): string => {
    const value = required(name, example)
    if (value === '') return value
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (!url || !['http:', 'https:'].includes(url.protocol))
      complain(`${name}: is not a web address; for example ${example}`)
    else if (url.username || url.password) complain(`${name}: must not hold a user name or password`)
    else if (url.protocol === 'http:' && !isLocal(url.hostname))
      complain(`${name}: must be https (only localhost may be http); for example ${example}`)
    else if (name === 'PUBLIC_URL' && (url.pathname !== '/' || url.search || url.hash))
      complain(`${name}: is an origin without a path; for example ${example}`)
    return value
  }
  return {
    text,
    required,
    address,
    port(name: string, fallback: number): number {
      const value = text(name)
      if (value === undefined) return fallback
      const number = Number(value)
      if (!Number.isInteger(number) || number < 0 || number > 65535)
        complain(`${name}: is not a port; for example ${fallback}`)
      return number
    },
    seconds(name: string, fallback: number): number {
      const value = text(name)
      if (value === undefined) return fallback
      const match = /^(\d+(?:\.\d+)?)\s*(s|m|h)?$/.exec(value)
      const unit = { s: 1, m: 60, h: 3600 }[match?.[2] ?? 's'] ?? 1
      const number = Number(match?.[1]) * unit
      if (!match || number <= 0)
        complain(`${name}: is not a time above 0; for example ${fallback} (seconds), 15m or 2h`)
      return number
    },
    choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
      const value = text(name)
      if (value === undefined) return fallback
      const found = choices.find((choice) => choice === value)
      if (!found) complain(`${name}: is not one of ${choices.join(', ')}`)
      return found ?? fallback
    },
    secrets(name: string): string[] {
      const list = words(required(name, '"$(openssl rand -base64 32)"'))
      for (const secret of list) {
        if (Buffer.byteLength(secret) < 32)
          complain(`${name}: each secret needs at least 32 bytes; for example the output of openssl rand -base64 32`)
      }
      return list
    },
    redis(name: string): string | undefined {
      const value = text(name)
      if (value !== undefined && !/^(rediss?|rediss?\+(sentinel|cluster)):\/\//.test(value)) {
        complain(
          `${name}: starts with redis://, rediss://, redis+sentinel:// or redis+cluster://; for example redis://localhost:6379`,
        )
      }
      return value
    },
    url(name: string): string | undefined {
      const value = text(name)
      if (value !== undefined && !/^https?:\/\//.test(value))
        complain(`${name}: is not a web address; for example http://proxy.example.com:3128`)
      return value
    },
    /** `stdout`, `off`, or a file that can be written to */
    log(name: string, fallback: string): string {
      const value = text(name) ?? fallback
      if (value === 'stdout' || value === 'off') return value
      try {
        closeSync(openSync(value, 'a'))
      } catch (error) {
        complain(`${name}: cannot write to ${value} (${(error as NodeJS.ErrnoException).code})`)
      }
      return value
    },
    file(name: string): string | undefined {
      const path = env[name]
      const text = path ? content(name, path) : undefined
      if (text !== undefined && !text.includes('-----BEGIN CERTIFICATE-----'))
        complain(`${name}: ${path} holds no certificate in PEM form`)
      return text
    },
  }
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
}

function words(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)
}

/** `true`, a number of hops, or addresses and ranges, as Fastify's trustProxy takes them. */
function trustProxy(value: string | undefined): boolean | string | number {
  if (value === undefined || value === 'false' || value === 'off') return false
  if (value === 'true' || value === 'on') return true
  return /^\d+$/.test(value) ? Number(value) : value
}
