import { readJson } from '../../infra/bounded-json.js'

const MAX_ID_CHARACTERS = 255

export interface ServedModel {
  id: string | undefined
  contextLength: unknown
  /** if the server reports it */
  type: 'chat' | 'embedding' | 'rerank' | undefined
  format?: ServerFormat
}

/** A server with a request format of its own. */
type ServerFormat = 'tei' | 'tgi'

/**
 * A model in the response of an OpenAI-compatible server to `GET /v1/models`: the one with the id `preferred`, else the first. Also reads
 * the responses of TEI and TGI to `GET /info` and of Ollama to `GET /api/tags`. Members of unexpected types are ignored.
 */
export function firstModel(text: string, preferred?: string): ServedModel | undefined {
  const entries = entriesOf(text)
  const meant = entries?.find(
    (entry) => preferred !== undefined && (entry as { id?: unknown } | null)?.id === preferred,
  )
  const first = meant ?? entries?.[0]
  if (typeof first !== 'object' || first === null) return infoIn(text)
  const { id, max_model_len, capabilities } = first as Record<string, unknown>
  return { id: idIn(id), contextLength: max_model_len, type: typeIn(capabilities) }
}

/**
 * Whether the answer shows that the server has no such list. The default 404 of a gateway says nothing about the server;
 * other texts of a product's gateway are known to `refusalOf` of `applications/answers.ts`.
 */
export function hasNoList({ status, text }: { status: number; text: string }): boolean {
  return [404, 405, 501].includes(status) && !/no mapping rule/i.test(text)
}

/** `{"model_id":"…","model_type":{"reranker":{}},"max_input_length":512}` of TEI, `{"model_id":"…","router":"text-generation-router"}` of TGI. */
function infoIn(text: string): ServedModel | undefined {
  const info = objectIn(text)
  const id = idIn(info?.model_id)
  if (!info || id === undefined) return firstTag(info?.models)
  const kind = Object.keys(typeof info.model_type === 'object' && info.model_type !== null ? info.model_type : {})[0]
  const isTei = kind === 'embedding' || kind === 'reranker' || kind === 'classifier'
  const isTgi = info.router === 'text-generation-router'
  return {
    id,
    contextLength: info.max_input_length ?? info.max_total_tokens,
    type: kind === 'embedding' ? kind : kind === 'reranker' ? 'rerank' : undefined,
    ...(isTei ? { format: 'tei' } : isTgi ? { format: 'tgi' } : {}),
  }
}

/** `{"models":[{"name":"llama3.2:latest"}]}` of Ollama. */
function firstTag(models: unknown): ServedModel | undefined {
  const first: unknown = Array.isArray(models) ? models[0] : undefined
  if (typeof first !== 'object' || first === null) return undefined
  const { name, model } = first as Record<string, unknown>
  const id = idIn(model) ?? idIn(name)
  return id === undefined ? undefined : { id, contextLength: undefined, type: undefined }
}

/**
 * `{"completion_chat": true}` (Mistral's API) or `["embed"]` (michaelfeil/infinity, fastapi_schemas). vLLM's list does not
 * report types.
 */
function typeIn(capabilities: unknown): ServedModel['type'] {
  if (Array.isArray(capabilities)) {
    if (capabilities.includes('embed')) return 'embedding'
    return capabilities.includes('rerank') ? 'rerank' : undefined
  }
  const chats = (capabilities as { completion_chat?: unknown } | null | undefined)?.completion_chat === true
  return chats ? 'chat' : undefined
}

/** All listed ids; undefined if the response is not a model list. */
export function modelIds(text: string): string[] | undefined {
  return entriesOf(text)
    ?.map((entry) => idIn((entry as { id?: unknown } | null)?.id))
    .filter((id) => id !== undefined)
}

function idIn(id: unknown): string | undefined {
  return typeof id === 'string' && id.length <= MAX_ID_CHARACTERS ? id : undefined
}

function entriesOf(text: string): unknown[] | undefined {
  const data = objectIn(text)?.data
  return Array.isArray(data) ? data : undefined
}

function objectIn(text: string): Record<string, unknown> | undefined {
  const read = readJson(text)
  const answer = 'value' in read ? read.value : undefined
  return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : undefined
}
