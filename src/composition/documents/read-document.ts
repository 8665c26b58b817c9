import { readSpec } from '../../clients/threescale/specs/spec.js'
import { type DocumentSummary, summarizeDocument } from '../../features/doctor/document-summary.js'
import { type SpecFacts, specFacts } from '../../features/models/specs/spec-facts.js'
import { type GatewayMapping, readOpenApi } from '../../features/reference/openapi/read-openapi.js'
import { withHtml } from '../../features/reference/operation-html.js'
import type { Reference } from '../../features/reference/reference-types.js'

/** For the catalogue and the doctor. */
export interface ReadFacts {
  facts: SpecFacts
  claims: DocumentSummary
}

/** For reference pages; undefined if the document has no operation. */
export interface ReadReference {
  reference: Reference | undefined
}

export interface DocumentJob {
  part: 'facts' | 'reference'
  text: string
  /** For the reference: only operations with a mapping rule are read in full. */
  mapping?: GatewayMapping
}

export function factsIn(spec: Record<string, unknown>): ReadFacts {
  return { facts: specFacts(spec), claims: summarizeDocument(spec) }
}

export function referenceIn(spec: Record<string, unknown>, mapping: GatewayMapping | undefined): ReadReference {
  const reference = readOpenApi(spec, mapping)
  return { reference: reference && withHtml(reference) }
}

/** One part of a document as bounded JSON; `null` if it is not a JSON or YAML object. */
export function readPart({ part, text, mapping }: DocumentJob): string {
  const spec = readSpec(text)
  if (!spec) return 'null'
  return JSON.stringify(part === 'facts' ? factsIn(spec) : referenceIn(spec, mapping))
}
