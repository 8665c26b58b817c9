import type { Model, ModelType } from '../models/schemas.js'
import { type Call, callOf, modelListUrl, needsModelId } from './calls.js'
import type { Carrier } from './carriers.js'

/** All that a template is told: what to call, with which credential, and what is special. */
export interface Scene {
  model: Model
  call: Call
  carrier: Carrier
  /** undefined for services that know no `model` */
  modelId: string | undefined
  /** true: nothing has told the id yet, so the code asks the model server and says so */
  asks: boolean
  listUrl: string
  caFile: string | undefined
  /** true: a limit of an hour or more exists, for which openai for JavaScript would wait until it ends */
  longLimits: boolean
  /** true: values stand in the text itself, because the reader of the file has no environment */
  inline: boolean
}

/** One client library or tool. Its file holds the template; everything else about it is data. */
export interface Client {
  client: string
  group: 'Shell' | 'Python' | 'JavaScript' | 'Tools'
  label: string
  language: 'bash' | 'python' | 'javascript' | 'ini' | 'json' | 'yaml'
  /** what to install, or what to know */
  note?: string | ((scene: Scene) => string)
  filename?: (model: Model) => string
  limits: Limits
  write(scene: Scene): string
  /** the code as a shell runs it once the variables are set; without it the values are written into the text */
  inShell?: (code: string) => string
}

export interface Limits {
  /** types that the client knows; all where it is left out */
  types?: ModelType[]
  /** false: only the usual path of a type, no address of its own */
  anyPath?: false
  /** how it cannot send a credential */
  cannotSend?: Carrier['kind'][]
  /** true: parameters of the query are percent-encoded on the way */
  encodesQuery?: true
  /** what comes nearest, best first */
  nearest: string[]
}

const LONG = new Set(['hour', 'day', 'week', 'month', 'year'])

export function sceneOf(
  model: Model,
  carrier: Carrier,
  { caFile, body, inline }: { caFile: string | undefined; body: Record<string, unknown> | undefined; inline: boolean },
): Scene {
  const call = callOf(model, body)
  const named = needsModelId(model)
  return {
    model,
    call,
    carrier,
    modelId: named ? (model.model_id ?? undefined) : undefined,
    asks: named && model.model_id === null,
    listUrl: modelListUrl(model, call),
    caFile,
    longLimits: model.plans.some(({ limits }) => limits === null || limits.some(({ period }) => LONG.has(period))),
    inline,
  }
}

/** Said wherever the code asks for the id. */
export const ASKED = 'The id of this model is not known to the portal, so the model server is asked for it first.'
