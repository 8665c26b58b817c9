import { type CredentialTransport, TOKEN_URL } from '../credential-transport.js'
import { comments } from '../messages.js'
import type { SnippetClient, SnippetContext } from '../snippet-context.js'
import { commentText, quotedUnicode } from './escape.js'

/** The code of a credential: each part is an expression. */
export interface PythonCredential {
  imports: string[]
  before: string[]
  /** for clients that always require a key */
  apiKey: string
  headers: [string, string][]
  query: [string, string][]
}

export const read = (variable: string): string => `os.environ[${quotedUnicode(variable)}]`

/** What clients that are run with `python` have in common. */
export const pythonClient: Pick<SnippetClient, 'group' | 'language' | 'interpreters' | 'variableLines'> = {
  group: 'Python',
  language: 'python',
  interpreters: ['templates', 'bash', 'python'],
  variableLines: ({ variables }) => [
    ...variables.map(({ name, value = '' }) => `${read(name)} = ${quotedUnicode(value)}`),
    '',
  ],
}

export function credentialOf({ kind, pairs, tokenUrl }: CredentialTransport): PythonCredential {
  const nothing = { imports: [], before: [], apiKey: '"unused"', headers: [], query: [] }
  const values = pairs.map(([name, variable]): [string, string] => [name, read(variable)])
  const both = `(${values.map(([, value]) => value).join(' + ":" + ')})`
  switch (kind) {
    case 'bearer':
      return { ...nothing, apiKey: values[0]?.[1] ?? '' }
    case 'headers':
      return { ...nothing, headers: values }
    case 'query':
      return { ...nothing, query: values }
    case 'basic':
      return {
        ...nothing,
        imports: ['import base64'],
        before: [`basic = base64.b64encode(${both}.encode()).decode()`],
        headers: [['Authorization', '"Basic " + basic']],
      }
    case 'token':
      return {
        ...nothing,
        imports: ['import base64, json, urllib.request'],
        before: [
          `basic = base64.b64encode(${both}.encode()).decode()`,
          'token_request = urllib.request.Request(',
          `    ${tokenUrl === undefined ? read(TOKEN_URL) : quotedUnicode(tokenUrl)},`,
          '    b"grant_type=client_credentials",',
          '    {"Authorization": "Basic " + basic},',
          ')',
          'token = json.load(urllib.request.urlopen(token_request))["access_token"]',
        ],
        apiKey: 'token',
      }
  }
}

/** A JSON value as a Python literal. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return quotedUnicode(value)
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, inner]) => `${quotedUnicode(name)}: ${literal(inner)}`)
      .join(', ')}}`
  return JSON.stringify(value)
}

export function dictionary(pairs: [string, string][]): string {
  return `{${pairs.map(([name, value]) => `${quotedUnicode(name)}: ${value}`).join(', ')}}`
}

/** A call with one argument per line. */
export function callLines(name: string, options: string[]): string[] {
  return [`${name}(`, ...options.map((option) => `    ${option},`), ')']
}

/** The members of a body as keyword arguments. */
export function argumentsOf(body: Record<string, unknown>): string[] {
  return Object.entries(body).map(([name, value]) => `${name}=${literal(value)}`)
}

/** The instructions as comments. */
export function instructionLines({ instructions }: SnippetContext): string[] {
  return instructions.map((gap) => `# ${commentText(gap)}`)
}

/** Query parameters that the mapping rule requires, then those of the credential. */
export function queryOf({ call, transport }: SnippetContext): [string, string][] {
  return [
    ...call.query.map(([name, value]): [string, string] => [name, quotedUnicode(value)]),
    ...credentialOf(transport).query,
  ]
}

export function modelOf({ queriesModelId, modelId = '' }: SnippetContext): string {
  return queriesModelId ? 'model' : quotedUnicode(modelId)
}

/** A quarter of a second of silence as a sample recording. */
export const SILENCE = [
  'recording = io.BytesIO()',
  'with wave.open(recording, "wb") as sound:',
  '    sound.setparams((1, 2, 8000, 0, "NONE", "NONE"))',
  `    sound.writeframes(bytes(4000))  # ${comments.silence}`,
]
