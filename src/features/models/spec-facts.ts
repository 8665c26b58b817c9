import { member, textOf as text } from '../../clients/threescale/spec.js'
import { endpointAt, isBesideChat, typeNamedBy } from '../../model-calls/openai-endpoints.js'
import type { Facts } from './facts.js'
import { type Capability, capabilities, type Model, modelStates, modelTypes } from './schemas.js'

/** What a spec tells: what its author declared, and what its paths and examples show. */
export interface SpecFacts {
  declared: Facts
  deduced: Facts
}

/** A page and a summary are made of it for each product. */
const LONGEST_DESCRIPTION = 10_000

/**
 * What an uploaded spec tells. `declared` is what its author wrote for this purpose: `x-maas` (in `info` or at the top),
 * `info` and `externalDocs`. `deduced` is read from paths and examples. Whatever is odd is left out, never an error.
 */
export function specFacts(spec: Record<string, unknown> | undefined): SpecFacts {
  if (!spec) return { declared: {}, deduced: {} }
  const info = member(spec, 'info')
  const own = member(info, 'x-maas') ?? member(spec, 'x-maas')
  return {
    declared: given({
      type: modelTypes.find((type) => type === member(own, 'type')),
      model_id: modelId(member(own, 'model_id')),
      context_length: contextLength(member(own, 'context_length')),
      capabilities: listed(member(own, 'capabilities')),
      license: named(member(own, 'license')) ?? named(member(info, 'license')),
      owner: named(member(own, 'owner')) ?? contact(member(info, 'contact')),
      links: links(own, info, spec),
      state: modelStates.find((state) => state === member(own, 'state')),
      retires_on: day(member(own, 'retires_on')),
      successor: text(member(own, 'successor')),
      summary: text(member(own, 'summary'), 300),
      description: text(member(info, 'description'), LONGEST_DESCRIPTION),
    }),
    deduced: given({
      type: typeOf(posts(member(spec, 'paths'))),
      calls: callsOf(spec),
      model_id: exampleModel(member(spec, 'paths')) ?? exampleModel(member(spec, 'components')),
      capabilities: streams(member(spec, 'paths')) || streams(member(spec, 'components')) ? ['streaming'] : undefined,
    }),
  }
}

/** An id that a client can send: text of one line. */
export function modelId(value: unknown): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
  return typeof value === 'string' && /^[^\x00-\x1f\x7f]{1,255}$/.test(value) && value.trim() === value
    ? value
    : undefined
}

export function contextLength(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 1_000_000_000 ? value : undefined
}

function listed(value: unknown): Capability[] | undefined {
  return Array.isArray(value) ? capabilities.filter((name) => value.includes(name)) : undefined
}

function named(value: unknown): NonNullable<Model['license']> | undefined {
  const name = text(value) ?? text(member(value, 'name')) ?? text(member(value, 'identifier'))
  return name === undefined ? undefined : { name, url: webAddress(member(value, 'url')) ?? null }
}

function contact(value: unknown): NonNullable<Model['owner']> | undefined {
  const email = text(member(value, 'email'))
  const mail = email !== undefined && /^[^\s@<>"]+@[^\s@<>"]+$/.test(email) ? email : undefined
  const name = text(member(value, 'name')) ?? mail
  if (name === undefined) return undefined
  return { name, url: webAddress(member(value, 'url')) ?? (mail ? `mailto:${mail}` : null) }
}

function links(own: unknown, info: unknown, spec: unknown): Model['links'] | undefined {
  const listed = member(own, 'links')
  const docs = member(spec, 'externalDocs')
  const found = [
    ...(Array.isArray(listed) ? listed.slice(0, 10).map((link) => ({ ...named2(link) })) : []),
    { label: text(member(docs, 'description'), 80) ?? 'Documentation', url: webAddress(member(docs, 'url')) },
    { label: 'Terms of service', url: webAddress(member(info, 'termsOfService')) },
  ].filter((link): link is { label: string; url: string } => link.label !== undefined && link.url !== undefined)
  return found.length > 0 ? found : undefined
}

function named2(link: unknown) {
  const url = webAddress(member(link, 'url'))
  return { label: text(member(link, 'label'), 80) ?? url, url }
}

/** Only https and http; a link must not run anything. */
export function webAddress(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 2000 || !URL.canParse(value)) return undefined
  const { protocol, username, password, href } = new URL(value)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' ? href : undefined
}

function day(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return undefined
  return Number.isNaN(Date.parse(value)) ? undefined : value
}

/** A spec whose calls are of no known type describes a service of its own kind, unless chat servers have them too. */
function typeOf(posts: string[]): Facts['type'] {
  return typeNamedBy(posts) ?? (posts.length === 0 || posts.some(isBesideChat) ? undefined : 'custom')
}

const MOST_CALLS = 20
const LONGEST_PATH = 300
const MOST_PATHS = 2000

/** Where the spec says that its known calls are: below the path of its server, or as they are written. */
function callsOf(spec: Record<string, unknown>): string[] | undefined {
  const known = posts(member(spec, 'paths')).filter((path) => endpointAt('POST', path) !== undefined)
  const base = serverPath(spec)
  const found = [...new Set([...known.map((path) => base + path), ...known])].slice(0, MOST_CALLS)
  return found.length > 0 ? found : undefined
}

/** OpenAPI 3 `servers`, Swagger 2 `basePath`; without a slash at its end. */
function serverPath(spec: unknown): string {
  const servers = member(spec, 'servers')
  const address = Array.isArray(servers) ? member(servers[0], 'url') : member(spec, 'basePath')
  if (typeof address !== 'string' || address.length > LONGEST_PATH || address.includes('{')) return ''
  if (!URL.canParse(address, 'http://host')) return ''
  return new URL(address, 'http://host').pathname.replace(/\/+$/, '')
}

function posts(paths: unknown): string[] {
  if (typeof paths !== 'object' || paths === null) return []
  return Object.entries(paths)
    .slice(0, MOST_PATHS)
    .filter(([path, item]) => path.length <= LONGEST_PATH && member(item, 'post') !== undefined)
    .map(([path]) => path)
}

const DEEP = 14

/** The `model` of the first request example: OpenAPI 3 `example(s)` and schemas, Swagger 2 body parameters. */
function exampleModel(node: unknown, depth = 0): string | undefined {
  if (depth > DEEP || typeof node !== 'object' || node === null) return undefined
  for (const [name, value] of Object.entries(node)) {
    if (name === 'responses') continue
    const found =
      name === 'example' || name === 'x-example' || name === 'value'
        ? modelId(member(value, 'model'))
        : name === 'properties'
          ? exampleOf(member(value, 'model'))
          : undefined
    const deeper = found ?? exampleModel(value, depth + 1)
    if (deeper) return deeper
  }
  return undefined
}

function exampleOf(schema: unknown): string | undefined {
  const choices = member(schema, 'enum')
  return (
    modelId(member(schema, 'example')) ??
    modelId(member(schema, 'const')) ??
    modelId(member(schema, 'default')) ??
    (Array.isArray(choices) && choices.length === 1 ? modelId(choices[0]) : undefined)
  )
}

/** A `stream` field to send, or an answer of server-sent events. */
function streams(node: unknown, depth = 0): boolean {
  if (depth > DEEP || typeof node !== 'object' || node === null) return false
  return Object.entries(node).some(
    ([name, value]) =>
      name === 'text/event-stream' ||
      (name === 'properties' && member(member(value, 'stream'), 'type') === 'boolean') ||
      streams(value, depth + 1),
  )
}

function given(facts: { [K in keyof Facts]: Facts[K] | undefined }): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Facts
}
