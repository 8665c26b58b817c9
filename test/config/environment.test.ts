import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, loadConfig } from '../../src/config/environment.js'
import { parsePortalConfig } from '../../src/config/portal-config.js'
import { projectRoot } from '../../src/project-root.js'
import { privateCa } from '../helper/private-ca.js'

const authority = privateCa('localhost')
t.teardown(authority.close)

const good = {
  PUBLIC_URL: 'https://models.example.com',
  THREESCALE_ADMIN_URL: 'https://tenant-admin.example.com/',
  THREESCALE_ACCESS_TOKEN: 'token',
  OIDC_ISSUER: 'https://sso.example.com/realms/maas',
  OIDC_CLIENT_ID: 'maas-portal',
  OIDC_CLIENT_SECRET: 'secret',
  SESSION_SECRET: 'a-secret-of-at-least-thirty-two-bytes',
}

function problemsOf(env: Record<string, string | undefined>): string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

t.test('valid settings without optional ones result in the documented defaults', async (t) => {
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

t.test('without settings, one error lists every missing setting with an example', async (t) => {
  const problems = problemsOf({})
  for (const name of Object.keys(good)) {
    t.match(
      problems.find((line) => line.startsWith(`${name}:`)),
      /is missing; for example /,
      name,
    )
  }
})

/** A variable of a shell or a template that was not replaced. */
const inBraces = (name: string) => `$\{${name}}`

/** Invalid values of each setting, and what its error message contains. All other settings are valid. */
const wrong: Record<string, [value: string, sentence: RegExp, also?: Record<string, string>][]> = {
  HOST: [
    ['http://0.0.0.0', /without a port/],
    ['0.0.0.0:3000', /without a port/],
    ['[::]', /without a port/],
    ['one two', /not an IP address or host name/],
  ],
  PORT: [
    ['http', /not a port; for example 3000/],
    ['0', /not a port/],
    ['-1', /not a port/],
    ['65536', /not a port/],
    ['3000/tcp', /not a port/],
    ['0x50', /not a port/],
    ['3e3', /not a port/],
    ['3000.0', /not a port/],
    ['tcp://10.0.0.1:80', /not a port/],
  ],
  METRICS_PORT: [
    ['99999', /not a port/],
    ['3000', /is the same as PORT/],
    ['4000', /is the same as PORT/, { PORT: '4000' }],
  ],
  DRAIN: [
    ['-1', /not a duration of 0s or more and of at most 1h; .* default is 0s/],
    ['5 seconds', /not a duration/],
    ['5000ms', /not a duration/],
    ['1d', /not a duration/],
    ['2h', /at most 1h/],
    ['Infinity', /not a duration/],
  ],
  PUBLIC_URL: [
    ['http://models.example.com', /must be https/],
    ['https://models.example.com/portal', /origin without a path/],
    ['https://models.example.com?a=b', /origin without a path/],
    ['models.example.com', /not a web address/],
    ['localhost:3000', /not a web address/],
    ['https://', /not a web address/],
    ['https://models .example.com', /not a web address/],
    ['https://*.example.com', /invalid host name/],
    ['https://models.$DOMAIN', /invalid host name/],
    [`https://models.${inBraces('DOMAIN')}`, /variable that was not replaced/],
    ['https://a.example.com,https://b.example.com', /invalid host name/],
    ['https://models..example.com', /invalid host name/],
  ],
  TRUST_PROXY: [
    ['yes', /not a number of proxies or a list of addresses/],
    ['10.0.0.0/99', /not a number of proxies or a list/],
    ['router.example.com', /not a number of proxies or a list/],
    ['10.0.0.1;10.0.0.2', /separated by commas/],
    ['10.0.0.1 10.0.0.2', /separated by commas/],
    ['10.0.0.1,', /not a number of proxies or a list/],
    ['-1', /not a number of proxies/],
    ['1.5', /not a number of proxies/],
    ['99', /at most 10/],
    ['0.0.0.0/0', /all addresses; write true/],
    ['::/0', /all addresses; write true/],
    ['TRUE', /not a number of proxies/],
  ],
  THREESCALE_ADMIN_URL: [
    ['https://user:pass@tenant.example.com', /must not contain/],
    ['https://tenant-admin.example.com/p/admin', /origin without a path/],
    ['https://tenant-admin.example.com/?access_token=1', /origin without a path/],
    ['tenant-admin.example.com', /not a web address/],
    ['ftp://tenant-admin.example.com', /not a web address/],
    ['http://tenant-admin.example.com', /must be https/],
  ],
  THREESCALE_ACCESS_TOKEN: [
    ['$TOKEN', /name of a variable/],
    ['"abc"', /quotation marks/],
    ['...', /placeholder/],
    ['<token>', /placeholder/],
    ['CHANGE_ME', /placeholder/],
    ['one\ntwo', /line break/],
    ['one two', /a space or another character/],
    ['tokén', /a space or another character/],
    ['abc # from the vault', /a space or another character/],
    ['“abc”', /quotation marks/],
    ['`abc`', /quotation marks/],
    ['abc\u200b', /invisible character/],
    ['a\u2060bc', /invisible character/],
  ],
  OIDC_ISSUER: [
    ['sso', /not a web address/],
    ['http://sso.example.com/realms/maas', /must be https/],
    ['https://sso.example.com/realms/maas/.well-known/openid-configuration', /without \/\.well-known/],
    ['https://sso.example.com/realms/maas?a=b', /must not have a query or a fragment/],
    ['https://sso.example.com/realms/maas#a', /must not have a query or a fragment/],
    [`https://sso.example.com/realms/${inBraces('REALM')}`, /variable that was not replaced/],
  ],
  OIDC_CLIENT_ID: [
    [inBraces('CLIENT'), /name of a variable/],
    ["'maas-portal'", /quotation marks/],
  ],
  OIDC_CLIENT_SECRET: [
    ['$(cat secret)', /name of a variable/],
    ['changeme', /placeholder/],
  ],
  OIDC_SCOPES: [
    ['profile email', /lacks openid/],
    ['openid,profile,email', /separated by spaces/],
    ['openid profile;email', /separated by spaces/],
    ['OPENID', /lacks openid/],
  ],
  OIDC_ISSUER_ID: [
    ['{{ issuer }}', /name of a variable/],
    ['none', /not the address of an issuer/],
    ['sso.example.com/realms/maas', /not the address of an issuer/],
    ['https://sso.example.com/realms/one two', /not the address of an issuer/],
    ['https://', /not the address of an issuer/],
  ],
  LINK_BY_EMAIL: [
    ['always', /not one of verified, off/],
    ['true', /not one of verified, off/],
  ],
  API_AUDIENCE: [
    ['one two', /must be one audience/],
    ['one,two', /must be one audience/],
  ],
  API_CLIENTS: [
    ['a;b', /separated by commas; .*“a;b” is not valid/],
    ['a b', /separated by commas/],
    ['["a","b"]', /separated by commas/],
    ["a,'b'", /separated by commas/],
    ['a,b c', /“b c” is not valid/],
  ],
  REDIS_URL: [
    ['redis://redis.example.com/maas', /database that is not a number/],
    ['redis://redis.example.com:6379/0/1', /database that is not a number/],
    ['localhost:6379', /must start with redis:/],
    ['http://localhost:6379', /must start with redis:/],
    ['redis://', /cannot be read as an address/],
    ['redis://:pa#ss@localhost', /percent-encode/],
    ['redis://localhost:port', /cannot be read/],
    ['redis+sentinel://one;two/maas', /list of host:port separated by commas/],
    ['redis+sentinel:///maas', /list of host:port/],
    ['redis+cluster://one:port', /list of host:port/],
  ],
  REDIS_CA_FILE: [
    ['package.json', /contains no certificate/],
    ['/nowhere/ca.pem', /cannot read/],
  ],
  SESSION_SECRET: [
    ['short', /at least 32 bytes/],
    [',', /is set but contains no secret/],
    ['maas-maas-maas-maas-maas-maas-m', /at least 32 bytes/],
    [`${'x'.repeat(40)},${'x'.repeat(40)}`, /same secret twice/],
    [`${'x'.repeat(40)}\n${'y'.repeat(40)}`, /line break.*separated by commas/],
    [`"${'x'.repeat(40)}"`, /quotation marks/],
    [inBraces('SESSION_SECRET_OF_THE_PORTAL_IN_VAULT'), /name of a variable/],
  ],
  USERNAME_SECRET: [
    [`${'x'.repeat(40)},short`, /at least 32 bytes/],
    [' , ', /is set but contains no secret/],
    ['  ', /is set but contains no secret/],
  ],
  SESSION_IDLE: [
    ['0', /not a duration above 0/],
    ['11h', /longer than SESSION_MAX/],
    ['2h', /longer than SESSION_MAX/, { SESSION_MAX: '1h' }],
    ['PT15M', /not a duration/],
  ],
  SESSION_MAX: [
    ['-1', /not a duration above 0/],
    ['9999999999', /at most 9600h/],
    ['10 hours', /not a duration/],
  ],
  CATALOG_TTL: [
    ['soon', /not a duration above 0/],
    ['0', /not a duration above 0/],
    ['25h', /at most 24h/],
  ],
  CATALOG_DETAIL_TTL: [
    ['1,5', /not a duration/],
    ['700h', /at most 168h/],
  ],
  GATEWAY_CONFIGURATION_CACHE: [
    ['-300', /not a duration of 0s or more/],
    ['300 s 2', /not a duration/],
  ],
  APP_KEY_CACHE: [
    ['0', /not a duration above 0/],
    ['2h', /at most 1h/],
  ],
  CATALOG_ACCESS: [
    ['everybody', /not one of signed-in, public/],
    ['Public', /not one of signed-in, public/],
  ],
  PORTAL_CONFIG: [
    ['/nowhere/portal.yaml', /cannot read/],
    ['test', /cannot read test \(EISDIR\)/],
  ],
  EXTRA_CA_FILE: [
    ['/nowhere/ca.pem', /cannot read/],
    ['package.json', /contains no certificate/],
  ],
  HTTPS_PROXY: [
    ['proxy', /not a web address/],
    ['proxy.example.com:3128', /not a web address/],
    ['socks5://proxy.example.com', /not a web address/],
    ['http://', /cannot be read/],
    ['http://user:p#ss@proxy.example.com', /percent-encode/],
  ],
  NO_PROXY: [
    ['a.example.com;b.example.com', /separated by commas/],
    ['https://a.example.com', /without https/],
  ],
  DOCTOR_CLIENT_ID: [['maas-service', /^DOCTOR_CLIENT_SECRET: is required together with DOCTOR_CLIENT_ID$/m]],
  DOCTOR_CLIENT_SECRET: [
    ['secret', /^DOCTOR_CLIENT_ID: is required together with DOCTOR_CLIENT_SECRET$/m],
    [
      inBraces('DOCTOR_SECRET'),
      /^DOCTOR_CLIENT_SECRET: is the name of a variable/,
      { DOCTOR_CLIENT_ID: 'maas-service' },
    ],
  ],
  WEBHOOK_SECRET: [
    ['short', /32 to 100 characters/],
    [`${'x'.repeat(40)},short`, /32 to 100 characters/],
    [`${'x'.repeat(40)}/`, /alphanumeric/],
    [`${'x'.repeat(40)}@`, /alphanumeric/],
    ['x'.repeat(101), /32 to 100 characters/],
    [inBraces('WEBHOOK_SECRET_OF_THE_PORTAL_IN_VAULT'), /name of a variable/],
  ],
  SMTP_URL: [
    ['mail.example.com', /must start with smtp/],
    ['smtp://', /cannot be read/],
    ['smtp://user:p/ss@mail.example.com', /percent-encode/],
    ['smtp://mail.example.com', /^MAIL_FROM: is required .*\nOPERATOR_MAIL: is required/],
  ],
  MAIL_FROM: [
    ['nonsense', /not one e-mail address/],
    ['a@example.com, b@example.com', /not one e-mail address/],
    ['Portal <portal>', /not one e-mail address/],
    ['portal@', /not one e-mail address/],
  ],
  OPERATOR_MAIL: [
    ['ops@example.com', /SMTP_URL: is required/],
    ['ops', /not a list of e-mail addresses/],
    ['a@example.com;b@example.com', /separated by commas/],
    ['a@example.com, b', /separated by commas/],
  ],
  LOG_LEVEL: [
    ['loud', /not one of/],
    ['INFO', /not one of/],
    ['30', /not one of/],
  ],
  AUDIT_LOG: [
    ['/nowhere/at/all', /cannot write/],
    ['test', /cannot write to test \(EISDIR\)/],
  ],
  OTEL_EXPORTER_OTLP_ENDPOINT: [['collector:4318', /not a web address/]],
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: [['grpc://collector:4317', /not a web address/]],
  OTEL_EXPORTER_OTLP_PROTOCOL: [['grpc', /not one of http\/protobuf, http\/json/]],
  OTEL_TRACES_EXPORTER: [['zipkin', /not one of otlp, none/]],
  OTEL_SDK_DISABLED: [['yes', /not one of true, false/]],
}

t.test('every setting has values that prevent the start, each with one sentence that names the setting', async (t) => {
  const read = readFileSync(join(projectRoot, 'src', 'config', 'environment.ts'), 'utf8').matchAll(
    /read\.\w+\(\s*'([A-Z_]+)'/g,
  )
  t.same(
    Object.keys(wrong).sort(),
    [...new Set([...read].map(([, name]) => name))].sort(),
    'the table has every setting',
  )
  for (const [name, cases] of Object.entries(wrong)) {
    for (const [value, sentence, also = {}] of cases) {
      const problems = problemsOf({ ...good, [name]: value, ...also })
      t.match(problems.join('\n'), sentence, `${name}=${value}`)
      t.equal(
        problems.filter((line) => line.startsWith(`${name}:`)).length <= 1,
        true,
        `${name}=${value} is one sentence`,
      )
      if (/SECRET|TOKEN|_URL/.test(name)) t.notMatch(problems.join('\n'), /pa#ss|p#ss|p\/ss|x{9}|y{9}|user:pass@tenant/)
    }
  }
})

t.test('valid values in an unusual spelling are accepted', async (t) => {
  const accepted: [string, string][] = [
    ['HOST', '::'],
    ['HOST', 'localhost'],
    ['DRAIN', '0'],
    ['DRAIN', '0s'],
    ['GATEWAY_CONFIGURATION_CACHE', '0'],
    ['SESSION_MAX', '1h'],
    ['CATALOG_TTL', '0.5'],
    ['TRUST_PROXY', '0'],
    ['TRUST_PROXY', 'off'],
    ['TRUST_PROXY', '3'],
    ['TRUST_PROXY', '10.0.0.0/8, loopback,fd00::/8'],
    ['PUBLIC_URL', 'https://Models.example.com:443//'],
    ['OIDC_ISSUER', 'https://sso.example.com/realms/maas/'],
    ['OIDC_SCOPES', 'profile  openid'],
    ['API_AUDIENCE', 'api://default'],
    ['API_CLIENTS', 'a, b,,a'],
    ['API_CLIENTS', 'https://client.example.com/id'],
    ['REDIS_URL', 'rediss://user:pa%23ss@redis.example.com:6380/2'],
    ['REDIS_URL', 'redis+sentinel://:pass@one:26379,two/maas'],
    ['REDIS_URL', 'rediss+cluster://one:6379,two:6379'],
    ['NO_PROXY', '.cluster.local,10.0.0.0/8 localhost'],
    ['HTTPS_PROXY', 'http://user:password@proxy.example.com:3128'],
    ['OIDC_CLIENT_SECRET', `p${inBraces('a')}s$s"word'`],
    ['USERNAME_SECRET', `${'x'.repeat(40)},\n ${'y'.repeat(40)}\n`],
  ]
  for (const [name, value] of accepted) t.same(problemsOf({ ...good, [name]: value }), [], `${name}=${value}`)
  const mail = { SMTP_URL: 'smtp://mail.example.com:25', MAIL_FROM: 'Models <portal@example.com>' }
  t.same(problemsOf({ ...good, ...mail, OPERATOR_MAIL: 'ops@example.com, "On, Call" <call@example.com>' }), [])
  t.same(loadConfig({ ...good, API_CLIENTS: 'a, b,,a' }).api.clients, ['a', 'b'])
  t.equal(
    loadConfig({ ...good, PUBLIC_URL: 'https://Models.example.com:443/' }).publicUrl,
    'https://models.example.com',
  )
  t.equal(loadConfig({ ...good, TRUST_PROXY: '0' }).trustProxy, false)
  const { idleSeconds, maxSeconds } = loadConfig({ ...good, SESSION_MAX: '1h' }).session
  t.same([idleSeconds, maxSeconds], [3600, 3600], 'the default of one follows the other')
})

t.test('settings that contradict each other are reported', async (t) => {
  const plain = problemsOf({ ...good, REDIS_URL: 'redis://localhost', REDIS_CA_FILE: authority.caFile })
  t.match(plain, [/^REDIS_CA_FILE: REDIS_URL is not encrypted; use rediss:\/\//])
  t.same(problemsOf({ ...good, REDIS_URL: 'rediss://localhost', REDIS_CA_FILE: authority.caFile }), [])
  t.same(problemsOf({ ...good, REDIS_CA_FILE: authority.caFile }), [], 'without Redis it has no effect')
  t.match(problemsOf({ ...good, OIDC_CLIENT_ID_FILE: '/nowhere/id' }), [
    /^OIDC_CLIENT_ID: set it or OIDC_CLIENT_ID_FILE, not both/,
    /cannot read/,
  ])
  const cut = join(t.testdir({ cut: readFileSync(authority.caFile, 'utf8').slice(0, 300) }), 'cut')
  t.match(problemsOf({ ...good, EXTRA_CA_FILE: cut }), [
    /^EXTRA_CA_FILE: .* contains a certificate that cannot be read/,
  ])
})

t.test(
  'a file that is not UTF-8 text, or that has the name of a variable, is an error for every setting',
  async (t) => {
    const dir = t.testdir({ latin: Buffer.from('tok\xe9n', 'latin1'), utf16: Buffer.from('\ufeffabc', 'utf16le') })
    const byFile = Object.keys(wrong).filter((name) => !name.endsWith('_FILE') && name !== 'AUDIT_LOG')
    for (const name of byFile) {
      for (const file of ['latin', 'utf16']) {
        const path = join(dir, file)
        const problems = problemsOf({ ...good, [name]: undefined, [`${name}_FILE`]: path })
        t.ok(problems.includes(`${name}_FILE: ${path} is not UTF-8 text`), name)
      }
      for (const path of ['$SECRET_FILE', `${inBraces('DIR')}/secret`, '"/run/secret"'])
        t.match(
          problemsOf({ ...good, [name]: undefined, [`${name}_FILE`]: path }),
          [new RegExp(`^${name}_FILE: (is the name of a variable|contains a variable|is in quotation marks)`)],
          `${name}_FILE=${path}`,
        )
    }
    const der = join(t.testdir({ der: new X509Certificate(authority.ca).raw }), 'der')
    t.match(problemsOf({ ...good, EXTRA_CA_FILE: der }), [/^EXTRA_CA_FILE: .* contains no certificate in PEM format/])
    const marked = join(t.testdir({ marked: '\ufefftoken\r\n' }), 'marked')
    const { THREESCALE_ACCESS_TOKEN: _, ...less } = good
    t.equal(loadConfig({ ...less, THREESCALE_ACCESS_TOKEN_FILE: marked }).threescale.accessToken, 'token')
  },
)

t.test('an empty file is an error for every setting, and the error names the file', async (t) => {
  const dir = t.testdir({ empty: '', blank: ' \n\t\n', mark: '\ufeff\n' })
  const byFile = Object.keys(wrong).filter((name) => !name.endsWith('_FILE') && name !== 'AUDIT_LOG')
  t.ok(byFile.length > 30)
  for (const name of byFile) {
    for (const file of ['empty', 'blank', 'mark']) {
      const path = join(dir, file)
      const problems = problemsOf({ ...good, [name]: undefined, [`${name}_FILE`]: path })
      t.ok(
        problems.includes(`${name}_FILE: ${path} is empty; write the value of ${name} to it, or remove the setting`),
        name,
      )
      t.notMatch(problems, [new RegExp(`^${name}: is missing`)])
    }
  }
  const commas = join(t.testdir({ commas: ' ,\n, ' }), 'commas')
  for (const name of ['SESSION_SECRET', 'USERNAME_SECRET'])
    t.match(problemsOf({ ...good, [name]: undefined, [`${name}_FILE`]: commas }), [/: is set but contains no secret/])
  t.equal(loadConfig({ ...good, USERNAME_SECRET: '' }).usernames.isOwn, false, 'an empty variable counts as unset')
})

t.test('a missing file counts as no value only where a key of a Secret is optional', async (t) => {
  const dir = t.testdir({})
  const optional = ['REDIS_URL', 'SMTP_URL', 'DOCTOR_CLIENT_SECRET', 'WEBHOOK_SECRET']
  for (const name of Object.keys(wrong).filter((name) => !name.endsWith('_FILE') && name !== 'AUDIT_LOG')) {
    const path = join(dir, 'none')
    const env = { ...good, [name]: undefined, [`${name}_FILE`]: path }
    if (optional.includes(name))
      t.same(loadConfig(env).notices.absent, [`${name}_FILE: ${path} does not exist, so ${name} is not set`])
    else t.ok(problemsOf(env).includes(`${name}_FILE: cannot read ${path} (ENOENT)`), name)
    t.match(
      problemsOf({ ...env, [`${name}_FILE`]: '/nowhere/none' }),
      [/_FILE: cannot read/],
      `${name}: no such folder`,
    )
  }
  const mail = { SMTP_URL_FILE: join(dir, 'none'), MAIL_FROM: 'a@example.com', OPERATOR_MAIL: 'b@example.com' }
  t.match(problemsOf({ ...good, ...mail }), [/^SMTP_URL: is required/], 'other settings show that a value is intended')
  const doctor = { DOCTOR_CLIENT_ID: 'maas-service', DOCTOR_CLIENT_SECRET_FILE: join(dir, 'none') }
  t.match(problemsOf({ ...good, ...doctor }), [/^DOCTOR_CLIENT_SECRET: is required/])
  t.match(problemsOf({ ...good, REDIS_URL_FILE: dir }), [/^REDIS_URL_FILE: cannot read .* \(EISDIR\)/])
})

t.test('a name that is similar to that of a setting is reported, as a hint next to the missing setting', async (t) => {
  const { OIDC_ISSUER, ...less } = good
  t.match(problemsOf({ ...less, OIDC_ISSUR: OIDC_ISSUER }), [
    /^OIDC_ISSUER: is missing/,
    'OIDC_ISSUR: is not a setting; did you mean OIDC_ISSUER?',
  ])
  const rows: [string, string][] = [
    ['USERNAME_SECRETS', 'USERNAME_SECRET'],
    ['USERNAME_SECRET_FIEL', 'USERNAME_SECRET_FILE'],
    ['REDIS_URI', 'REDIS_URL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['API_CLIENT', 'API_CLIENTS'],
    ['EXTRA_CA_FILES', 'EXTRA_CA_FILE'],
    ['https_proxy', 'HTTPS_PROXY'],
    ['OTEL_EXPORTER_OTLP_ENDPOIN', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ]
  for (const [written, meant] of rows)
    t.same(loadConfig({ ...good, [written]: 'x' }).notices.warnings, [
      `${written}: is not a setting; did you mean ${meant}?`,
    ])
  const others = { HTTP_PROXY: 'x', HOSTNAME: 'x', HOSTS: 'x', PORTS: 'x', PATH: 'x', REDIS_URI: '', LOG_LEVELS: '' }
  t.same(
    loadConfig({ ...good, ...others, SESSION_SECRT: 'x' }).notices.warnings,
    [],
    'set, belonging to another program, or empty',
  )
})

t.test('http is accepted for this machine only, and a secret can come from a file', async (t) => {
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
    'usernames depend on it if they have no secret of their own',
  )
  const own = loadConfig({ ...good, USERNAME_SECRET_FILE: file })
  t.same(own.usernames, { secrets: ['from-a-file-from-a-file-from-a-file'], isOwn: true })
  t.equal(config.session.idleSeconds, 900)
})

t.test('each error in PORTAL_CONFIG states its line and path', async (t) => {
  const { problems } = parsePortalConfig('branding:\n  name: ""\nproducts:\n  llama:\n    kind: chat\n', 'portal.yaml')
  t.match(problems.join('\n'), /portal\.yaml:2 branding\.name/)
  t.match(problems.join('\n'), /portal\.yaml:5 products\.llama has no property "kind"/)
  t.match(parsePortalConfig('a: [', 'portal.yaml').problems.join('\n'), /portal\.yaml:1/)
  t.same(parsePortalConfig('', 'portal.yaml').problems, [])
})

t.test('PORTAL_CONFIG is read from its file', async (t) => {
  const file = join(t.testdir(), 'portal.yaml')
  writeFileSync(file, 'branding:\n  name: Model Garden\n')
  t.equal(loadConfig({ ...good, PORTAL_CONFIG: file }).portal.branding?.name, 'Model Garden')
})

t.test(
  'api_origins accepts what browsers send as Origin, and rejects every other spelling with an explanation',
  async (t) => {
    const originProblems = (origin: string) =>
      parsePortalConfig(`api_origins:\n  - https://app.example.com\n  - ${JSON.stringify(origin)}\n`, 'portal.yaml')
        .problems
    const good = [
      'https://a.example.com',
      'https://app.example.com:8443',
      'http://localhost:5173',
      'http://127.0.0.1:3000',
    ]
    for (const origin of [...good, 'http://[::1]:80801'.slice(0, -1), 'https://xn--mnchen-3ya.example'])
      t.same(originProblems(origin), [], origin)
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
        originProblems(origin),
        [
          /^PORTAL_CONFIG: portal\.yaml:3 api_origins\.1 is not an origin as browsers send it: .*https:\/\/app\.example\.com$/,
        ],
        origin,
      )
    t.match(originProblems('https://app.example.com'), [/duplicate/])
    t.match(parsePortalConfig('api_origins: https://a.example', 'portal.yaml').problems, [/api_origins must be array/])
  },
)
