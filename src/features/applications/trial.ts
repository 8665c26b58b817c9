import { setTimeout as sleep } from 'node:timers/promises'
import { firstModel, hasNoList, type ListedModel } from '../../clients/model-list.js'
import type { GatewayRefusals } from '../../clients/threescale/nouns.js'
import { isProblem } from '../../errors.js'
import { infoPathsOf, modelListPath, otherFormAfter, testCallOf } from '../../model-calls/example-calls.js'
import { changed, changesFor } from '../../model-calls/refused-parameters.js'
import type { Model } from '../models/schemas.js'
import { typeLabels, withoutIdWords } from '../models/words.js'
import { isAnswered, refusalOf, saidBy, wordsFor } from './answers.js'
import type { Call, GatewayAnswer, ModelCalls } from './model-calls.js'
import type { Application } from './schemas.js'

export interface TrialDeps {
  calls: Pick<ModelCalls, 'call'>
  /** the gateway's own refusals, as the product is configured; 3scale's defaults always count */
  refusalsOf?: (systemName: string) => GatewayRefusals | undefined
  /** keeps what `GET /v1/models` returned for a product */
  learnModelId(systemName: string, id: unknown, contextLength: unknown, type?: Model['type']): Promise<void>
  /** keeps that a model server has no list of models */
  learnUnlisted(systemName: string): Promise<void>
  /** the id that the spec of a product shows */
  exampleIdOf(systemName: string): string | undefined
  /** keeps which form of the body a model server accepts */
  learnFormat(systemName: string, format: NonNullable<Model['request_format']>): Promise<void>
}

export interface TestResult {
  ok: boolean
  status: number | undefined
  ms: number
  words: string
  answer: string
}

const MOMENT_MS = 1500

export type Trial = ReturnType<typeof createTrial>

/** One real call through the gateway with an application's own credential, only to the endpoint the catalogue names. */
export function createTrial(deps: TrialDeps) {
  const { calls, learnModelId, learnUnlisted, learnFormat, exampleIdOf, refusalsOf = () => undefined } = deps

  return {
    /**
     * Reads the id from the model server, best effort: after a failure the model has none, and the page then shows code that
     * requests /v1/models itself. The caller waits for MOMENT_MS at most; an answer that comes later is kept all the same.
     */
    async learn(model: Model, application: Application): Promise<void> {
      const learned = readFromServer(model, application).catch(() => {})
      await Promise.race([learned, sleep(MOMENT_MS, undefined, { ref: false })])
    },

    /** The id to send, as the model server reports it; undefined where it does not. Rejects with gateway_unavailable. */
    modelIdOf: async (model: Model, application: Application) => (await readFromServer(model, application)).id,

    /** Never rejects: `words` state what went wrong. `application` carries its secrets. */
    async run(model: Model, application: Application): Promise<TestResult> {
      if (application.state !== 'live') return refusedBeforehand(application.state)
      try {
        const listed = model.model_id === null ? await readFromServer(model, application) : undefined
        const meant = listed?.format ? { ...model, request_format: listed.format } : model
        const modelId = model.model_id ?? listed?.id
        const answer = await sent(meant, application, modelId)
        if (!answer)
          return nothing('No path of this product can be tested without knowing its service. Use the code below.')
        const { status, ms } = answer
        // a service of its own kind may have nothing to say
        const ok = isAnswered(answer) && (model.type === 'custom' || answer.text.trim() !== '')
        const unknown = isRejected(model, answer) && modelId === undefined ? withoutIdWords(meant) : ''
        const words = [wordsFor(answer, model, refusalsOf(model.system_name)), doubtOf(model, answer), unknown]
          .filter(Boolean)
          .join(' ')
        return { ok, status, ms, words, answer: ok ? saidBy(answer) : answer.text.slice(0, 600) }
      } catch (error) {
        if (isProblem(error, 'gateway_unavailable')) return nothing(error.message)
        if (isProblem(error)) return nothing(`The call could not be made: ${error.message}`)
        return nothing(
          'The endpoint did not answer in time. Its gateway or model server may be down; try again in a minute.',
        )
      }
    },
  }

  /**
   * The answer to the test; after a refusal of the form of its body or of a parameter, that to the other form, or to the request
   * without the parameter, where the server accepts it.
   */
  async function sent(model: Model, application: Application, modelId: string | undefined) {
    const call = testCall(model, modelId)
    if (!call) return undefined
    const answer = await calls.call(model, application, call)
    if (isOfGateway(model, answer)) return answer
    const other = otherFormAfter(model, answer.status)
    const next = other ? testCall(other, modelId) : withoutRefused(call, answer)
    if (!next) return answer
    const second = await calls.call(model, application, next)
    if (second.status < 200 || second.status >= 300) return answer
    if (other) await learnFormat(model.system_name, other.request_format)
    return second
  }

  /**
   * Requests what the model server serves where it may report it, until one answer does: two requests at most. A server without
   * a list is expected to serve the model of the spec's example.
   */
  async function readFromServer(model: Model, application: Application): Promise<Partial<ListedModel>> {
    const preferred = exampleIdOf(model.system_name)
    let isUnlisted = false
    for (const path of infoPathsOf(model)) {
      const answer = await calls.call(model, application, { method: 'GET', path })
      if (path === modelListPath(model)) isUnlisted = hasNoList(answer) && !isOfGateway(model, answer)
      const first = answer.status === 200 ? firstModel(answer.text, preferred) : undefined
      if (!first) continue
      await learnModelId(model.system_name, first.id, first.contextLength, first.type)
      if (first.format) await learnFormat(model.system_name, first.format)
      return first
    }
    if (isUnlisted) await learnUnlisted(model.system_name)
    return isUnlisted ? { id: preferred } : {}
  }

  /** A model server that knows no such call may be of another type than the mapping rules made likely. */
  function doubtOf(model: Model, answer: GatewayAnswer): string {
    return isRejected(model, answer) && model.sources.type === 'assumed'
      ? `The type of this model (${typeLabels[model.type]}) is assumed, because the mapping rules name no call. The operator can set another type.`
      : ''
  }

  /** Rejected by the model server because of the request. */
  function isRejected(model: Model, answer: GatewayAnswer): boolean {
    return [400, 404, 405, 422, 501].includes(answer.status) && !isOfGateway(model, answer)
  }

  function isOfGateway({ system_name }: Model, answer: GatewayAnswer): boolean {
    return refusalOf(answer, refusalsOf(system_name)) !== undefined
  }
}

/** The smallest useful call of the model's type; where that requires a file or unknown words, a read that costs nothing. */
function testCall(model: Model, modelId: string | undefined): Call | undefined {
  const found = testCallOf(model)
  if (found) {
    const named = found.takesModel && modelId !== undefined ? { model: modelId } : {}
    return { method: 'POST', path: found.path, body: { ...named, ...found.body } }
  }
  const plain = model.paths.filter(({ pattern }) => !/[{?]/.test(pattern))
  const read = plain.find(({ method, path }) => method === 'GET' && path !== '/')?.path ?? modelListPath(model)
  if (read !== undefined) return { method: 'GET', path: read }
  const post = plain.find(({ method }) => method === 'POST' || method === 'ANY')
  return post && model.type === 'custom' ? { method: 'POST', path: post.path, body: {} } : undefined
}

/** The call as the model server accepts it by its own words; undefined where these name nothing that the portal added. */
function withoutRefused(call: Call, answer: GatewayAnswer): Call | undefined {
  const body = (call.body ?? {}) as Record<string, unknown>
  const changes = changesFor(body, answer)
  return changes.length > 0 ? { ...call, body: changed(body, changes) } : undefined
}

function refusedBeforehand(state: Application['state']): TestResult {
  return nothing(
    state === 'pending'
      ? 'The application waits for approval, so the gateway refuses its key until then.'
      : 'The application is not live, so the gateway refuses its key. Its operator can resume it.',
  )
}

function nothing(words: string): TestResult {
  return { ok: false, status: undefined, ms: 0, words, answer: '' }
}
