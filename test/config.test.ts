import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, loadConfig } from '../src/config.js'
import { parsePortalConfig } from '../src/portal-config.js'

const good = {
  PUBLIC_URL: 'https://models.example.com',
  THREESCALE_ADMIN_URL: 'https://tenant-admin.example.com/',
  THREESCALE_ACCESS_TOKEN: 'token',
  OIDC_ISSUER: 'https://sso.example.com/realms/maas',
  OIDC_CLIENT_ID: 'maas-portal',
  OIDC_CLIENT_SECRET: 'secret',
  SESSION_SECRET: 'a-secret-of-at-least-thirty-two-bytes',
}

function complaintsOf(env: Record<string, string | undefined>): string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.complaints
    throw error
  }
}

t.test('good settings give the defaults of the contract', async (t) => {
  const config = loadConfig(good)
  t.equal(config.host, '0.0.0.0')
  t.equal(config.port, 3000)
  t.equal(config.metricsPort, 9464)
  t.equal(config.oidc.scopes, 'openid profile email')
  t.equal(config.oidc.issuerId, good.OIDC_ISSUER)
  t.equal(config.linkByEmail, 'verified')
  t.equal(config.api.audience, 'maas-portal-api')
  t.same(config.api.clients, [])
  t.same([config.session.idleSeconds, config.session.maxSeconds], [7200, 36000])
  t.same([config.catalog.ttlSeconds, config.catalog.detailTtlSeconds, config.catalog.access], [60, 900, 'signed-in'])
  t.equal(config.threescale.adminUrl, 'https://tenant-admin.example.com', 'no trailing slash')
})

t.test('no settings at all: every missing one in one error, each with an example', async (t) => {
  const complaints = complaintsOf({})
  for (const name of Object.keys(good)) {
    t.match(
      complaints.find((line) => line.startsWith(`${name}:`)),
      /is missing; for example /,
      name,
    )
  }
})

t.test('each bad value is named', async (t) => {
  const cases: [string, string, RegExp][] = [
    ['PORT', 'http', /not a port/],
    ['METRICS_PORT', '99999', /not a port/],
    ['PUBLIC_URL', 'http://models.example.com', /must be https/],
    ['PUBLIC_URL', 'https://models.example.com/portal', /origin without a path/],
    ['OIDC_ISSUER', 'sso', /not a web address/],
    ['SMTP_URL', 'mail.example.com', /starts with smtp/],
    ['OPERATOR_MAIL', 'ops@example.com', /SMTP_URL: is needed/],
    ['AUDIT_LOG', '/nowhere/at/all', /cannot write/],
    ['THREESCALE_ADMIN_URL', 'https://user:pass@tenant.example.com', /must not hold/],
    ['LINK_BY_EMAIL', 'always', /not one of verified, off/],
    ['SESSION_SECRET', 'short', /at least 32 bytes/],
    ['USERNAME_SECRET', `${'x'.repeat(40)},short`, /at least 32 bytes/],
    ['USERNAME_SECRET_FILE', '/nowhere/secret', /cannot read/],
    ['SESSION_MAX', '-1', /not a time above 0/],
    ['CATALOG_TTL', 'soon', /not a time above 0/],
    ['CATALOG_ACCESS', 'everybody', /not one of signed-in, public/],
    ['REDIS_URL', 'localhost:6379', /starts with redis:/],
    ['HTTPS_PROXY', 'proxy', /not a web address/],
    ['EXTRA_CA_FILE', '/nowhere/ca.pem', /cannot read/],
    ['EXTRA_CA_FILE', 'package.json', /holds no certificate/],
    ['REDIS_CA_FILE', 'package.json', /holds no certificate/],
    ['SESSION_SECRET_FILE', '/nowhere/secret', /cannot read|not both/],
    ['PORTAL_CONFIG', '/nowhere/portal.yaml', /cannot read/],
    ['LOG_LEVEL', 'loud', /not one of/],
  ]
  for (const [name, value, expected] of cases) {
    t.match(complaintsOf({ ...good, [name]: value }).join('\n'), expected, `${name}=${value}`)
  }
})

t.test('a secret that is set and empty stops the start, and no other secret takes its place', async (t) => {
  const dir = t.testdir({ empty: '', blank: ' \n\t\n', commas: ' ,\n, ' })
  for (const name of ['SESSION_SECRET', 'USERNAME_SECRET', 'THREESCALE_ACCESS_TOKEN', 'OIDC_CLIENT_SECRET']) {
    const isList = ['SESSION_SECRET', 'USERNAME_SECRET'].includes(name)
    for (const file of ['empty', 'blank', ...(isList ? ['commas'] : [])]) {
      const env = { ...good, [name]: undefined, [`${name}_FILE`]: join(dir, file) }
      t.match(complaintsOf(env), [new RegExp(`^${name}: is (missing|set, but holds no secret)`)], `${name} ${file}`)
    }
    if (isList) t.match(complaintsOf({ ...good, [name]: ' , ' }), [/holds no secret/], `${name} of commas`)
  }
  t.match(complaintsOf({ ...good, USERNAME_SECRET: '  ' }), [/^USERNAME_SECRET: is set, but holds no secret/])
  t.equal(loadConfig({ ...good, USERNAME_SECRET: '' }).usernames.isOwn, false, 'an empty variable is as none')
  t.equal(loadConfig({ ...good, SMTP_URL_FILE: join(dir, 'empty') }).mail, undefined, 'other settings may be empty')
})

t.test('http is taken for this machine only, and a secret may come from a file', async (t) => {
  const file = join(t.testdir({ secret: 'from-a-file-from-a-file-from-a-file\n' }), 'secret')
  const config = loadConfig({
    ...good,
    PUBLIC_URL: 'http://localhost:3000',
    OIDC_ISSUER: 'http://127.0.0.1:3002',
    SESSION_SECRET: undefined,
    SESSION_SECRET_FILE: file,
    SESSION_IDLE: '15m',
  })
  t.same(config.session.secrets, ['from-a-file-from-a-file-from-a-file'])
  t.same(
    config.usernames,
    { secrets: config.session.secrets, isOwn: false },
    'names depend on it where they have no own',
  )
  const own = loadConfig({ ...good, USERNAME_SECRET_FILE: file })
  t.same(own.usernames, { secrets: ['from-a-file-from-a-file-from-a-file'], isOwn: true })
  t.equal(config.session.idleSeconds, 900)
})

t.test('PORTAL_CONFIG: each complaint names the line and the path', async (t) => {
  const { complaints } = parsePortalConfig(
    'branding:\n  name: ""\nproducts:\n  llama:\n    kind: chat\n',
    'portal.yaml',
  )
  t.match(complaints.join('\n'), /portal\.yaml:2 branding\.name/)
  t.match(complaints.join('\n'), /portal\.yaml:5 products\.llama does not know "kind"/)
  t.match(parsePortalConfig('a: [', 'portal.yaml').complaints.join('\n'), /portal\.yaml:1/)
  t.same(parsePortalConfig('', 'portal.yaml').complaints, [])
})

t.test('PORTAL_CONFIG is read from its file', async (t) => {
  const file = join(t.testdir(), 'portal.yaml')
  writeFileSync(file, 'branding:\n  name: Model Garden\n')
  t.equal(loadConfig({ ...good, PORTAL_CONFIG: file }).portal.branding?.name, 'Model Garden')
})

t.test('api_origins takes what browsers send as Origin, and each other spelling is refused in words', async (t) => {
  const complaintsAbout = (origin: string) =>
    parsePortalConfig(`api_origins:\n  - https://app.example.com\n  - ${JSON.stringify(origin)}\n`, 'portal.yaml')
      .complaints
  const good = [
    'https://a.example.com',
    'https://app.example.com:8443',
    'http://localhost:5173',
    'http://127.0.0.1:3000',
  ]
  for (const origin of [...good, 'http://[::1]:80801'.slice(0, -1), 'https://xn--mnchen-3ya.example'])
    t.same(complaintsAbout(origin), [], origin)
  const wrong = [
    '*',
    'null',
    '',
    'app.example.com',
    'https://*.example.com',
    'https://app.example.com/',
    'https://a.example/b',
  ]
  const more = [
    'https://App.example.com',
    'https://app.example.com:443',
    'http://app.example.com',
    'https://a:b@c.example',
  ]
  for (const origin of [
    ...wrong,
    ...more,
    'https://münchen.example',
    'ftp://a.example',
    ' https://a.example',
    'https://a.example?b',
  ])
    t.match(
      complaintsAbout(origin),
      [
        /^PORTAL_CONFIG: portal\.yaml:3 api_origins\.1 is not an origin as browsers send it: .*https:\/\/app\.example\.com$/,
      ],
      origin,
    )
  t.match(complaintsAbout('https://app.example.com'), [/duplicate/])
  t.match(parsePortalConfig('api_origins: https://a.example', 'portal.yaml').complaints, [/api_origins must be array/])
})
