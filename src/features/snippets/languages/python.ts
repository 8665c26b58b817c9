import { type Carrier, TOKEN_URL } from '../carriers.js'
import type { Scene } from '../scene.js'
import { quotedWide, remark } from './escape.js'

/** What a Python client is given: code, each piece an expression. */
export interface PythonCredential {
  imports: string[]
  before: string[]
  /** for clients that want a key whatever happens */
  apiKey: string
  headers: [string, string][]
  query: [string, string][]
}

export const read = (variable: string): string => `os.environ[${quotedWide(variable)}]`

export function credentialOf({ kind, pairs, tokenUrl }: Carrier): PythonCredential {
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
          'asked = urllib.request.Request(',
          `    ${tokenUrl === undefined ? read(TOKEN_URL) : quotedWide(tokenUrl)},`,
          '    b"grant_type=client_credentials",',
          '    {"Authorization": "Basic " + basic},',
          ')',
          'token = json.load(urllib.request.urlopen(asked))["access_token"]',
        ],
        apiKey: 'token',
      }
  }
}

/** JSON with Python's words for true, false and null. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return quotedWide(value)
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, inner]) => `${quotedWide(name)}: ${literal(inner)}`)
      .join(', ')}}`
  return JSON.stringify(value)
}

export function dictionary(pairs: [string, string][]): string {
  return `{${pairs.map(([name, value]) => `${quotedWide(name)}: ${value}`).join(', ')}}`
}

/** `name(` one argument a line `)`. */
export function callLines(name: string, options: string[]): string[] {
  return [`${name}(`, ...options.map((option) => `    ${option},`), ')']
}

/** Arguments of a call: names that Python takes as they are, the rest as `extra_body`. */
export function argumentsOf(body: Record<string, unknown>): string[] {
  return Object.entries(body).map(([name, value]) => `${name}=${literal(value)}`)
}

/** What the reader has to fill in, as comments. */
export function gapLines({ gaps }: Scene): string[] {
  return gaps.map((gap) => `# ${remark(gap)}`)
}

/** Parameters of the query that the mapping rule requires, before those of the credential. */
export function queryOf({ call, carrier }: Scene): [string, string][] {
  return [
    ...call.query.map(([name, value]): [string, string] => [name, quotedWide(value)]),
    ...credentialOf(carrier).query,
  ]
}

export function modelOf({ asks, modelId = '' }: Scene): string {
  return asks ? 'model' : quotedWide(modelId)
}

/** A quarter of a second of silence, so that a recording is at hand. */
export const SILENCE = [
  'recording = io.BytesIO()',
  'with wave.open(recording, "wb") as sound:',
  '    sound.setparams((1, 2, 8000, 0, "NONE", "NONE"))',
  '    sound.writeframes(bytes(4000))  # a quarter of a second of silence',
]
