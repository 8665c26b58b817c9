import { setTimeout as sleep } from 'node:timers/promises'
import { firstModel } from '../../clients/model-list.js'
import { isProblem } from '../../errors.js'
import type { Model } from '../models/schemas.js'
import { saidBy, wordsFor } from './answers.js'
import type { Call, ModelCalls } from './model-calls.js'
import type { Application } from './schemas.js'

export interface TrialDeps {
  calls: Pick<ModelCalls, 'call'>
  /** keeps what `GET /v1/models` told for a product */
  learnModelId(systemName: string, id: unknown, contextLength: unknown): Promise<void>
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
export function createTrial({ calls, learnModelId }: TrialDeps) {
  return {
    /**
     * Asks the model server for its id, best effort: what goes wrong leaves the model without one, and the page then shows
     * code that asks /v1/models itself. Who waits here does so for a moment; an answer that comes later is kept all the same.
     */
    async learn(model: Model, application: Application): Promise<void> {
      const asked = askModelId(model, application).catch(() => {})
      await Promise.race([asked, sleep(MOMENT_MS, undefined, { ref: false })])
    },

    /** The id to send, as the model server tells it; undefined where it does not. Rejects with gateway_unavailable. */
    modelIdOf: askModelId,

    /** Never rejects: what went wrong is told in words. `application` carries its secrets. */
    async run(model: Model, application: Application): Promise<TestResult> {
      if (application.state !== 'live') return refusedBeforehand(application.state)
      try {
        const modelId = model.model_id ?? (await askModelId(model, application))
        const call = sample(model, modelId)
        if (!call)
          return nothing('This product maps no path that can be tried without knowing its service. Use the code below.')
        const answer = await calls.call(model, application, call)
        const { status, ms } = answer
        const ok = status >= 200 && status < 300
        return { ok, status, ms, words: wordsFor(answer), answer: ok ? saidBy(answer) : answer.text.slice(0, 600) }
      } catch (error) {
        if (isProblem(error, 'gateway_unavailable')) return nothing(error.message)
        if (isProblem(error)) return nothing(`The call could not be made: ${error.message}`)
        return nothing(
          'The endpoint did not answer in time. Its gateway or model server may be down; try again in a minute.',
        )
      }
    },
  }

  async function askModelId(model: Model, application: Application): Promise<string | undefined> {
    const list = model.paths.find((path) => path.method === 'GET' && /\/models\$?$/.test(path.path))
    if (!list) return undefined
    const answer = await calls.call(model, application, { method: 'GET', path: clean(list.path) })
    if (answer.status !== 200) return undefined
    const first = firstModel(answer.text)
    if (first) await learnModelId(model.system_name, first.id, first.contextLength)
    return typeof first?.id === 'string' ? first.id : undefined
  }
}

interface Sample {
  path: RegExp
  body: Record<string, unknown>
}

/** The smallest useful call of each type; speech in needs a recording, so its model list is asked instead. */
function sample(model: Model, modelId: string | undefined): Call | undefined {
  const bodies: Record<string, Sample | undefined> = {
    chat: {
      path: /chat\/completions\$?$/,
      body: { messages: [{ role: 'user', content: 'Say hello in five words.' }], max_tokens: 32 },
    },
    completion: { path: /(?<!chat)\/completions\$?$/, body: { prompt: 'San Francisco is a', max_tokens: 16 } },
    embedding: { path: /\/embeddings\$?$/, body: { input: ['Hello'], encoding_format: 'float' } },
    rerank: { path: /\/rerank\$?$/, body: { query: 'capital of France', documents: ['Paris', 'Berlin'] } },
    image: { path: /\/images\/generations\$?$/, body: { prompt: 'a small red square', response_format: 'b64_json' } },
    text_to_speech: { path: /\/audio\/speech\$?$/, body: { input: 'Hello', voice: 'alloy' } },
  }
  const wanted = bodies[model.type]
  const mapped = wanted && model.paths.find((path) => path.method === 'POST' && wanted.path.test(path.path))
  if (wanted && mapped) {
    return {
      method: 'POST',
      path: clean(mapped.path),
      body: { ...(modelId ? { model: modelId } : {}), ...wanted.body },
    }
  }
  const readable = model.paths.find((path) => path.method === 'GET' && !path.path.includes('{') && path.path !== '/')
  if (readable) return { method: 'GET', path: clean(readable.path) }
  const post = model.paths.find((path) => path.method === 'POST' && !path.path.includes('{'))
  return post && model.type === 'custom' ? { method: 'POST', path: clean(post.path), body: {} } : undefined
}

function clean(path: string): string {
  return path.replace(/\$$/, '').split('?')[0] ?? '/'
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
