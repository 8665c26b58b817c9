import { type Carrier, TOKEN_URL } from '../carriers.js'
import { ASKED, type Scene } from '../scene.js'
import { apart, asciiRemark, whole } from './escape.js'

/**
 * Code for Windows PowerShell 5.1 and PowerShell 7. It is ASCII alone: version 5.1 reads a file in the code page of the system, in
 * which the bytes of other characters may be quotation marks, and PowerShell takes the typographic ones for quotes as well.
 */

/** Text as an expression: literals in single quotes, in which nothing is expanded, and characters by number. */
export function text(value: string): string {
  const [first = "''", ...more] = (whole(value).match(/[ -~]+|[^ -~]/g) ?? []).map(pieceOf)
  // a number first would be added, so an expression begins with a literal
  return [...(first.startsWith("'") ? [first] : ["''", first]), ...more].join(' + ')
}

/** A run of ASCII, or one unit of UTF-16. */
function pieceOf(run: string): string {
  if (/[ -~]/.test(run)) return `'${apart(run.replaceAll("'", "''"), "' + '")}'`
  return `[char]0x${run.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

export function variable(name: string): string {
  return `$env:${name}`
}

/** For a new shell. */
export function exportsOf({ variables }: Carrier): string[] {
  return variables.map(({ name, value }) => `${variable(name)} = ${text(value ?? '')}`)
}

/** The token where one is fetched, then `$headers`; none where the credential travels in the query. */
export function credentialLines({ kind, pairs, tokenUrl }: Carrier): string[] {
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
        "$asked = Invoke-WebRequest -UseBasicParsing -Method POST -Uri $tokenUri -Headers $login -Body 'grant_type=client_credentials' -ContentType 'application/x-www-form-urlencoded'",
        `$token = (${contentOf('$asked')} | ConvertFrom-Json).access_token`,
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

/** The address, with the credential where it travels in the query. The gateway compares it as it comes, undecoded. */
export function address(url: string, { kind, pairs }: Carrier): string {
  if (kind !== 'query') return text(url)
  return pairs
    .map(([name, from], index) => {
      const start = index === 0 ? `${url}${url.includes('?') ? '&' : '?'}` : '&'
      return `${text(`${start}${encodeURIComponent(name)}=`)} + ${variable(from)}`
    })
    .join(' + ')
}

export function headersOption({ kind }: Carrier): string {
  return kind === 'query' ? '' : ' -Headers $headers'
}

/** The body of an answer. Version 5.1 would read JSON without a charset as ISO 8859-1. */
export function contentOf(answer: string): string {
  return `[Text.Encoding]::UTF8.GetString(${answer}.RawContentStream.ToArray())`
}

/** What the reader has to fill in, and the id put into $model where it is not known. */
export function askLines(scene: Scene): string[] {
  const gaps = scene.gaps.map((gap) => `# ${asciiRemark(gap)}`)
  if (!scene.asks) return gaps
  return [
    ...gaps,
    `# ${ASKED}`,
    `$listUri = ${address(scene.listUrl, scene.carrier)}`,
    `$listed = Invoke-WebRequest -UseBasicParsing -Uri $listUri${headersOption(scene.carrier)}`,
    `$model = (${contentOf('$listed')} | ConvertFrom-Json).data[0].id`,
  ]
}
