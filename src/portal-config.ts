import { readFileSync } from 'node:fs'
import type { ErrorObject } from 'ajv'
import { Ajv } from 'ajv'
import { type Static, Type } from 'typebox'
import { LineCounter, parseDocument } from 'yaml'
import { IdentityProvider } from './portal-identity.js'
import { ApiOrigins, isWebOrigin, NOT_AN_ORIGIN } from './portal-origins.js'
import { Product } from './portal-products.js'

const strict = { additionalProperties: false } as const
const Words = Type.Array(Type.String({ minLength: 1 }))
const ClaimMap = Type.Record(Type.String(), Type.String({ minLength: 1 }))

const perPerson = (what: string) =>
  Type.Integer({ minimum: 1, description: `${what}, a minute of one person; five times as many from one address` })

/** The YAML file behind PORTAL_CONFIG. `npm run openapi` writes this schema to openapi/portal-config.schema.json. */
export const PortalConfig = Type.Object(
  {
    branding: Type.Optional(
      Type.Object(
        {
          name: Type.Optional(Type.String({ minLength: 1, maxLength: 80 })),
          tagline: Type.Optional(Type.String({ maxLength: 300 })),
        },
        strict,
      ),
    ),
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
            Type.String({ pattern: '^(https?://|/)', description: 'default: the page /terms, which shows `text`' }),
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
          email_domains: Type.Optional(Words),
          groups: Type.Optional(Words),
          claims: Type.Optional(
            Type.Array(Type.Object({ name: Type.String({ minLength: 1 }), values: Words }, strict), {
              description: 'each must have one of its values; use only claims that people cannot change',
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
      Type.String({ minLength: 1, description: 'default groups; a claim that people cannot change' }),
    ),
    identity_provider: Type.Optional(IdentityProvider),
    operators: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'groups whose members look after the portal: they see /doctor',
      }),
    ),
    products: Type.Optional(Type.Record(Type.String(), Product)),
    currency: Type.Optional(
      Type.String({
        pattern: '^[A-Z]{3}$',
        description: 'of all prices, 3scale’s too, which do not name theirs; for example EUR',
      }),
    ),
    model_servers: Type.Optional(
      Type.Object(
        {
          private_addresses: Type.Optional(
            Type.Boolean({ description: 'true: as model_server.private_address, for every product' }),
          ),
        },
        strict,
      ),
    ),
    api_origins: ApiOrigins,
    rate_limits: Type.Optional(
      Type.Object(
        {
          api: Type.Optional(Type.Integer({ minimum: 1, description: 'requests a minute of one caller of the API' })),
          sign_in: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: 'sign-in requests a minute from one address; a fifth of them of one person',
            }),
          ),
          calls: Type.Optional(perPerson('calls to models from pages')),
          reveals: Type.Optional(perPerson('keys shown')),
          writes: Type.Optional(perPerson('other writes by form')),
          pages: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: 'pages, a minute of one person; default 1200; pages that cost more count as several',
            }),
          ),
          reports: Type.Optional(
            Type.Integer({
              minimum: 1,
              description:
                'usage reports by page and API, a minute of one person; default 600; a report with many rows counts as up to 37',
            }),
          ),
          visits: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: 'requests of people who are not signed in, a minute of one address; default 3000',
            }),
          ),
        },
        strict,
      ),
    ),
    stock_hosts: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: "host names of 3scale's own developer portal that lead here; they are sent on to PUBLIC_URL",
      }),
    ),
    multiple_applications: Type.Optional(
      Type.Boolean({ description: 'default true; false: one application an account, as the 3scale switch says' }),
    ),
    multiple_services: Type.Optional(
      Type.Boolean({ description: 'default true; false: applications of one product an account' }),
    ),
    multiple_users: Type.Optional(
      Type.Boolean({ description: 'default true; false: nobody is invited to an account, as the 3scale switch says' }),
    ),
    claim_accounts: Type.Optional(
      Type.Object(
        {
          claim: Type.String({
            minLength: 1,
            description:
              'people with the same value of this claim join one account and see its keys, so it must be a claim that they cannot change; of a list the first value counts',
          }),
          admin_groups: Type.Array(Type.String({ minLength: 1 }), {
            minItems: 1,
            description: 'people of these groups join as admins, all others as members',
          }),
        },
        { ...strict, description: 'off unless set; a claim that changes later moves nobody' },
      ),
    ),
    operator_webhook: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description: 'address that gets requests to the operator as JSON; `text` is what Slack and Mattermost show',
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
            'domains (with all names below them) and IP addresses of gateways and model servers, without ports. Other addresses that products name are not called, except the sign-in service. Default: all addresses except the portal itself, the API server of the cluster, link-local addresses and metadata services',
        },
      ),
    ),
    gateway_ca: Type.Optional(
      Type.String({ description: 'file name of the CA that signed the gateway, for snippets' }),
    ),
  },
  strict,
)
export type PortalConfig = Static<typeof PortalConfig>

/** Reads and checks the file; every complaint names `file:line path`. Returns the complaints instead of throwing. */
export function readPortalConfig(file: string): { config: PortalConfig; complaints: string[] } {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return { config: {}, complaints: [`PORTAL_CONFIG: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`] }
  }
  return parsePortalConfig(text, file)
}

export function parsePortalConfig(text: string, file: string): { config: PortalConfig; complaints: string[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true })
  if (document.errors.length > 0) {
    return {
      config: {},
      complaints: document.errors.map(
        (e) => `PORTAL_CONFIG: ${file}:${e.linePos?.[0].line ?? 1} ${e.message.split('\n')[0]}`,
      ),
    }
  }
  const value: unknown = document.toJS() ?? {}
  const ajv = new Ajv({ allErrors: true, strict: false, validateSchema: false }).addFormat('web-origin', isWebOrigin)
  const validate = ajv.compile(PortalConfig)
  if (validate(value)) return { config: value as PortalConfig, complaints: [] }
  const complaints = (validate.errors ?? [])
    .filter((error) => error.keyword !== 'anyOf')
    .map((error) => {
      const path = error.instancePath.split('/').slice(1)
      const node = document.getIn(path, true) as { range?: [number, number, number] } | undefined
      const line = node?.range ? lines.linePos(node.range[0]).line : 1
      return `PORTAL_CONFIG: ${file}:${line} ${path.join('.') || '(top)'} ${sentence(error)}`
    })
  return { config: {}, complaints: [...new Set(complaints)] }
}

function sentence(error: ErrorObject): string {
  if (error.keyword === 'additionalProperties') return `does not know "${error.params.additionalProperty}"`
  if (error.keyword === 'format') return NOT_AN_ORIGIN
  return error.message ?? 'is not valid'
}
