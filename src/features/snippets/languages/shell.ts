import { type CredentialPair, type CredentialTransport, TOKEN_URL } from '../credential-transport.js'
import { comments } from '../messages.js'
import type { SnippetContext } from '../snippet-context.js'
import { json, shell, shellComment, shellQuoted } from './escape.js'

/** A placeholder for the id inside a body; no text contains a NUL. */
const MODEL_PLACEHOLDER = '\0model\0'

/** `export` lines for a new shell. */
export function exportsOf({ variables }: CredentialTransport): string[] {
  return variables.map(({ name, value }) => `export ${name}=${shellQuoted(value ?? '')}`)
}

/** curl and the arguments that all calls share, including the credential. */
export function curlArguments({ transport, caFile }: SnippetContext): string[] {
  return [
    'curl -sS --fail-with-body',
    ...(caFile ? [`--cacert ${shell(caFile)}`] : []),
    ...credentialArguments(transport),
  ]
}

/** `-H …` for each header, in double quotes, so that the variable is expanded. */
function credentialArguments({ kind, pairs }: CredentialTransport): string[] {
  switch (kind) {
    case 'bearer':
      return [`-H "Authorization: Bearer $${variableOf(pairs)}"`]
    case 'token':
      return ['-H "Authorization: Bearer $MAAS_TOKEN"']
    case 'headers':
      return pairs.map(([name, variable]) => headerArgument(name, variable))
    case 'basic':
      return [`-u "${pairs.map(([, variable]) => `$${variable}`).join(':')}"`]
    case 'query':
      return []
  }
}

/** In double quotes if the name contains no character that a shell interprets there. */
function headerArgument(name: string, variable: string): string {
  return /^[\w.-]+$/.test(name) ? `-H "${name}: $${variable}"` : `-H ${shell(name)}": $${variable}"`
}

/** The address, with the credential if it is in the query. The gateway compares the query without decoding it. */
export function addressArgument(url: string, { kind, pairs }: CredentialTransport): string {
  const word = plainAddress(url)
  if (kind !== 'query') return word
  const query = pairs.map(([name, variable]) => `${inQuery(name)}=$${variable}`).join('&')
  return `${word}"${url.includes('?') ? '&' : '?'}${query}"`
}

/** curl reads brackets and braces as patterns of several addresses. */
function plainAddress(url: string): string {
  return `${/[[\]{}]/.test(url) ? '--globoff ' : ''}${shell(url)}`
}

/** Also encodes what encodeURIComponent does not: shells interpret `!` in double quotes, and some interpret quotes. */
function inQuery(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (match) => `%${match.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Fetches the token (OpenID Connect client credentials), if one is required. */
export function tokenLines(transport: CredentialTransport): string[] {
  return transport.kind === 'token' ? [`MAAS_TOKEN=${tokenCommand(transport)}`] : []
}

export function tokenCommand({ tokenUrl, pairs }: CredentialTransport): string {
  const user = pairs.map(([, variable]) => `$${variable}`).join(':')
  const url = tokenUrl === undefined ? `"$${TOKEN_URL}"` : plainAddress(tokenUrl)
  return `$(curl -sS --fail-with-body -u "${user}" -d grant_type=client_credentials ${url} | ${firstText('access_token')})`
}

/** The instructions, and the query of the model id into $MODEL if it is unknown. */
export function modelIdLines(context: SnippetContext): string[] {
  const instructions = instructionLines(context)
  if (!context.queriesModelId) return instructions
  const asking = [...curlArguments(context), addressArgument(context.listUrl, context.transport)].join(' ')
  return [...instructions, `# ${comments.modelIdQueried}`, `MODEL=$(${asking} | ${firstText('id')})`]
}

export function instructionLines({ instructions }: SnippetContext): string[] {
  return instructions.map((gap) => `# ${shellComment(gap)}`)
}

/** The first string of that name in a JSON response. */
function firstText(name: string): string {
  return `grep -o '"${name}" *: *"[^"]*"' | head -n 1 | cut -d '"' -f 4`
}

/** The JSON body as one word. A queried id is inserted from $MODEL, which still has its JSON escapes. */
export function bodyArgument({ call, modelId, queriesModelId }: SnippetContext): string {
  if (!queriesModelId) return shellQuoted(json(modelId === undefined ? call.body : { model: modelId, ...call.body }))
  const [before = '', after = ''] = json({ model: MODEL_PLACEHOLDER, ...call.body }).split(json(MODEL_PLACEHOLDER))
  return `${shellQuoted(`${before}"`)}"$MODEL"${shellQuoted(`"${after}`)}`
}

function variableOf(pairs: CredentialPair[]): string {
  return pairs[0]?.[1] ?? ''
}
