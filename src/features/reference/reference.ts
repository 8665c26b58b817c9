import type { Readable } from 'node:stream'
import { readJson } from '../../clients/bounded-json.js'
import { hide } from '../../clients/secrets.js'
import type { BackendPath, MappingRule } from '../../clients/threescale/nouns.js'
import { letsThrough } from '../../clients/threescale/patterns.js'
import { problem } from '../../errors.js'
import type { Caller } from '../../web/caller.js'
import type { Prepared } from '../applications/model-calls.js'
import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import type { SpecRef } from '../models/snapshot.js'
import type { PlaygroundDeps } from '../playground/playground.js'
import { type Answer, readAnswer } from './answer.js'
import { mountsIn, type Placed, placedOnce } from './placed.js'
import type { Reference } from './shapes.js'
import { createReferenceSource, type ReferenceReader } from './source.js'
import { type Wanted, wantedOf } from './wanted.js'

export interface ReferenceDeps
  extends Pick<PlaygroundDeps, 'applications' | 'calls' | 'places' | 'modelIdOf' | 'wordsFor'> {
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
    open(request: Prepared & { signal: AbortSignal; headMs: number }): Promise<{
      status: number
      headers: Record<string, string>
      body: Readable
    }>
  }
  /** the longest that an answer may take */
  longestMs?: number
}

export interface Shown {
  model: Model
  reference: Reference
  operations: Placed[]
  staleSeconds: number | undefined
}

export type References = ReturnType<typeof createReferences>

/**
 * How a product is called: from the uploaded spec, else made from its type and mapping rules; and calls as somebody typed
 * them, through their own application, to the product's own endpoint alone. Nothing of a call is kept.
 */
export function createReferences(deps: ReferenceDeps) {
  const { models, applications, calls, gateway, places, modelIdOf, wordsFor, longestMs = 60_000 } = deps
  const referenceFor = createReferenceSource({ readSpec: models.readSpec, documents: deps.documents })

  return {
    read: find,

    /** The caller's applications of a model, live ones first. One call to 3scale. */
    async applicationsOf(caller: Caller, model: Model): Promise<Application[]> {
      const mine = (await applications.list(caller)).filter((each) => each.model === model.system_name)
      return mine.sort((a, b) => Number(b.state === 'live') - Number(a.state === 'live'))
    },

    /**
     * One call as the form says. One or two calls to 3scale. Rejects with not_found (operation, application),
     * invalid_fields, too_many_requests, gateway_unavailable.
     */
    async send(
      caller: Caller,
      systemName: string,
      values: Record<string, string>,
      signal: AbortSignal,
    ): Promise<{ answer: Answer; words: string }> {
      const { model, rules, operations } = await find(systemName, caller)
      const operation = operations.find(({ id }) => id === values.operation)
      if (!operation || operation.against) throw problem('not_found')
      const wanted = wantedOf(operation, values)
      const { application } = await applications.read(caller, wanted.application, { reveal: true })
      if (application.model !== model.system_name) throw problem('not_found')
      const done = places.take(caller)
      const started = performance.now()
      const ended = AbortSignal.any([signal, AbortSignal.timeout(longestMs)])
      try {
        const prepared = await prepare(model, application, operation, wanted)
        if (!staysWithin(model, rules, prepared, wanted))
          throw problem('invalid_fields', {
            fields: { form: 'The gateway rejects a call with these values: no mapping rule matches it.' },
          })
        const opened = await gateway.open({ ...prepared, signal: ended, headMs: longestMs * 0.9 })
        const read = await readAnswer(opened, {
          signal: ended,
          ms: () => Math.round(performance.now() - started),
        })
        const answer = { ...read, text: hide(read.text, prepared.secrets) }
        return { answer, words: wordsFor({ ...opened, text: answer.text }, model) }
      } finally {
        done()
      }
    },
  }

  async function find(systemName: string, caller: Caller | undefined): Promise<Shown & { rules: MappingRule[] }> {
    const { model, rules, spec, backends, ageSeconds, stale } = await models.find(systemName, caller)
    const mounts = mountsIn(model, backends)
    const reference = await referenceFor(model, rules, mounts, spec)
    const operations = placedOnce(model, rules, mounts, reference)
    return { model, rules, reference, operations, staleSeconds: stale ? ageSeconds : undefined }
  }

  async function prepare(
    model: Model,
    application: Application,
    { method }: Placed,
    { path, query, headers, body }: Wanted,
  ): Promise<Prepared> {
    const search = query.length > 0 ? `?${new URLSearchParams(query)}` : ''
    const raw = body && { ...body, text: await withModelId(body, model, application) }
    return calls.prepare(model, application, { method, path: path + search, headers, raw })
  }

  /** An empty `model` is filled in, as the page says; JSON that is too deep to be written again goes out as it was typed. */
  async function withModelId({ type, text }: { type: string; text: string }, model: Model, application: Application) {
    if (!/json/.test(type) || !/"model"\s*:\s*""/.test(text)) return text
    const read = readJson(text)
    const value = 'value' in read ? read.value : undefined
    if (typeof value !== 'object' || value === null || (value as { model?: unknown }).model !== '') return text
    const id = model.model_id ?? (await modelIdOf(model, application))
    return id === undefined ? text : JSON.stringify({ ...value, model: id })
  }
}

/** The very address that is about to be asked: the product's own, at a path that its mapping rules let through. */
function staysWithin(model: Model, rules: MappingRule[], { method, url }: Prepared, { body }: Wanted): boolean {
  const endpoint = new URL(model.endpoint)
  const base = endpoint.pathname.replace(/\/$/, '')
  if (url.origin !== endpoint.origin || !url.pathname.startsWith(base)) return false
  const form = body?.type.includes('x-www-form-urlencoded') ? [...new URLSearchParams(body.text)] : []
  return letsThrough(
    rules,
    method,
    url.pathname.slice(base.length),
    new URLSearchParams([...url.searchParams, ...form]),
  )
}
