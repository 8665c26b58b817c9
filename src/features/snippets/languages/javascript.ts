import { type CredentialTransport, TOKEN_URL } from '../credential-transport.js'
import { comments } from '../messages.js'
import type { SnippetClient, SnippetContext } from '../snippet-context.js'
import { commentText, json, quoted } from './escape.js'

/** The code of a credential: each part is an expression. */
export interface JsCredential {
  before: string[]
  /** for clients that always require a key */
  apiKey: string
  headers: [string, string][]
  query: [string, string][]
}

export const read = (variable: string): string => `process.env.${variable}`

/** What clients that are run with `node` have in common. */
export const javascriptClient: Pick<SnippetClient, 'group' | 'language' | 'interpreters' | 'variableLines'> = {
  group: 'JavaScript',
  language: 'javascript',
  interpreters: ['templates', 'bash', 'javascript'],
  variableLines: ({ variables }) => [
    ...variables.map(({ name, value = '' }) => `${read(name)} = ${quoted(value)};`),
    '',
  ],
}

export function credentialOf({ kind, pairs, tokenUrl }: CredentialTransport): JsCredential {
  const nothing = { before: [], apiKey: '"unused"', headers: [], query: [] }
  const values = pairs.map(([name, variable]): [string, string] => [name, read(variable)])
  const basic = `const basic = Buffer.from(${values.map(([, value]) => value).join(' + ":" + ')}).toString("base64");`
  switch (kind) {
    case 'bearer':
      return { ...nothing, apiKey: values[0]?.[1] ?? '' }
    case 'headers':
      return { ...nothing, headers: values }
    case 'query':
      return { ...nothing, query: values }
    case 'basic':
      return { ...nothing, before: [basic], headers: [['Authorization', '"Basic " + basic']] }
    case 'token':
      return {
        ...nothing,
        before: [
          basic,
          `const tokenResponse = await fetch(${tokenUrl === undefined ? read(TOKEN_URL) : quoted(tokenUrl)}, {`,
          '  method: "POST",',
          '  headers: { Authorization: "Basic " + basic },',
          '  body: new URLSearchParams({ grant_type: "client_credentials" }),',
          '});',
          'const { access_token: token } = await tokenResponse.json();',
        ],
        apiKey: 'token',
      }
  }
}

export function object(pairs: [string, string][]): string {
  return pairs.length === 0 ? '{}' : `{ ${pairs.map(([name, value]) => `${key(name)}: ${value}`).join(', ')} }`
}

/** Fields of an object literal, one per line. */
export function fieldLines(body: Record<string, unknown>): string[] {
  return Object.entries(body).map(([name, value]) => `  ${key(name)}: ${literal(value)},`)
}

/** A JSON value as a JavaScript literal. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return json(value ?? null)
  return object(Object.entries(value).map(([name, inner]) => [name, literal(inner)]))
}

export function key(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)
}

/** The instructions as comments. */
export function instructionLines({ instructions }: SnippetContext): string[] {
  return instructions.map((gap) => `// ${commentText(gap)}`)
}

/** Query parameters that the mapping rule requires, then those of the credential. */
export function queryOf({ call, transport }: SnippetContext): [string, string][] {
  return [
    ...call.query.map(([name, value]): [string, string] => [name, quoted(value)]),
    ...credentialOf(transport).query,
  ]
}

export function modelField({ queriesModelId, modelId = '' }: SnippetContext): string {
  return queriesModelId ? '  model,' : `  model: ${quoted(modelId)},`
}

/** A quarter of a second of silence as a sample recording. */
export const SILENCE = [
  `// ${comments.silence}`,
  'const sound = Buffer.alloc(4044);',
  'sound.write("RIFF", 0); sound.writeUInt32LE(4036, 4); sound.write("WAVEfmt ", 8); sound.writeUInt32LE(16, 16);',
  'sound.writeUInt16LE(1, 20); sound.writeUInt16LE(1, 22); sound.writeUInt32LE(8000, 24); sound.writeUInt32LE(16000, 28);',
  'sound.writeUInt16LE(2, 32); sound.writeUInt16LE(16, 34); sound.write("data", 36); sound.writeUInt32LE(4000, 40);',
]

/** For long limits: openai 6 sleeps for the time in `Retry-After`, which can be a day. */
export function retryOption({ longLimits }: SnippetContext): string[] {
  return longLimits ? [`  maxRetries: 0, // ${comments.noRetries}`] : []
}

/** Node.js reads an additional CA only from its environment. */
export function caLine({ caFile }: SnippetContext): string[] {
  return caFile ? [`// ${comments.nodeCa(quoted(caFile))}`] : []
}
