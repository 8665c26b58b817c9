import { mailAddress, member, textOf as text, webAddress } from '../../clients/threescale/spec.js'
import { formatNames } from '../../model-calls/body-formats.js'
import type { Facts } from './facts.js'
import { type Capability, capabilities, type Model, modelStates, modelTypes } from './schemas.js'
import { operationsOf, type SpecOperation } from './spec-operations.js'
import { contextLength, modelId } from './spec-words.js'

/** What a document says, as far as the catalogue needs it. */
export interface SpecFacts {
  /** what its author declared of the model */
  declared: Facts
  /** what it shows counts only for operations that the mapping rules of a product let through: see `deducedFacts` */
  operations: SpecOperation[]
}

/** A page and a summary are made of it for each product. */
const LONGEST_DESCRIPTION = 10_000

/**
 * What an uploaded document says of the model. Only `x-maas` (in `info` or at the top) is about the model: the licence, the contact,
 * the terms and the description of `info` are those of the API (OpenAPI 3.1, Info Object), and a vendor's document has the
 * vendor's. The description counts where the author wrote `x-maas`, so where the document was written for this product. What is
 * not valid is left out, never an error.
 */
export function specFacts(spec: Record<string, unknown> | undefined): SpecFacts {
  if (!spec) return { declared: {}, operations: [] }
  const info = member(spec, 'info')
  const own = member(info, 'x-maas') ?? member(spec, 'x-maas')
  const isOwn = typeof own === 'object' && own !== null && !Array.isArray(own)
  return {
    declared: given({
      type: modelTypes.find((type) => type === member(own, 'type')),
      model_id: modelId(member(own, 'model_id')),
      request_format: formatNames.find((name) => name === member(own, 'request_format')),
      context_length: contextLength(member(own, 'context_length')),
      capabilities: listed(member(own, 'capabilities')),
      license: named(member(own, 'license')),
      owner: contact(member(own, 'owner')),
      links: links(own),
      state: modelStates.find((state) => state === member(own, 'state')),
      retires_on: day(member(own, 'retires_on')),
      successor: text(member(own, 'successor')),
      summary: text(member(own, 'summary'), 300),
      description: isOwn
        ? (text(member(own, 'description'), LONGEST_DESCRIPTION) ??
          text(member(info, 'description'), LONGEST_DESCRIPTION))
        : undefined,
    }),
    operations: operationsOf(spec),
  }
}

function listed(value: unknown): Capability[] | undefined {
  return Array.isArray(value) ? capabilities.filter((name) => value.includes(name)) : undefined
}

function named(value: unknown): NonNullable<Model['license']> | undefined {
  const name = text(value) ?? text(member(value, 'name')) ?? text(member(value, 'identifier'))
  return name === undefined ? undefined : { name, url: webAddress(member(value, 'url')) ?? null }
}

function contact(value: unknown): NonNullable<Model['owner']> | undefined {
  if (typeof value === 'string') return named(value)
  const mail = mailAddress(member(value, 'email'))
  const name = text(member(value, 'name')) ?? mail
  if (name === undefined) return undefined
  return { name, url: webAddress(member(value, 'url')) ?? (mail ? `mailto:${mail}` : null) }
}

function links(own: unknown): Model['links'] | undefined {
  const listed = member(own, 'links')
  const found = (Array.isArray(listed) ? listed.slice(0, 10) : [])
    .map(linkOf)
    .filter((link): link is { label: string; url: string } => link.label !== undefined && link.url !== undefined)
  return found.length > 0 ? found : undefined
}

function linkOf(link: unknown) {
  const url = webAddress(member(link, 'url'))
  return { label: text(member(link, 'label'), 80) ?? url, url }
}

function day(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return undefined
  // 30 February would be read as a day of March
  const read = new Date(value)
  return Number.isNaN(read.getTime()) || !read.toISOString().startsWith(value) ? undefined : value
}

function given(facts: { [K in keyof Facts]: Facts[K] | undefined }): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Facts
}
