import { mailAddress, memberOf, boundedText as text, webAddress } from '../../../clients/threescale/specs/spec.js'
import { LANGUAGE_TAG } from '../../../config/product-config.js'
import { formatNames } from '../../../model-calls/body-formats.js'
import type { Facts } from '../catalogue/facts.js'
import { type Capability, capabilities, type Model, modelStates, modelTypes } from '../schemas.js'
import { validContextLength, validModelId } from './fact-validation.js'
import { operationsOf, type SpecOperation } from './spec-operations.js'

/** The facts of a document that the catalogue uses. */
export interface SpecFacts {
  /** declared by its author in `x-maas` */
  declared: Facts
  /** their facts count only if the mapping rules of the product accept them: see `deduceFacts` */
  operations: SpecOperation[]
}

const MAX_LANGUAGES = 200

/** The limit applies because a page and a summary are rendered from it for each product. */
const MAX_DESCRIPTION_LENGTH = 10_000

/**
 * The facts of the model in an uploaded document. Only `x-maas` (in `info` or at the top level) describes the model: the licence, the
 * contact, the terms and the description in `info` describe the API (OpenAPI 3.1, Info Object). `info.description` counts only with
 * `x-maas`, because such a document was written for this product. Invalid values are ignored.
 */
export function specFacts(spec: Record<string, unknown> | undefined): SpecFacts {
  if (!spec) return { declared: {}, operations: [] }
  const info = memberOf(spec, 'info')
  const own = memberOf(info, 'x-maas') ?? memberOf(spec, 'x-maas')
  const isOwn = typeof own === 'object' && own !== null && !Array.isArray(own)
  return {
    declared: withoutUndefined({
      type: modelTypes.find((type) => type === memberOf(own, 'type')),
      model_id: validModelId(memberOf(own, 'model_id')),
      request_format: formatNames.find((name) => name === memberOf(own, 'request_format')),
      context_length: validContextLength(memberOf(own, 'context_length')),
      capabilities: capabilitiesIn(memberOf(own, 'capabilities')),
      languages: languagesIn(memberOf(own, 'languages')),
      license: namedLink(memberOf(own, 'license')),
      owner: ownerIn(memberOf(own, 'owner')),
      links: linksIn(own),
      state: modelStates.find((state) => state === memberOf(own, 'state')),
      retires_on: dateIn(memberOf(own, 'retires_on')),
      successor: text(memberOf(own, 'successor')),
      summary: text(memberOf(own, 'summary'), 300),
      description: isOwn
        ? (text(memberOf(own, 'description'), MAX_DESCRIPTION_LENGTH) ??
          text(memberOf(info, 'description'), MAX_DESCRIPTION_LENGTH))
        : undefined,
    }),
    operations: operationsOf(spec),
  }
}

function capabilitiesIn(value: unknown): Capability[] | undefined {
  return Array.isArray(value) ? capabilities.filter((name) => value.includes(name)) : undefined
}

function languagesIn(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined
  return value
    .slice(0, MAX_LANGUAGES)
    .filter((tag): tag is string => typeof tag === 'string' && tag.length <= 35 && LANGUAGE_TAG.test(tag))
}

function namedLink(value: unknown): NonNullable<Model['license']> | undefined {
  const name = text(value) ?? text(memberOf(value, 'name')) ?? text(memberOf(value, 'identifier'))
  return name === undefined ? undefined : { name, url: webAddress(memberOf(value, 'url')) ?? null }
}

function ownerIn(value: unknown): NonNullable<Model['owner']> | undefined {
  if (typeof value === 'string') return namedLink(value)
  const mail = mailAddress(memberOf(value, 'email'))
  const name = text(memberOf(value, 'name')) ?? mail
  if (name === undefined) return undefined
  return { name, url: webAddress(memberOf(value, 'url')) ?? (mail ? `mailto:${mail}` : null) }
}

function linksIn(own: unknown): Model['links'] | undefined {
  const capabilitiesIn = memberOf(own, 'links')
  const found = (Array.isArray(capabilitiesIn) ? capabilitiesIn.slice(0, 10) : [])
    .map(linkOf)
    .filter((link): link is { label: string; url: string } => link.label !== undefined && link.url !== undefined)
  return found.length > 0 ? found : undefined
}

function linkOf(link: unknown) {
  const url = webAddress(memberOf(link, 'url'))
  return { label: text(memberOf(link, 'label'), 80) ?? url, url }
}

function dateIn(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return undefined
  // 30 February would be read as a day of March
  const read = new Date(value)
  return Number.isNaN(read.getTime()) || !read.toISOString().startsWith(value) ? undefined : value
}

function withoutUndefined(facts: { [K in keyof Facts]: Facts[K] | undefined }): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Facts
}
