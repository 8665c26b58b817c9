/** Problems with settings, for the operator. Each completes “NAME: …”. */
export const valueMessages = {
  quoted: 'is in quotation marks; write the value without them',
  variableName: 'is the name of a variable that was not replaced; write the value',
  placeholder: 'is a placeholder; write the value',
  containsVariable: 'contains a variable that was not replaced; write the value',
  controlCharacter: 'contains a line break or another control character',
  invisibleCharacter: 'contains an invisible character, such as a zero-width space; type the value',
  oneOf: (choices: readonly string[]) => `is not one of ${choices.join(', ')}`,
  port: (example: number) => `is not a port; for example ${example}`,
  duration: (range: string, max: string, fallback: string) =>
    `is not a duration ${range} and of at most ${max}; write seconds, or 15m or 2h; the default is ${fallback}`,
  positive: 'above 0',
  atLeast: (seconds: number) => `of ${seconds}s or more`,
  listItem: (problem: string, item: string) => `${problem}; “${item}” is not valid`,
  example: (problem: string, example: string) => `${problem}; for example ${example}`,
  missing: (example: string) => `is missing; for example ${example}`,
}

export const fileMessages = {
  unreadable: (path: string, code: string | undefined) => `cannot read ${path} (${code})`,
  notWritable: (path: string, code: string | undefined) => `cannot write to ${path} (${code})`,
  notUtf8: (path: string) => `${path} is not UTF-8 text`,
  empty: (path: string, name: string) => `${path} is empty; write the value of ${name} to it, or remove the setting`,
  absent: (path: string, name: string) => `${path} does not exist, so ${name} is not set`,
  both: (name: string) => `set it or ${name}_FILE, not both`,
}

const openssl = 'for example the output of openssl rand -base64 32'

export const secretMessages = {
  empty: `is set but contains no secret; ${openssl}`,
  missing: `is missing; ${openssl}`,
  invalid: (problem: string) => `${problem}; ${openssl}`,
  separator: (problem: string) => `${problem}; several secrets are separated by commas`,
  tooShort: 'each secret needs at least 32 bytes',
  duplicate: 'contains the same secret twice',
}

export const addressMessages = {
  notWeb: 'is not a web address',
  credentials: 'must not contain a username or password',
  https: 'must be https (only localhost may be http)',
  origin: 'must be an origin without a path',
  hostName: 'has an invalid host name',
  unreadable: (example: string) =>
    `cannot be read as an address; percent-encode special characters of a password; ${example}`,
  host: 'is not an IP address or host name without a port; for example 0.0.0.0 for all addresses of this machine',
  proxy: 'for example http://proxy.example.com:3128',
  noProxy: 'must be a list of host names separated by commas, without https://; for example localhost,.cluster.local',
}

export const identityMessages = {
  issuerPath: 'must be the issuer, without /.well-known/… at the end',
  issuerQuery: 'must not have a query or a fragment',
  issuerId: 'is not the address of an issuer; for example https://sso.example.com/realms/maas',
  scopeSeparator: 'must be a list separated by spaces; for example openid profile email',
  openidMissing: 'lacks openid, which every sign-in requires; for example openid profile email',
  audience: 'must be one audience; set others in identity_provider.access_tokens.audiences of PORTAL_CONFIG',
  clients: 'must be a list of client IDs separated by commas; for example reports,nightly-build',
  accessToken: 'contains a space or another character that a 3scale token cannot have',
}

export const webhookMessages = {
  secret:
    'must be secrets of 32 to 100 characters (alphanumeric, - or _), separated by commas, because 3scale stores the secret as part of an address; for example the output of openssl rand -hex 32',
}

const trusted = 'for example 1 for one router, 10.0.0.0/8, loopback, or off'

export const proxyMessages = {
  tooMany: (max: number) => `must be a number of proxies of at most ${max}; ${trusted}`,
  everyAddress: 'contains a range of all addresses; write true instead',
  invalid: `is not a number of proxies or a list of addresses and ranges separated by commas; ${trusted}`,
}

const redis = 'for example redis://localhost:6379'

export const redisMessages = {
  example: redis,
  scheme: `must start with redis://, rediss://, redis+sentinel:// or redis+cluster://; ${redis}`,
  database: `has a database that is not a number; ${redis}/0`,
  hosts: (kind: string) =>
    `is not a list of host:port separated by commas; for example redis+${kind}://one:26379,two:26379`,
  caUnused: 'REDIS_URL is not encrypted; use rediss://, or remove REDIS_CA_FILE',
}

const smtp = 'for example smtp://user:password@mail.example.com:587'

export const mailMessages = {
  example: smtp,
  scheme: `must start with smtp:// or smtps://; ${smtp}`,
  mailbox: 'is not one e-mail address; for example portal@example.com',
  mailboxes: 'is not a list of e-mail addresses separated by commas; for example ops@example.com',
  incomplete: 'is required if one of SMTP_URL, MAIL_FROM and OPERATOR_MAIL is set',
}

export const certificateMessages = {
  none: 'contains no certificate in PEM format',
  unreadable: 'contains a certificate that cannot be read',
}

export const settingMessages = {
  heading: 'Invalid settings:',
  portsEqual: 'is the same as PORT; for example 9464',
  idleTooLong: 'is longer than SESSION_MAX; set it to that or less',
  requiredWith: (other: string) => `is required together with ${other}`,
  misspelled: (nearest: string) => `is not a setting; did you mean ${nearest}?`,
}

export const examples = {
  accessToken: 'a 3scale access token with account_management (rw) and stats',
  clientSecret: 'the secret of the OpenID Connect client',
}

/** Problems in the file of PORTAL_CONFIG. */
export const portalConfigMessages = {
  unknownKey: (key: string) => `has no property "${key}"`,
  invalid: 'is not valid',
  topLevel: '(top level)',
  origin:
    'is not an origin as browsers send it: https (http only for localhost), the host in lower case, no default port, no path and no trailing slash; for example https://app.example.com',
}

export const brandingMessages = {
  tooLarge: (file: string) => `${file} has more than 200 KB; use a smaller picture`,
  notPng: (file: string) => `${file} is not a PNG file`,
  noViewBox: (file: string) => `${file} is not an SVG file with a view box`,
  contrast: (color: string, contrast: number, required: number, theme: 'light' | 'dark') =>
    `${color} has a contrast of ${contrast.toFixed(1)}:1 to the page in the ${theme} theme, and text needs ${required}:1; use a ${theme === 'light' ? 'darker' : 'lighter'} colour`,
  noTime: (until: string) => `${until} is not a date; for example 2026-12-31`,
}

/** Warnings of the running portal about its settings. */
export const startWarnings = {
  noRedis:
    'REDIS_URL is not set: each replica reads the catalogue separately, and a sign-out takes effect in one process only',
  noUsernameSecret:
    'USERNAME_SECRET is not set: usernames in 3scale depend on SESSION_SECRET, and users cannot be found after it is lost or replaced',
  trustsAnyProxy:
    'TRUST_PROXY is true: clients can choose their IP address; set the number of proxies or their addresses',
}

export const listenMessages = {
  portInUse: (port: number) => `port ${port} is in use by another program; stop it, or set another port`,
  notPermitted: (port: number) => `this process may not listen on port ${port}; set a port above 1023`,
  noAddress: (host: string) => `this machine has no address ${host}; for example 0.0.0.0 for all its addresses`,
  unresolved: (host: string) => `the name ${host} cannot be resolved; for example 0.0.0.0 for all addresses`,
}
