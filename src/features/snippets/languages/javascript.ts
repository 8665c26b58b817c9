import { type Carrier, TOKEN_URL } from '../carriers.js'
import type { Scene } from '../scene.js'
import { json, quoted, remark } from './escape.js'

/** What a JavaScript client is given: code, each piece an expression. */
export interface JsCredential {
  before: string[]
  /** for clients that want a key whatever happens */
  apiKey: string
  headers: [string, string][]
  query: [string, string][]
}

export const read = (variable: string): string => `process.env.${variable}`

export function credentialOf({ kind, pairs, tokenUrl }: Carrier): JsCredential {
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
          `const asked = await fetch(${tokenUrl === undefined ? read(TOKEN_URL) : quoted(tokenUrl)}, {`,
          '  method: "POST",',
          '  headers: { Authorization: "Basic " + basic },',
          '  body: new URLSearchParams({ grant_type: "client_credentials" }),',
          '});',
          'const { access_token: token } = await asked.json();',
        ],
        apiKey: 'token',
      }
  }
}

export function object(pairs: [string, string][]): string {
  return pairs.length === 0 ? '{}' : `{ ${pairs.map(([name, value]) => `${key(name)}: ${value}`).join(', ')} }`
}

/** Fields of an object literal, one a line. */
export function fieldLines(body: Record<string, unknown>): string[] {
  return Object.entries(body).map(([name, value]) => `  ${key(name)}: ${literal(value)},`)
}

/** JSON, written as people write objects. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return json(value ?? null)
  return object(Object.entries(value).map(([name, inner]) => [name, literal(inner)]))
}

export function key(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)
}

/** What the reader has to fill in, as comments. */
export function gapLines({ gaps }: Scene): string[] {
  return gaps.map((gap) => `// ${remark(gap)}`)
}

/** Parameters of the query that the mapping rule requires, before those of the credential. */
export function queryOf({ call, carrier }: Scene): [string, string][] {
  return [...call.query.map(([name, value]): [string, string] => [name, quoted(value)]), ...credentialOf(carrier).query]
}

export function modelField({ asks, modelId = '' }: Scene): string {
  return asks ? '  model,' : `  model: ${quoted(modelId)},`
}

/** A quarter of a second of silence, so that a recording is at hand. */
export const SILENCE = [
  '// a quarter of a second of silence',
  'const sound = Buffer.alloc(4044);',
  'sound.write("RIFF", 0); sound.writeUInt32LE(4036, 4); sound.write("WAVEfmt ", 8); sound.writeUInt32LE(16, 16);',
  'sound.writeUInt16LE(1, 20); sound.writeUInt16LE(1, 22); sound.writeUInt32LE(8000, 24); sound.writeUInt32LE(16000, 28);',
  'sound.writeUInt16LE(2, 32); sound.writeUInt16LE(16, 34); sound.write("data", 36); sound.writeUInt32LE(4000, 40);',
]

/** Said where a limit lasts long: openai 6 sleeps as long as `Retry-After` says, which may be a day. */
export function patience({ longLimits }: Scene): string[] {
  return longLimits ? ['  maxRetries: 0, // when a limit is used up, say so at once'] : []
}

/** Node.js takes a CA from its environment alone. */
export function caLine({ caFile }: Scene): string[] {
  return caFile ? [`// Start with NODE_EXTRA_CA_CERTS=${quoted(caFile)} in the environment.`] : []
}
