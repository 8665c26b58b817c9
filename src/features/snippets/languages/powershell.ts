import { type CredentialTransport, TOKEN_URL } from '../credential-transport.js'
import { comments } from '../messages.js'
import type { SnippetContext } from '../snippet-context.js'
import { asciiComment, separateExpressions, wellFormed } from './escape.js'

/**
 * Code for Windows PowerShell 5.1 and PowerShell 7, in ASCII: version 5.1 reads a file in the code page of the system, in which bytes
 * of other characters can be quotation marks, and PowerShell accepts typographic quotes too.
 */

/** Text as an expression: literals in single quotes, which expand nothing, and characters by code point. */
export function text(value: string): string {
  const [first = "''", ...more] = (wellFormed(value).match(/[ -~]+|[^ -~]/g) ?? []).map(pieceOf)
  // PowerShell would add numbers, so the expression starts with a literal.
  return [...(first.startsWith("'") ? [first] : ["''", first]), ...more].join(' + ')
}

/** A run of ASCII, or one unit of UTF-16. */
function pieceOf(run: string): string {
  if (/[ -~]/.test(run)) return `'${separateExpressions(run.replaceAll("'", "''"), "' + '")}'`
  return `[char]0x${run.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

export function variable(name: string): string {
  return `$env:${name}`
}

/** For a new shell. */
export function exportsOf({ variables }: CredentialTransport): string[] {
  return variables.map(({ name, value }) => `${variable(name)} = ${text(value ?? '')}`)
}

/** Fetches the token if required, then sets `$headers`; empty if the credential is in the query. */
export function credentialLines({ kind, pairs, tokenUrl }: CredentialTransport): string[] {
  const [user = '', password = ''] = pairs.map(([, name]) => variable(name))
  const basic = `'Basic ' + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes(${user} + ':' + ${password}))`
  switch (kind) {
    case 'bearer':
      return [`$headers = @{ Authorization = 'Bearer ' + ${user} }`]
    case 'basic':
      return [`$headers = @{ Authorization = ${basic} }`]
    case 'headers':
      return [`$headers = @{ ${pairs.map(([name, from]) => `${keyOf(name)} = ${variable(from)}`).join('; ')} }`]
    case 'token':
      return [
        `$login = @{ Authorization = ${basic} }`,
        `$tokenUri = ${tokenUrl === undefined ? variable(TOKEN_URL) : text(tokenUrl)}`,
        "$tokenResponse = Invoke-WebRequest -UseBasicParsing -Method POST -Uri $tokenUri -Headers $login -Body 'grant_type=client_credentials' -ContentType 'application/x-www-form-urlencoded'",
        `$token = (${contentOf('$tokenResponse')} | ConvertFrom-Json).access_token`,
        "$headers = @{ Authorization = 'Bearer ' + $token }",
      ]
    case 'query':
      return []
  }
}

function keyOf(name: string): string {
  const key = text(name)
  return key.includes(' + ') ? `(${key})` : key
}

/** The address, with the credential if it is in the query. The gateway compares the query without decoding it. */
export function address(url: string, { kind, pairs }: CredentialTransport): string {
  if (kind !== 'query') return text(url)
  return pairs
    .map(([name, from], index) => {
      const start = index === 0 ? `${url}${url.includes('?') ? '&' : '?'}` : '&'
      return `${text(`${start}${encodeURIComponent(name)}=`)} + ${variable(from)}`
    })
    .join(' + ')
}

export function headersOption({ kind }: CredentialTransport): string {
  return kind === 'query' ? '' : ' -Headers $headers'
}

/** The body of a response. Version 5.1 would read JSON without a charset as ISO 8859-1. */
export function contentOf(answer: string): string {
  return `[Text.Encoding]::UTF8.GetString(${answer}.RawContentStream.ToArray())`
}

/** The instructions, and the query of the model id into $model if it is unknown. */
export function modelIdLines(context: SnippetContext): string[] {
  const instructions = context.instructions.map((gap) => `# ${asciiComment(gap)}`)
  if (!context.queriesModelId) return instructions
  return [
    ...instructions,
    `# ${comments.modelIdQueried}`,
    `$listUri = ${address(context.listUrl, context.transport)}`,
    `$listed = Invoke-WebRequest -UseBasicParsing -Uri $listUri${headersOption(context.transport)}`,
    `$model = (${contentOf('$listed')} | ConvertFrom-Json).data[0].id`,
  ]
}
