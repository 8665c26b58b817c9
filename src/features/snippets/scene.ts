import { callOf, type ExampleCall, modelIdOrigin, modelListPath } from '../../model-calls/example-calls.js'
import type { Model, ModelType } from '../models/schemas.js'
import type { Carrier } from './carriers.js'
import type { Reader } from './readers.js'

/** All that a template is given: what to call, with which credential, and what is special. */
export interface Scene {
  model: Model
  call: ExampleCall
  carrier: Carrier
  /** what stands in the code; undefined where the call takes none, or where the code asks for it */
  modelId: string | undefined
  /** true: the id is not known, so the code asks the model server and says so */
  asks: boolean
  listUrl: string
  /** sentences on what the reader has to fill in before the code runs */
  gaps: string[]
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
  language: 'bash' | 'powershell' | 'dos' | 'python' | 'javascript' | 'ini' | 'json' | 'yaml'
  /** what to install, or what to know */
  note?: string | ((scene: Scene) => string)
  filename?: (model: Model) => string
  limits: Limits
  /** what reads the code on its way to the program, first to last: each may take a part of it for its own */
  readers: Reader[]
  write(scene: Scene): string
  /** the code as a shell runs it once the variables are set; without it the values are written into the text */
  inShell?: (code: string) => string
  /** the lines that set the variables, in a shell other than bash */
  exports?: (carrier: Carrier) => string[]
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
  /** false: it cannot read the id of the model, or a token, from an answer */
  asks?: false
  /** characters that the program takes as one command */
  longest?: number
  /** what comes nearest, best first */
  nearest: string[]
}

const LONG = new Set(['hour', 'day', 'week', 'month', 'year'])

/** Stands in the code where the id is not known and the gateway lets nobody ask for it. */
export const MODEL_ID = 'MODEL_ID'

export function sceneOf(
  model: Model,
  carrier: Carrier,
  { caFile, body, inline }: { caFile: string | undefined; body: Record<string, unknown> | undefined; inline: boolean },
): Scene {
  const call = callOf(model, body)
  const origin = modelIdOrigin(model)
  return {
    model,
    call,
    carrier,
    modelId: { known: model.model_id ?? undefined, open: MODEL_ID, listed: undefined, none: undefined }[origin],
    asks: origin === 'listed',
    listUrl: model.endpoint + (modelListPath(model) ?? ''),
    gaps: [
      ...call.placeholders.map((name) => `Replace ${name} in the address: its value depends on who calls.`),
      ...(origin === 'open' ? [OPEN] : []),
    ],
    caFile,
    longLimits: model.plans.some(({ limits }) => limits === null || limits.some(({ period }) => LONG.has(period))),
    inline,
  }
}

/** Stated wherever the code asks for the id. */
export const ASKED = 'The id of this model is not known to the portal, so the model server is asked for it first.'
const OPEN = `Replace ${MODEL_ID} by the id of the model: it is not known to the portal, and the gateway does not let through a request for the list of models.`
