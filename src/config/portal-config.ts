import { readFileSync } from 'node:fs'
import type { ErrorObject } from 'ajv'
import { Ajv } from 'ajv'
import { type Static, Type } from 'typebox'
import { LineCounter, parseDocument } from 'yaml'
import { ApiOrigins, isWebOrigin } from './api-origins.js'
import { Branding } from './branding.js'
import { portalDefaults } from './defaults.js'
import { IdentityProviderConfig } from './identity-provider-config.js'
import { fileMessages, portalConfigMessages as messages } from './messages.js'
import { Product } from './product-config.js'

const { rateLimits: limits } = portalDefaults
const strict = { additionalProperties: false } as const
const TextList = Type.Array(Type.String({ minLength: 1 }))
const ClaimMap = Type.Record(Type.String(), Type.String({ minLength: 1 }))

const perUser = (what: string, fallback: number) =>
  Type.Integer({
    minimum: 1,
    description: `${what} per minute and user, default ${fallback}; five times as many from one address`,
  })

/** The file that PORTAL_CONFIG names. `npm run openapi` writes this schema to openapi/portal-config.schema.json. */
export const PortalConfig = Type.Object(
  {
    branding: Type.Optional(Branding),
    contact: Type.Optional(
      Type.Object(
        {
          email: Type.Optional(Type.String({ minLength: 3 })),
          url: Type.Optional(Type.String({ pattern: '^https?://' })),
          text: Type.Optional(Type.String()),
        },
        strict,
      ),
    ),
    links: Type.Optional(
      Type.Array(
        Type.Object({ label: Type.String({ minLength: 1 }), url: Type.String({ pattern: '^(https?://|/)' }) }, strict),
      ),
    ),
    terms: Type.Optional(
      Type.Object(
        {
          version: Type.String({ minLength: 1, maxLength: 100 }),
          url: Type.Optional(
            Type.String({
              pattern: '^(https?://|/)',
              description: `default: the page ${portalDefaults.terms.url}, which shows \`text\``,
            }),
          ),
          text: Type.Optional(Type.String({ description: 'Markdown' })),
          title: Type.Optional(Type.String()),
          field: Type.Optional(Type.String({ description: '3scale user field that records the accepted version' })),
        },
        strict,
      ),
    ),
    sign_up: Type.Optional(
      Type.Object(
        {
          email_domains: Type.Optional(TextList),
          groups: Type.Optional(TextList),
          claims: Type.Optional(
            Type.Array(Type.Object({ name: Type.String({ minLength: 1 }), values: TextList }, strict), {
              description: 'each must have one of its values; use only claims that users cannot change',
            }),
          ),
          fields: Type.Optional(
            Type.Object(
              { account: Type.Optional(ClaimMap), user: Type.Optional(ClaimMap), application: Type.Optional(ClaimMap) },
              strict,
            ),
          ),
          org_name_claim: Type.Optional(Type.String({ minLength: 1 })),
        },
        strict,
      ),
    ),
    groups_claim: Type.Optional(
      Type.String({
        minLength: 1,
        description: `default ${portalDefaults.groupsClaim}; a claim that users cannot change`,
      }),
    ),
    identity_provider: Type.Optional(IdentityProviderConfig),
    operators: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'groups of operators, with access to /doctor',
      }),
    ),
    products: Type.Optional(Type.Record(Type.String(), Product)),
    search: Type.Optional(
      Type.Object(
        {
          synonyms: Type.Optional(
            Type.Record(Type.String({ minLength: 1, maxLength: 80 }), TextList, {
              description:
                'meanings of words or phrases in the search of the catalogue, the best first, in addition to those of the portal; for example `claims: [embedding, german]`',
            }),
          ),
        },
        strict,
      ),
    ),
    currency: Type.Optional(
      Type.String({
        pattern: '^[A-Z]{3}$',
        description: 'of all prices, including those in 3scale, which have no currency; for example EUR',
      }),
    ),
    model_servers: Type.Optional(
      Type.Object(
        {
          private_addresses: Type.Optional(
            Type.Boolean({ description: 'true: as model_server.private_address for every product' }),
          ),
        },
        strict,
      ),
    ),
    api_origins: ApiOrigins,
    rate_limits: Type.Optional(
      Type.Object(
        {
          api: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: `requests per minute and caller of the API, default ${limits.api}`,
            }),
          ),
          sign_in: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: `sign-in requests per minute from one address, default ${limits.signIn}; a fifth of them by one user`,
            }),
          ),
          calls: Type.Optional(perUser('calls to models from pages', limits.calls)),
          reveals: Type.Optional(perUser('revealed keys', limits.reveals)),
          writes: Type.Optional(perUser('other writes by form', limits.writes)),
          pages: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: `pages per minute and user, default ${limits.pages}; expensive pages count several times`,
            }),
          ),
          reports: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: `usage reports by page and API per minute and user, default ${limits.reports}; a report with many rows counts up to 37 times`,
            }),
          ),
          visits: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: `requests without a session per minute and address, default ${limits.visits}`,
            }),
          ),
        },
        strict,
      ),
    ),
    stock_hosts: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description:
          "host names of 3scale's built-in developer portal that lead to this portal; they are redirected to PUBLIC_URL",
      }),
    ),
    multiple_applications: Type.Optional(
      Type.Boolean({ description: 'default true; false: one application per account, as with the switch in 3scale' }),
    ),
    multiple_services: Type.Optional(
      Type.Boolean({ description: 'default true; false: applications of one product per account' }),
    ),
    multiple_users: Type.Optional(
      Type.Boolean({ description: 'default true; false: one user per account, as with the switch in 3scale' }),
    ),
    claim_accounts: Type.Optional(
      Type.Object(
        {
          claim: Type.String({
            minLength: 1,
            description:
              'users with the same value of this claim join one account and see its keys, so users must not be able to change it; of a list, the first value counts',
          }),
          admin_groups: Type.Array(Type.String({ minLength: 1 }), {
            minItems: 1,
            description: 'members of these groups join as admins, all others as members',
          }),
        },
        { ...strict, description: 'off unless set; a later change of the claim does not move users' },
      ),
    ),
    operator_webhook: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description: 'address that receives requests to the operator as JSON; Slack and Mattermost show `text`',
      }),
    ),
    gateway_domains: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$',
        }),
        {
          minItems: 1,
          description:
            'domains (with all names below them) and IP addresses of gateways and model servers, without ports. Other addresses that products name are not called, except the identity provider. Default: all addresses except the portal itself, the API server of the cluster, link-local addresses and metadata services',
        },
      ),
    ),
    gateway_ca: Type.Optional(
      Type.String({ description: 'file name of the CA certificate of the gateway, for snippets' }),
    ),
  },
  strict,
)
export type PortalConfig = Static<typeof PortalConfig>

/** Reads and validates the file. Each problem names `file:line path`. */
export function readPortalConfig(file: string): { config: PortalConfig; problems: string[] } {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return {
      config: {},
      problems: [`PORTAL_CONFIG: ${fileMessages.unreadable(file, (error as NodeJS.ErrnoException).code)}`],
    }
  }
  return parsePortalConfig(text, file)
}

export function parsePortalConfig(text: string, file: string): { config: PortalConfig; problems: string[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true })
  if (document.errors.length > 0) {
    return {
      config: {},
      problems: document.errors.map(
        (e) => `PORTAL_CONFIG: ${file}:${e.linePos?.[0].line ?? 1} ${e.message.split('\n')[0]}`,
      ),
    }
  }
  const value: unknown = document.toJS() ?? {}
  const ajv = new Ajv({ allErrors: true, strict: false, validateSchema: false, code: { optimize: false } }).addFormat(
    'web-origin',
    isWebOrigin,
  )
  const validate = ajv.compile(PortalConfig)
  if (validate(value)) return { config: value as PortalConfig, problems: [] }
  const problems = (validate.errors ?? [])
    .filter((error) => error.keyword !== 'anyOf')
    .map((error) => {
      const path = error.instancePath.split('/').slice(1)
      const node = document.getIn(path, true) as { range?: [number, number, number] } | undefined
      const line = node?.range ? lines.linePos(node.range[0]).line : 1
      return `PORTAL_CONFIG: ${file}:${line} ${path.join('.') || messages.topLevel} ${describe(error)}`
    })
  return { config: {}, problems: [...new Set(problems)] }
}

function describe(error: ErrorObject): string {
  if (error.keyword === 'additionalProperties') return messages.unknownKey(error.params.additionalProperty)
  if (error.keyword === 'format') return messages.origin
  return error.message ?? messages.invalid
}
