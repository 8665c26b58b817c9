import { parse as parseJs } from 'acorn'
import fc from 'fast-check'
import type { Application } from '../../src/features/applications/schemas.js'
import { type Model, modelTypes } from '../../src/features/models/schemas.js'
import { modelOf, pathsOf } from '../helper/models.js'

/** Text that breaks out of quotes, comments, here-documents, templates and pages. */
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
/** An address in the form of the catalogue: parsed by the URL parser, without a trailing slash. */
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
  /** The values of the variables, by name. */
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
  return fc.sample(sample, { numRuns: count, seed: 443 }).map((input) => {
    const { mode, location } = input.way
    const names = { user_key: input.user_key, app_id: input.app_id, app_key: input.app_key }
    const secrets = {
      user_key: { user_key: input.key },
      app_id: { app_id: input.other, app_keys: [input.key] },
      oidc: { client_id: input.other, client_secret: input.key, token_url: input.tokenUrl },
    }[mode]
    const env: Record<typeof mode, Record<string, string>> = {
      user_key: { MAAS_API_KEY: input.key },
      app_id: { MAAS_APP_ID: input.other, MAAS_APP_KEY: input.key },
      oidc: { MAAS_CLIENT_ID: input.other, MAAS_CLIENT_SECRET: input.key },
    }
    return {
      model: modelOf({
        name: input.name,
        system_name: input.name,
        model_id: input.id,
        endpoint: input.endpoint,
        base_url: input.bare ? input.endpoint : `${input.endpoint}/v1`,
        type: input.type,
        paths: pathsOf(input.type, input.bare ? '' : '/v1'),
        credentials: { mode, location, names },
        token_url: mode === 'oidc' ? input.tokenUrl : null,
      }),
      credentials: secrets,
      env: env[mode],
    }
  })
}

/** The strings of a module, as JavaScript parses them; throws if it is invalid. */
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
