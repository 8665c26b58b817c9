import { type ExampleCall, exampleCall, modelIdSource, modelListPath } from '../../model-calls/example-calls.js'
import type { Model, ModelType } from '../models/schemas.js'
import type { CredentialTransport } from './credential-transport.js'
import type { Interpreter } from './interpreters.js'
import { instructions as messages } from './messages.js'

/** The input of a client's template: the call, the credential, and particularities. */
export interface SnippetContext {
  model: Model
  call: ExampleCall
  transport: CredentialTransport
  /** the id in the code; undefined if the call takes none, or if the code queries it */
  modelId: string | undefined
  /** true: the id is unknown, so the code queries the model server */
  queriesModelId: boolean
  listUrl: string
  /** what the reader must replace before the code runs */
  instructions: string[]
  caFile: string | undefined
  /** true: a limit of an hour or more exists, for which openai for JavaScript would wait until it is reset */
  longLimits: boolean
  /** true: the code contains the values, because the program has no environment */
  inline: boolean
}

/** A client library or tool: the template, and data about the client. */
export interface SnippetClient {
  client: string
  group: 'Shell' | 'Python' | 'JavaScript' | 'Tools'
  label: string
  language: 'bash' | 'powershell' | 'dos' | 'python' | 'javascript' | 'ini' | 'json' | 'yaml'
  /** what to install, or what to know */
  note?: string | ((context: SnippetContext) => string)
  filename?: (model: Model) => string
  limits: ClientLimits
  /** the interpreters that the code passes on its way to the program, in order */
  interpreters: Interpreter[]
  render(context: SnippetContext): string
  /** lines in the language of the code that set the variables it reads; without them, the code contains the values */
  variableLines?: (transport: CredentialTransport) => string[]
}

export interface ClientLimits {
  /** supported model types; all by default */
  types?: ModelType[]
  /** false: supports only the standard path of a type */
  anyPath?: false
  /** credential transports that it does not support */
  cannotSend?: CredentialTransport['kind'][]
  /** true: it percent-encodes query parameters */
  encodesQuery?: true
  /** false: it cannot read the model id, or a token, from a response */
  queriesModelId?: false
  /** limit of characters in one command */
  maxLength?: number
  /** the clients to use instead, best first */
  alternatives: string[]
}

const LONG_PERIODS = new Set(['hour', 'day', 'week', 'month', 'year'])

/** Placeholder in the code if the id is unknown and the gateway does not accept a request for the list. */
export const MODEL_ID = 'MODEL_ID'

export function snippetContext(
  model: Model,
  transport: CredentialTransport,
  { caFile, body, inline }: { caFile: string | undefined; body: Record<string, unknown> | undefined; inline: boolean },
): SnippetContext {
  const call = exampleCall(model, body)
  const origin = modelIdSource(model)
  return {
    model,
    call,
    transport,
    modelId: { known: model.model_id ?? undefined, open: MODEL_ID, listed: undefined, none: undefined }[origin],
    queriesModelId: origin === 'listed',
    listUrl: model.endpoint + (modelListPath(model) ?? ''),
    instructions: [
      ...call.placeholders.map((name) => messages.placeholder(name)),
      ...(origin === 'open' ? [messages.modelId(MODEL_ID)] : []),
    ],
    caFile,
    longLimits: model.plans.some(
      ({ limits }) => limits === null || limits.some(({ period }) => LONG_PERIODS.has(period)),
    ),
    inline,
  }
}
