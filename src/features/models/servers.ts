import type { Http } from '../../clients/http.js'
import { firstModel, hasNoList } from '../../clients/model-list.js'
import type { Log } from '../../clients/redis.js'
import { infoPathsOf, modelListPath } from '../../model-calls/example-calls.js'
import type { ProductNotes } from './notes.js'
import type { Model } from './schemas.js'

export interface ServersDeps {
  http: Pick<Http, 'send'>
  notes: Record<string, ProductNotes>
  /** the operator allows the private addresses of all backends */
  privateAddresses: boolean
  /** asks through the gateway with the credential of that application, and learns the answer */
  askAs(application: { account: number; id: number }): Promise<void>
  learn(systemName: string, id: unknown, contextLength: unknown, type?: Model['type']): Promise<void>
  /** keeps that a model server has no list of models */
  learnUnlisted(systemName: string): Promise<void>
  /** the id that the spec of a product shows */
  exampleIdOf(systemName: string): string | undefined
  /** keeps which form of the body a model server accepts */
  learnFormat(systemName: string, format: NonNullable<Model['request_format']>): Promise<void>
  log: Log
}

/** A slower or longer answer is not read. */
const BOUNDS = { timeoutMs: 5000, maxBytes: 256 * 1024 }

/**
 * Model servers that report what they serve, queried in the background only where the operator says so in PORTAL_CONFIG: with
 * an application of its own through the gateway, or at the private address of the deployed configuration.
 */
export function createServers({ http, notes, privateAddresses, askAs, log, ...lists }: ServersDeps) {
  return {
    mayAsk: (systemName: string): boolean =>
      notes[systemName]?.model_server?.application !== undefined || mayAskPrivately(systemName),

    /** Never rejects: whatever goes wrong leaves the model with the facts it has. */
    async ask(model: Model, privateAddress: string | undefined): Promise<void> {
      const application = notes[model.system_name]?.model_server?.application
      try {
        if (application) await askAs(application)
        else if (privateAddress && mayAskPrivately(model.system_name)) await askPrivately(model, privateAddress)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        log.info({ model: model.system_name, reason }, 'a model server did not tell its model')
      }
    },
  }

  function mayAskPrivately(systemName: string): boolean {
    return notes[systemName]?.model_server?.private_address ?? privateAddresses
  }

  /** The gateway appends a call's path to the private address, so this does too. */
  async function askPrivately(model: Model, privateAddress: string): Promise<void> {
    if (!URL.canParse(privateAddress)) return
    for (const path of infoPathsOf(model)) {
      const url = new URL(privateAddress)
      url.pathname = url.pathname.replace(/\/+$/, '') + path
      const answer = await http.send({ method: 'GET', url, ...BOUNDS })
      if (path === modelListPath(model) && hasNoList(answer)) await lists.learnUnlisted(model.system_name)
      const first = answer.status === 200 ? firstModel(answer.text, lists.exampleIdOf(model.system_name)) : undefined
      if (!first) continue
      await lists.learn(model.system_name, first.id, first.contextLength, first.type)
      if (first.format) await lists.learnFormat(model.system_name, first.format)
      return
    }
  }
}
