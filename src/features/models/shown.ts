import { modelListPathOf } from '../../model-calls/call-paths.js'
import type { Told } from './facts.js'
import type { ModelType } from './schemas.js'
import type { Entry } from './snapshot.js'

/**
 * What the spec shows of a model of this type. An id in an example is often a vendor's or the author's own, so it counts only where
 * the model server cannot be asked for its list: no mapping rule lets the request through, or the server has none (`unlisted`).
 * Until then code, *Test it* and the playground ask for the list.
 */
export function shownFacts({ shown, gateway }: Entry, type: ModelType, basePath: string, unlisted: boolean): Told {
  const { modelId, streams, format } = shown[type] ?? {}
  const hasList = !unlisted && modelListPathOf(type, basePath, gateway.rules) !== undefined
  return {
    source: 'active_docs',
    facts: {
      ...(modelId === undefined || hasList ? {} : { model_id: modelId }),
      ...(streams ? { capabilities: ['streaming'] } : {}),
      ...(format ? { request_format: format } : {}),
    },
  }
}
