import { LRUCache } from 'lru-cache'
import type { MappingRule } from '../../clients/threescale/nouns.js'
import { readSpec, specHash } from '../../clients/threescale/spec.js'
import { isProblem } from '../../errors.js'
import type { Model } from '../models/schemas.js'
import type { SpecRef } from '../models/snapshot.js'
import { madeReference } from './made.js'
import type { Reference } from './shapes.js'
import { type Mapping, referenceOf } from './uploaded.js'

export type ReadReference = { reference: Reference | undefined } | { failure: 'unreadable' | 'too_complex' | 'busy' }

/** Reads the reference in the text of a document; undefined where it names no operation. Rejects never. */
export interface ReferenceReader {
  reference(text: string, mapping: Mapping): Promise<ReadReference>
  /** what was read before for the same mapping, by the hash of its text */
  knownReference(hash: string, mapping: Mapping): ReadReference | undefined
}

/** Reads in this thread each time, so only what may be trusted. */
const here: ReferenceReader = {
  async reference(text, mapping) {
    const spec = readSpec(text)
    return spec ? { reference: referenceOf(spec, mapping) } : { failure: 'unreadable' }
  },
  knownReference: () => undefined,
}

const failures = {
  unreadable: 'The uploaded spec cannot be read: it is not valid JSON or YAML, or it is too large.',
  too_complex: 'The uploaded spec is too complex: reading it exceeds the time or memory limit for one document.',
  busy: 'The uploaded spec could not be read in time. Reload this page in a moment.',
}
const HASHES_KEPT = 5000

/** The reference of a product: from its uploaded spec, else made from its type and mapping rules. Each is made once. */
export function createReferenceSource(deps: {
  readSpec(ref: SpecRef): Promise<string>
  documents?: ReferenceReader | undefined
}) {
  const { readSpec: readText, documents = here } = deps
  // the catalogue may have an older text than 3scale
  const hashes = new LRUCache<string, string>({ max: HASHES_KEPT })
  const mappings = new WeakMap<MappingRule[], Mapping>()
  const joined = new WeakMap<Reference, Reference>()
  const made = new WeakMap<Model, { why: string; rules: MappingRule[]; reference: Reference }>()

  return async (
    model: Model,
    rules: MappingRule[],
    mounts: string[],
    spec: SpecRef | undefined,
  ): Promise<Reference> => {
    if (!spec) return makeOnce(model, rules, 'No spec was uploaded for this product.')
    const read = await readOnce(spec, mappingOf(rules, mounts))
    if (read === undefined) return makeOnce(model, rules, 'The uploaded spec cannot be read from 3scale at the moment.')
    if ('failure' in read) return makeOnce(model, rules, failures[read.failure])
    if (!read.reference) return makeOnce(model, rules, 'The uploaded spec names no operation.')
    if (read.reference.operations.length > 0) return read.reference
    const made = makeOnce(model, rules, 'No mapping rule of the gateway matches an operation of the uploaded spec.')
    return withOthers(made, read.reference)
  }

  /** The same object as long as rules and mounts are the same, so that what is read by it is found by it. */
  function mappingOf(rules: MappingRule[], mounts: string[]): Mapping {
    const known = mappings.get(rules)
    if (known && known.mounts.join() === mounts.join()) return known
    const mapping = { rules: rules.map(({ method, pattern }) => ({ method, pattern })), mounts }
    mappings.set(rules, mapping)
    return mapping
  }

  function withOthers(made: Reference, uploaded: Reference): Reference {
    const known = joined.get(uploaded)
    if (known?.operations === made.operations) return known
    const reference = { ...made, others: uploaded.others }
    joined.set(uploaded, reference)
    return reference
  }

  /** Undefined: 3scale does not give its text. */
  async function readOnce(spec: SpecRef, mapping: Mapping): Promise<ReadReference | undefined> {
    const name = `${spec.id} ${spec.hash}`
    const known = documents.knownReference(hashes.get(name) ?? spec.hash, mapping)
    if (known) return known
    try {
      const text = await readText(spec)
      hashes.set(name, specHash(text))
      return await documents.reference(text, mapping)
    } catch (error) {
      if (!isProblem(error)) throw error
      return undefined
    }
  }

  function makeOnce(model: Model, rules: MappingRule[], why: string): Reference {
    const known = made.get(model)
    if (known?.why === why && known.rules === rules) return known.reference
    const how = 'This page is generated from the type of the model and the mapping rules of the gateway.'
    const reference = madeReference(model, rules, `${why} ${how}`)
    made.set(model, { why, rules, reference })
    return reference
  }
}
