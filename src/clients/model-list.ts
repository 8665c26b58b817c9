export interface ListedModel {
  id: unknown
  contextLength: unknown
  /** what it is called for, where the server says so */
  type: 'chat' | 'embedding' | 'rerank' | undefined
}

/** The first entry of what an OpenAI-compatible server answers to `GET /v1/models`; whatever is odd is left out. */
export function firstModel(text: string): ListedModel | undefined {
  const first = entriesOf(text)?.[0]
  if (typeof first !== 'object' || first === null) return undefined
  const { id, max_model_len, capabilities } = first as Record<string, unknown>
  return { id, contextLength: max_model_len, type: typeIn(capabilities) }
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
    ?.map((entry) => (entry as { id?: unknown } | null)?.id)
    .filter((id) => typeof id === 'string')
}

function entriesOf(text: string): unknown[] | undefined {
  try {
    const answer: unknown = JSON.parse(text)
    const data = typeof answer === 'object' && answer !== null ? (answer as { data?: unknown }).data : undefined
    return Array.isArray(data) ? data : undefined
  } catch {
    return undefined
  }
}
