import { resolveModelListPath } from '../../../model-calls/paths/call-paths.js'
import type { SourcedFacts } from '../catalogue/facts.js'
import type { SnapshotEntry } from '../catalogue/snapshot.js'
import type { ModelType } from '../schemas.js'

/**
 * Facts in the spec's examples for a model of this type. An id in an example is often a vendor's or the author's own, so it counts
 * only where the model server's list cannot be read: no mapping rule accepts the request, or the server has no list (`unlisted`).
 * Otherwise code, test call and playground request the list.
 */
export function exampleFacts(
  { specExamples, gateway }: SnapshotEntry,
  type: ModelType,
  basePath: string,
  unlisted: boolean,
): SourcedFacts {
  const { modelId, streams, format } = specExamples[type] ?? {}
  const hasList = !unlisted && resolveModelListPath(type, basePath, gateway.rules) !== undefined
  return {
    source: 'active_docs',
    facts: {
      ...(modelId === undefined || hasList ? {} : { model_id: modelId }),
      ...(streams ? { capabilities: ['streaming'] } : {}),
      ...(format ? { request_format: format } : {}),
    },
  }
}
