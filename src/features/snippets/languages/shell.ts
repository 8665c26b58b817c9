import { type Carrier, type Pair, TOKEN_URL } from '../carriers.js'
import { ASKED, type Scene } from '../scene.js'
import { json, shell, shellQuoted, shellRemark } from './escape.js'

/** A stand-in for the id inside a body; no text holds a NUL. */
const MARK = '\0model\0'

/** `export` lines for a new shell. */
export function exportsOf({ variables }: Carrier): string[] {
  return variables.map(({ name, value }) => `export ${name}=${shellQuoted(value ?? '')}`)
}

/** curl and what every call has in common, credential included. */
export function curlWords({ carrier, caFile }: Scene): string[] {
  return ['curl -sS --fail-with-body', ...(caFile ? [`--cacert ${shell(caFile)}`] : []), ...credentialWords(carrier)]
}

/** Two words, `-H …`, for each header. In double quotes, so that the variable is read. */
function credentialWords({ kind, pairs }: Carrier): string[] {
  switch (kind) {
    case 'bearer':
      return [`-H "Authorization: Bearer $${variableOf(pairs)}"`]
    case 'token':
      return ['-H "Authorization: Bearer $MAAS_TOKEN"']
    case 'headers':
      return pairs.map(([name, variable]) => headerWord(name, variable))
    case 'basic':
      return [`-u "${pairs.map(([, variable]) => `$${variable}`).join(':')}"`]
    case 'query':
      return []
  }
}

/** One word in double quotes where the name has no sign that a shell reads in them. */
function headerWord(name: string, variable: string): string {
  return /^[\w.-]+$/.test(name) ? `-H "${name}: $${variable}"` : `-H ${shell(name)}": $${variable}"`
}

/** The address, with the credential where it travels in the query. The gateway compares it as it comes, undecoded. */
export function addressWord(url: string, { kind, pairs }: Carrier): string {
  const word = plainAddress(url)
  if (kind !== 'query') return word
  const query = pairs.map(([name, variable]) => `${inQuery(name)}=$${variable}`).join('&')
  return `${word}"${url.includes('?') ? '&' : '?'}${query}"`
}

/** curl reads brackets and braces as patterns, which would be several calls. */
function plainAddress(url: string): string {
  return `${/[[\]{}]/.test(url) ? '--globoff ' : ''}${shell(url)}`
}

/** Also what encodeURIComponent leaves: a shell reads `!` in double quotes, some any quote. */
function inQuery(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Fetches the token (OpenID Connect client credentials), where one is needed. */
export function tokenLines(carrier: Carrier): string[] {
  return carrier.kind === 'token' ? [`MAAS_TOKEN=${tokenCommand(carrier)}`] : []
}

export function tokenCommand({ tokenUrl, pairs }: Carrier): string {
  const user = pairs.map(([, variable]) => `$${variable}`).join(':')
  const url = tokenUrl === undefined ? `"$${TOKEN_URL}"` : plainAddress(tokenUrl)
  return `$(curl -sS --fail-with-body -u "${user}" -d grant_type=client_credentials ${url} | ${firstText('access_token')})`
}

/** What the reader has to fill in, and the id put into $MODEL where it is not known. */
export function askLines(scene: Scene): string[] {
  const gaps = gapLines(scene)
  if (!scene.asks) return gaps
  const asking = [...curlWords(scene), addressWord(scene.listUrl, scene.carrier)].join(' ')
  return [...gaps, `# ${ASKED}`, `MODEL=$(${asking} | ${firstText('id')})`]
}

export function gapLines({ gaps }: Scene): string[] {
  return gaps.map((gap) => `# ${shellRemark(gap)}`)
}

/** The first text of that name in a JSON answer. */
function firstText(name: string): string {
  return `grep -o '"${name}" *: *"[^"]*"' | head -n 1 | cut -d '"' -f 4`
}

/** The JSON body as one word; an id that was asked for is put in from $MODEL, which still has JSON's own escapes. */
export function bodyWord({ call, modelId, asks }: Scene): string {
  if (!asks) return shellQuoted(json(modelId === undefined ? call.body : { model: modelId, ...call.body }))
  const [before = '', after = ''] = json({ model: MARK, ...call.body }).split(json(MARK))
  return `${shellQuoted(`${before}"`)}"$MODEL"${shellQuoted(`"${after}`)}`
}

function variableOf(pairs: Pair[]): string {
  return pairs[0]?.[1] ?? ''
}
