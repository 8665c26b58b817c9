import { LRUCache } from 'lru-cache'
import { readSpec, specHash } from '../../clients/threescale/specs/spec.js'
import type { MappingRule } from '../../clients/threescale/types.js'
import { isProblem } from '../../errors.js'
import type { SpecRef } from '../models/catalogue/snapshot.js'
import type { Model } from '../models/schemas.js'
import { generateReference } from './generated/generated-reference.js'
import { generatedFrom, generatedReasons } from './messages.js'
import { type GatewayMapping, readOpenApi } from './openapi/read-openapi.js'
import type { Reference } from './reference-types.js'

export type ReferenceReading = { reference: Reference | undefined } | { failure: 'unreadable' | 'too_complex' | 'busy' }

/** Reads the reference in a document; undefined if it contains no operation. Never rejects. */
export interface ReferenceReader {
  reference(text: string, mapping: GatewayMapping): Promise<ReferenceReading>
  /** the cached result for the same mapping, by the hash of the text */
  cachedReference(hash: string, mapping: GatewayMapping): ReferenceReading | undefined
}

/** Reads in this thread without a cache: for trusted documents only. */
const readInThread: ReferenceReader = {
  async reference(text, mapping) {
    const spec = readSpec(text)
    return spec ? { reference: readOpenApi(spec, mapping) } : { failure: 'unreadable' }
  },
  cachedReference: () => undefined,
}

const MAX_HASHES = 5000

/** The reference of a product: from its uploaded spec, or generated from its type and mapping rules. Results are cached. */
export function createReferenceSource(deps: {
  readSpec(ref: SpecRef): Promise<string>
  documents?: ReferenceReader | undefined
}) {
  const { readSpec: readText, documents = readInThread } = deps
  // The catalogue can have an older text than 3scale.
  const hashes = new LRUCache<string, string>({ max: MAX_HASHES })
  const mappings = new WeakMap<MappingRule[], GatewayMapping>()
  const combined = new WeakMap<Reference, Reference>()
  const generated = new WeakMap<Model, { reason: string; rules: MappingRule[]; reference: Reference }>()

  return async (
    model: Model,
    rules: MappingRule[],
    mounts: string[],
    spec: SpecRef | undefined,
  ): Promise<Reference> => {
    if (!spec) return generateOnce(model, rules, generatedReasons.noSpec)
    const reading = await readOnce(spec, mappingOf(rules, mounts))
    if (reading === undefined) return generateOnce(model, rules, generatedReasons.unavailable)
    if ('failure' in reading) return generateOnce(model, rules, generatedReasons[reading.failure])
    if (!reading.reference) return generateOnce(model, rules, generatedReasons.noOperation)
    if (reading.reference.operations.length > 0) return reading.reference
    return withOtherOperations(generateOnce(model, rules, generatedReasons.notMapped), reading.reference)
  }

  /** The same object for the same rules and mounts, because cached results are found by identity. */
  function mappingOf(rules: MappingRule[], mounts: string[]): GatewayMapping {
    const cached = mappings.get(rules)
    if (cached && cached.mounts.join() === mounts.join()) return cached
    const mapping = { rules: rules.map(({ method, pattern }) => ({ method, pattern })), mounts }
    mappings.set(rules, mapping)
    return mapping
  }

  function withOtherOperations(base: Reference, uploaded: Reference): Reference {
    const cached = combined.get(uploaded)
    if (cached?.operations === base.operations) return cached
    const reference = { ...base, otherOperations: uploaded.otherOperations }
    combined.set(uploaded, reference)
    return reference
  }

  /** Undefined if 3scale does not return the text. */
  async function readOnce(spec: SpecRef, mapping: GatewayMapping): Promise<ReferenceReading | undefined> {
    const name = `${spec.id} ${spec.hash}`
    const cached = documents.cachedReference(hashes.get(name) ?? spec.hash, mapping)
    if (cached) return cached
    try {
      const text = await readText(spec)
      hashes.set(name, specHash(text))
      return await documents.reference(text, mapping)
    } catch (error) {
      if (!isProblem(error)) throw error
      return undefined
    }
  }

  function generateOnce(model: Model, rules: MappingRule[], reason: string): Reference {
    const cached = generated.get(model)
    if (cached?.reason === reason && cached.rules === rules) return cached.reference
    const reference = generateReference(model, rules, generatedFrom(reason))
    generated.set(model, { reason, rules, reference })
    return reference
  }
}
