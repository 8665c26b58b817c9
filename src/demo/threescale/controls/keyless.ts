import type { FastifyInstance } from 'fastify'
import { rowsWith } from '../row-index.js'
import type { State } from '../store.js'

/** Applications of products with application keys that have been without any, if only between two writes. */
export function keylessRoutes(app: FastifyInstance, state: () => State) {
  const seen = new Set<number>()
  app.get('/_demo/keyless', async () => [...seen])
  app.delete('/_demo/keyless', async () => {
    seen.clear()
    return {}
  })
  return {
    /** Runs after each write, before any other request can read it. */
    record(): void {
      const { applications, services } = state()
      for (const service of services) {
        if (service.backend_version !== '2') continue
        for (const { id, keys } of rowsWith(applications, 'service_id', service.id)) if (keys.length === 0) seen.add(id)
      }
    },
  }
}
