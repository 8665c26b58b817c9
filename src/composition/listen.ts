import type { FastifyInstance } from 'fastify'
import { ConfigError } from '../config/environment.js'
import { listenMessages } from '../config/messages.js'

export interface Listener {
  app: FastifyInstance
  /** The setting of the port. */
  setting: 'PORT' | 'METRICS_PORT'
  host: string
  port: number
}

/** Rejects with ConfigError, with a problem for each address that it cannot listen on. */
export async function listen(listeners: Listener[]): Promise<void> {
  const started = await Promise.allSettled(listeners.map(({ app, host, port }) => app.listen({ host, port })))
  const problems = started.flatMap((result, at) => {
    const listener = listeners[at]
    if (result.status === 'fulfilled' || !listener) return []
    const problem = describeFailure(listener, (result.reason as NodeJS.ErrnoException).code)
    if (problem === undefined) throw result.reason
    return [problem]
  })
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
}

function describeFailure({ setting, host, port }: Listener, code: string | undefined): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `${setting}: ${listenMessages.portInUse(port)}`
    case 'EACCES':
      return `${setting}: ${listenMessages.notPermitted(port)}`
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return `HOST: ${listenMessages.noAddress(host)}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `HOST: ${listenMessages.unresolved(host)}`
    default:
      return undefined
  }
}
