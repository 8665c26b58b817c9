import { parse as parseJs } from 'acorn'
import fc from 'fast-check'
import { templateOf } from '../../src/clients/threescale/patterns.js'
import type { Application } from '../../src/features/applications/schemas.js'
import { type Model, modelTypes } from '../../src/features/models/schemas.js'

/** What breaks out of quotes, comments, here-documents, templates and pages. */
const nasty = [
  "'",
  '"',
  '`',
  '$',
  '\\',
  '\n',
  '\r',
  '\t',
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '\u202e',
  '\u200f',
  '\u2028',
  '\u0007',
  '\u0085',
  '$(touch /tmp/x)',
  '$' + '{HOME}',
  '$' + '{{ secrets.X }}',
  '{{',
  '%s',
  '#',
  ';',
  '!!',
  '&',
  '|',
  '*',
  '@',
  '=',
  ' ',
  '\nPY\n',
  '\nJS\n',
  '"""',
  "'''",
  '--',
  ': ',
  '- ',
  '💥',
  'ß',
]
const text = fc
  .array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join('').replaceAll('\0', ''))
  .filter((value) => value !== '')
const header = fc.stringMatching(/^[A-Za-z_][\w-]{0,19}$/)
/** An address as the catalogue has it: read by the URL parser, without a slash at the end. */
const address = text.map((path) => {
  const { origin, pathname } = new URL(`https://gateway.example.com:8443/${path}`)
  return (origin + pathname).replace(/\/+$/, '')
})
const way = fc.constantFrom(
  ...(['user_key', 'app_id', 'oidc'] as const).flatMap((mode) =>
    (['query', 'headers', 'authorization'] as const).map((location) => ({ mode, location })),
  ),
)

export interface Sample {
  model: Model
  credentials: Partial<Application['credentials']>
  /** the values of the variables, by name */
  env: Record<string, string>
}

/** The same samples in every run. */
export function samples(count: number): Sample[] {
  const sample = fc.record({
    name: text,
    id: fc.option(text, { freq: 6 }),
    endpoint: address,
    tokenUrl: address,
    key: text,
    other: text,
    user_key: header,
    app_id: header,
    app_key: header,
    way,
    type: fc.constantFrom(...modelTypes),
    bare: fc.boolean(),
  })
  return fc.sample(sample, { numRuns: count, seed: 443 }).map((given) => {
    const { mode, location } = given.way
    const names = { user_key: given.user_key, app_id: given.app_id, app_key: given.app_key }
    const secrets = {
      user_key: { user_key: given.key },
      app_id: { app_id: given.other, app_keys: [given.key] },
      oidc: { client_id: given.other, client_secret: given.key, token_url: given.tokenUrl },
    }[mode]
    const env: Record<typeof mode, Record<string, string>> = {
      user_key: { MAAS_API_KEY: given.key },
      app_id: { MAAS_APP_ID: given.other, MAAS_APP_KEY: given.key },
      oidc: { MAAS_CLIENT_ID: given.other, MAAS_CLIENT_SECRET: given.key },
    }
    return {
      model: modelOf({
        name: given.name,
        system_name: given.name,
        model_id: given.id,
        endpoint: given.endpoint,
        base_url: given.bare ? given.endpoint : `${given.endpoint}/v1`,
        type: given.type,
        paths: pathsOf(given.type, given.bare ? '' : '/v1'),
        credentials: { mode, location, names },
        token_url: mode === 'oidc' ? given.tokenUrl : null,
      }),
      credentials: secrets,
      env: env[mode],
    }
  })
}

const endings: Record<Model['type'], string> = {
  chat: '/chat/completions',
  completion: '/completions',
  embedding: '/embeddings',
  rerank: '/rerank',
  image: '/images/generations',
  speech_to_text: '/audio/transcriptions',
  text_to_speech: '/audio/speech',
  custom: '/predict',
}

export function pathsOf(type: Model['type'], prefix: string): Model['paths'] {
  const post = ruleOf('POST', `${type === 'custom' ? '' : prefix}${endings[type]}`)
  return type === 'custom' ? [post] : [post, ruleOf('GET', `${prefix}/models`)]
}

export function ruleOf(method: string, pattern: string): Model['paths'][number] {
  return { method, path: templateOf(pattern).path, pattern }
}

export function modelOf(given: Partial<Model>): Model {
  return {
    system_name: 'm',
    name: 'M',
    summary: '',
    description: '',
    type: 'chat',
    model_id: 'org/m',
    request_format: null,
    endpoint: 'https://m.example.com',
    base_url: 'https://m.example.com/v1',
    gateway_ready_at: null,
    context_length: null,
    capabilities: [],
    license: null,
    owner: null,
    links: [],
    state: 'available',
    retires_on: null,
    successor: null,
    credentials: {
      mode: 'user_key',
      location: 'authorization',
      names: { user_key: 'user_key', app_id: 'app_id', app_key: 'app_key' },
    },
    can_select_plan: false,
    plan_required: false,
    plans: [],
    application_attributes: [],
    application_fields: [],
    paths: pathsOf('chat', '/v1'),
    token_url: null,
    sources: {},
    ...given,
  }
}

/** The texts of a module, as JavaScript reads them; throws where it does not parse. */
export function textsOfJs(code: string): string[] {
  const texts: string[] = []
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if (Array.isArray(node)) return void node.forEach(walk)
    const { type, value } = node as { type?: unknown; value?: unknown }
    if (type === 'Literal' && typeof value === 'string') texts.push(value)
    for (const inner of Object.values(node)) walk(inner)
  }
  walk(parseJs(code, { ecmaVersion: 'latest', sourceType: 'module' }))
  return texts
}
