import { readSpec } from '../../clients/threescale/spec.js'
import { claimsOf, type DocumentClaims } from '../../features/doctor/document.js'
import { type SpecFacts, specFacts } from '../../features/models/spec-facts.js'
import type { Reference } from '../../features/reference/shapes.js'
import { withHtml } from '../../features/reference/still.js'
import { type Mapping, referenceOf } from '../../features/reference/uploaded.js'

/** What the catalogue and the doctor read in a document. */
export interface ReadFacts {
  facts: SpecFacts
  claims: DocumentClaims
}

/** What reference pages show; undefined where the document names no operation. */
export interface ReadReference {
  reference: Reference | undefined
}

export interface DocumentJob {
  part: 'facts' | 'reference'
  text: string
  /** of the reference: only operations that are let through are read in full */
  mapping?: Mapping
}

export function factsIn(spec: Record<string, unknown>): ReadFacts {
  return { facts: specFacts(spec), claims: claimsOf(spec) }
}

export function referenceIn(spec: Record<string, unknown>, mapping: Mapping | undefined): ReadReference {
  const reference = referenceOf(spec, mapping)
  return { reference: reference && withHtml(reference) }
}

/** One part of a document as a bounded JSON text; `null` where it is no JSON or YAML object. */
export function readPart({ part, text, mapping }: DocumentJob): string {
  const spec = readSpec(text)
  if (!spec) return 'null'
  return JSON.stringify(part === 'facts' ? factsIn(spec) : referenceIn(spec, mapping))
}
