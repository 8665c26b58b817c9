import type { Readable } from 'node:stream'
import { acceptsRequest } from '../../clients/threescale/tenant-rules/mapping-rules.js'
import type { BackendPath, MappingRule } from '../../clients/threescale/types.js'
import { problem } from '../../errors.js'
import { readJson } from '../../infra/bounded-json.js'
import { redact } from '../../infra/redaction.js'
import type { PreparedRequest } from '../../model-calls/gateway-requests.js'
import { explainResponse } from '../../model-calls/response-messages.js'
import type { Caller } from '../../web/auth/caller.js'
import type { Application } from '../applications/schemas.js'
import type { SpecRef } from '../models/catalogue/snapshot.js'
import type { Model } from '../models/schemas.js'
import type { PlaygroundDeps } from '../playground/playground.js'
import { type GatewayOperation, gatewayOperations, mountsIn } from './gateway-operations.js'
import { valuesNotMapped } from './messages.js'
import { createReferenceSource, type ReferenceReader } from './reference-source.js'
import type { Reference } from './reference-types.js'
import { readResponse, type TryItResponse } from './response.js'
import { parseTryItForm, type TryItRequest } from './try-it-form.js'

export interface ReferenceDeps
  extends Pick<PlaygroundDeps, 'applications' | 'calls' | 'modelCallLimit' | 'modelIdOf' | 'refusalsOf'> {
  models: {
    find(
      systemName: string,
      caller: Caller | undefined,
    ): Promise<{
      model: Model
      rules: MappingRule[]
      spec: SpecRef | undefined
      backends?: BackendPath[]
      ageSeconds: number
      stale: boolean
    }>
    readSpec(ref: SpecRef): Promise<string>
  }
  /** reads API documents; in this thread by default */
  documents?: ReferenceReader
  gateway: {
    open(request: PreparedRequest & { signal: AbortSignal; headMs: number }): Promise<{
      status: number
      headers: Record<string, string>
      body: Readable
    }>
  }
  /** deadline of a response */
  deadlineMs?: number
}

/** The response to a call, and an explanation if it is an error. */
export interface TryItOutcome {
  response: TryItResponse
  explanation: string
}

export interface ReferenceResult {
  model: Model
  reference: Reference
  operations: GatewayOperation[]
  staleSeconds: number | undefined
}

export type References = ReturnType<typeof createReferences>

/**
 * API references, from the uploaded spec or generated from the model type and the mapping rules, and calls that a user enters. A call
 * goes through the user's own application and only to the endpoint of the product. Nothing of it is stored.
 */
export function createReferences(deps: ReferenceDeps) {
  const { models, applications, calls, gateway, modelCallLimit, modelIdOf, refusalsOf, deadlineMs = 60_000 } = deps
  const referenceFor = createReferenceSource({ readSpec: models.readSpec, documents: deps.documents })

  return {
    read,

    /** The caller's applications of a model, live ones first. One call to 3scale. */
    async applicationsOf(caller: Caller, model: Model): Promise<Application[]> {
      const own = (await applications.list(caller)).filter((application) => application.model === model.system_name)
      return own.sort((a, b) => Number(b.state === 'live') - Number(a.state === 'live'))
    },

    /**
     * Sends one call with the values of the form. One or two calls to 3scale. Rejects with not_found (operation, application),
     * invalid_fields, too_many_requests, gateway_unavailable.
     */
    async send(
      caller: Caller,
      systemName: string,
      values: Record<string, string>,
      signal: AbortSignal,
    ): Promise<TryItOutcome> {
      const { model, rules, operations } = await read(systemName, caller)
      const operation = operations.find(({ id }) => id === values.operation)
      if (!operation || operation.unavailableReason) throw problem('not_found')
      const call = parseTryItForm(operation, values)
      const { application } = await applications.read(caller, call.application, { reveal: true })
      if (application.model !== model.system_name) throw problem('not_found')
      const done = modelCallLimit.take(caller)
      const started = performance.now()
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)])
      try {
        const prepared = await prepare(model, application, operation, call)
        if (!isAllowedTarget(model, rules, prepared, call))
          throw problem('invalid_fields', {
            fields: { form: valuesNotMapped },
          })
        const opened = await gateway.open({ ...prepared, signal: deadline, headMs: deadlineMs * 0.9 })
        const raw = await readResponse(opened, {
          signal: deadline,
          ms: () => Math.round(performance.now() - started),
        })
        const response = { ...raw, text: redact(raw.text, prepared.secrets) }
        return {
          response,
          explanation: explainResponse({ ...opened, text: response.text }, model, refusalsOf(systemName)),
        }
      } finally {
        done()
      }
    },
  }

  async function read(
    systemName: string,
    caller: Caller | undefined,
  ): Promise<ReferenceResult & { rules: MappingRule[] }> {
    const { model, rules, spec, backends, ageSeconds, stale } = await models.find(systemName, caller)
    const mounts = mountsIn(model, backends)
    const reference = await referenceFor(model, rules, mounts, spec)
    const operations = gatewayOperations(model, rules, mounts, reference)
    return { model, rules, reference, operations, staleSeconds: stale ? ageSeconds : undefined }
  }

  async function prepare(
    model: Model,
    application: Application,
    { method }: GatewayOperation,
    { path, query, headers, body }: TryItRequest,
  ): Promise<PreparedRequest> {
    const search = query.length > 0 ? `?${new URLSearchParams(query)}` : ''
    const raw = body && { ...body, text: await withModelId(body, model, application) }
    return calls.prepare(model, application, { method, path: path + search, headers, raw })
  }

  /** Fills in an empty `model`, as the page announces. JSON that is nested too deeply to serialise again is sent as entered. */
  async function withModelId({ type, text }: { type: string; text: string }, model: Model, application: Application) {
    if (!/json/.test(type) || !/"model"\s*:\s*""/.test(text)) return text
    const parsed = readJson(text)
    const value = 'value' in parsed ? parsed.value : undefined
    if (typeof value !== 'object' || value === null || (value as { model?: unknown }).model !== '') return text
    const id = model.model_id ?? (await modelIdOf(model, application))
    return id === undefined ? text : JSON.stringify({ ...value, model: id })
  }
}

/** Checks the final URL: the origin of the product, at a path that its mapping rules accept. */
function isAllowedTarget(
  model: Model,
  rules: MappingRule[],
  { method, url }: PreparedRequest,
  { body }: TryItRequest,
): boolean {
  const endpoint = new URL(model.endpoint)
  const base = endpoint.pathname.replace(/\/$/, '')
  if (url.origin !== endpoint.origin || !url.pathname.startsWith(base)) return false
  const form = body?.type.includes('x-www-form-urlencoded') ? [...new URLSearchParams(body.text)] : []
  return acceptsRequest(
    rules,
    method,
    url.pathname.slice(base.length),
    new URLSearchParams([...url.searchParams, ...form]),
  )
}
