import { firstModel, hasNoList, type ServedModel } from '../clients/gateway/model-list.js'
import type { GatewayRefusals } from '../clients/threescale/types.js'
import { isProblem } from '../errors.js'
import type { Application } from '../features/applications/schemas.js'
import { missingModelIdMessage, typeLabels } from '../features/models/messages.js'
import type { Model } from '../features/models/schemas.js'
import { withDeadline } from '../infra/deadline.js'
import { alternativeFormat, modelInfoPaths, modelListPath, testCallBody } from './example-calls.js'
import type { GatewayResponse, ModelCall, ModelCalls } from './gateway-requests.js'
import { testCallMessages } from './messages.js'
import { applyChanges, findChanges } from './rejected-parameters.js'
import { explainResponse, gatewayRejectionOf, isModelResponse, modelOutput } from './response-messages.js'

export interface TestCallDeps {
  calls: Pick<ModelCalls, 'call'>
  /** rejections of the gateway as configured for the product; 3scale's defaults always apply */
  refusalsOf?: (systemName: string) => GatewayRefusals | undefined
  /** stores what `GET /v1/models` returned for a product */
  learnModelId(systemName: string, id: unknown, contextLength: unknown, type?: Model['type']): Promise<void>
  /** stores that a model server has no list of models */
  learnUnlisted(systemName: string): Promise<void>
  /** the model ID in the spec of a product */
  exampleIdOf(systemName: string): string | undefined
  /** stores which format of the body a model server accepts */
  learnFormat(systemName: string, format: NonNullable<Model['request_format']>): Promise<void>
}

export interface TestResult {
  ok: boolean
  status: number | undefined
  ms: number
  message: string
  output: string
}

const LEARN_MS = 1500
const MAX_OUTPUT_CHARACTERS = 600

export type TestCall = ReturnType<typeof createTestCall>

/** Calls a model through the gateway with the credentials of an application, and only the endpoint of the catalogue. */
export function createTestCall(deps: TestCallDeps) {
  const { calls, learnModelId, learnUnlisted, learnFormat, exampleIdOf, refusalsOf = () => undefined } = deps

  return {
    /**
     * Reads the model ID from the model server, best effort. Without one, the page shows code that requests /v1/models. The
     * caller waits for LEARN_MS at most; a later response is stored as well.
     */
    async learn(model: Model, application: Application): Promise<void> {
      const learned = readFromServer(model, application).catch(() => {})
      await withDeadline(learned, LEARN_MS)
    },

    /** The model ID as the model server reports it, if it does. Rejects with gateway_unavailable. */
    modelIdOf: async (model: Model, application: Application) => (await readFromServer(model, application)).id,

    /** Never rejects: `message` states what failed. `application` contains its secrets. */
    async run(model: Model, application: Application): Promise<TestResult> {
      if (application.state !== 'live') return failed(testCallMessages.notLive(application.state))
      try {
        const listed = model.model_id === null ? await readFromServer(model, application) : undefined
        const effective = listed?.format ? { ...model, request_format: listed.format } : model
        const modelId = model.model_id ?? listed?.id
        const response = await send(effective, application, modelId)
        if (!response) return failed(testCallMessages.notTestable)
        const { status, ms } = response
        // a custom service may have an empty body
        const ok = isModelResponse(response) && (model.type === 'custom' || response.text.trim() !== '')
        const isUnnamed = isRejected(model, response) && modelId === undefined
        const message = [
          explainResponse(response, model, refusalsOf(model.system_name)),
          typeDoubt(model, response),
          isUnnamed ? missingModelIdMessage(effective) : '',
        ]
          .filter(Boolean)
          .join(' ')
        const output = ok ? modelOutput(response) : response.text.slice(0, MAX_OUTPUT_CHARACTERS)
        return { ok, status, ms, message, output }
      } catch (error) {
        if (isProblem(error, 'gateway_unavailable')) return failed(error.message)
        if (isProblem(error)) return failed(testCallMessages.notSent(error.message))
        return failed(testCallMessages.timeout)
      }
    },
  }

  /**
   * Sends the test call. If the model server rejects the format of the body or a parameter, sends it in the other format or
   * without the parameter, and returns that response if it is successful.
   */
  async function send(model: Model, application: Application, modelId: string | undefined) {
    const call = testCallFor(model, modelId)
    if (!call) return undefined
    const response = await calls.call(model, application, call)
    if (isFromGateway(model, response)) return response
    const other = alternativeFormat(model, response.status)
    const next = other ? testCallFor(other, modelId) : withoutRejected(call, response)
    if (!next) return response
    const second = await calls.call(model, application, next)
    if (second.status < 200 || second.status >= 300) return response
    if (other) await learnFormat(model.system_name, other.request_format)
    return second
  }

  /**
   * Reads which model the server provides, with two requests at most. A server without a list is expected to provide the
   * model in the example of the spec.
   */
  async function readFromServer(model: Model, application: Application): Promise<Partial<ServedModel>> {
    const preferred = exampleIdOf(model.system_name)
    let isUnlisted = false
    for (const path of modelInfoPaths(model)) {
      const response = await calls.call(model, application, { method: 'GET', path })
      if (path === modelListPath(model)) isUnlisted = hasNoList(response) && !isFromGateway(model, response)
      const first = response.status === 200 ? firstModel(response.text, preferred) : undefined
      if (!first) continue
      await learnModelId(model.system_name, first.id, first.contextLength, first.type)
      if (first.format) await learnFormat(model.system_name, first.format)
      return first
    }
    if (isUnlisted) await learnUnlisted(model.system_name)
    return isUnlisted ? { id: preferred } : {}
  }

  /** A model server that does not know the call may be of another type than the mapping rules suggest. */
  function typeDoubt(model: Model, response: GatewayResponse): string {
    return isRejected(model, response) && model.sources.type === 'assumed'
      ? testCallMessages.assumedType(typeLabels[model.type])
      : ''
  }

  /** Whether the model server rejected the request because of its content. */
  function isRejected(model: Model, response: GatewayResponse): boolean {
    return [400, 404, 405, 422, 501].includes(response.status) && !isFromGateway(model, response)
  }

  function isFromGateway({ system_name }: Model, response: GatewayResponse): boolean {
    return gatewayRejectionOf(response, refusalsOf(system_name)) !== undefined
  }
}

/** The smallest useful call for the type of the model. If that requires a file or unknown text, a read without cost. */
function testCallFor(model: Model, modelId: string | undefined): ModelCall | undefined {
  const example = testCallBody(model)
  if (example) {
    const modelMember = example.takesModel && modelId !== undefined ? { model: modelId } : {}
    return { method: 'POST', path: example.path, body: { ...modelMember, ...example.body } }
  }
  const literal = model.paths.filter(({ pattern }) => !/[{?]/.test(pattern))
  const read = literal.find(({ method, path }) => method === 'GET' && path !== '/')?.path ?? modelListPath(model)
  if (read !== undefined) return { method: 'GET', path: read }
  const post = literal.find(({ method }) => method === 'POST' || method === 'ANY')
  return post && model.type === 'custom' ? { method: 'POST', path: post.path, body: {} } : undefined
}

/** The call without the parameters that the model server rejects; undefined if it names none that the portal added. */
function withoutRejected(call: ModelCall, response: GatewayResponse): ModelCall | undefined {
  const body = (call.body ?? {}) as Record<string, unknown>
  const changes = findChanges(body, response)
  return changes.length > 0 ? { ...call, body: applyChanges(body, changes) } : undefined
}

function failed(message: string): TestResult {
  return { ok: false, status: undefined, ms: 0, message, output: '' }
}
