import { readJson } from './bounded-json.js'

/** characters of an id that a client sends */
const LONGEST_ID = 255

export interface ListedModel {
  id: string | undefined
  contextLength: unknown
  /** what it is called for, where the server says so */
  type: 'chat' | 'embedding' | 'rerank' | undefined
}

/**
 * An entry of what an OpenAI-compatible server answers to `GET /v1/models`: the one of the id `preferred`, else the first. Whatever
 * is odd is left out.
 */
export function firstModel(text: string, preferred?: string): ListedModel | undefined {
  const entries = entriesOf(text)
  const meant = entries?.find(
    (entry) => preferred !== undefined && (entry as { id?: unknown } | null)?.id === preferred,
  )
  const first = meant ?? entries?.[0]
  if (typeof first !== 'object' || first === null) return undefined
  const { id, max_model_len, capabilities } = first as Record<string, unknown>
  return { id: idIn(id), contextLength: max_model_len, type: typeIn(capabilities) }
}

/** Whether the answer says that the server has no such list; the gateway's own 404 says nothing of the server. */
export function hasNoList({ status, text }: { status: number; text: string }): boolean {
  return [404, 405, 501].includes(status) && !/no mapping rule/i.test(text)
}

/**
 * `{"completion_chat": true}` (Mistral's API) or `["embed"]` (michaelfeil/infinity, fastapi_schemas). vLLM's list does not
 * tell what a model is for.
 */
function typeIn(capabilities: unknown): ListedModel['type'] {
  if (Array.isArray(capabilities)) {
    if (capabilities.includes('embed')) return 'embedding'
    return capabilities.includes('rerank') ? 'rerank' : undefined
  }
  const chats = (capabilities as { completion_chat?: unknown } | null | undefined)?.completion_chat === true
  return chats ? 'chat' : undefined
}

/** Every id that such a server lists; undefined where the answer is no such list. */
export function modelIds(text: string): string[] | undefined {
  return entriesOf(text)
    ?.map((entry) => idIn((entry as { id?: unknown } | null)?.id))
    .filter((id) => id !== undefined)
}

function idIn(id: unknown): string | undefined {
  return typeof id === 'string' && id.length <= LONGEST_ID ? id : undefined
}

function entriesOf(text: string): unknown[] | undefined {
  const read = readJson(text)
  const answer = 'value' in read ? read.value : undefined
  const data = typeof answer === 'object' && answer !== null ? (answer as { data?: unknown }).data : undefined
  return Array.isArray(data) ? data : undefined
}
