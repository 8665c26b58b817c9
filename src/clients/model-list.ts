/** The first entry of what an OpenAI-compatible server answers to `GET /v1/models`; whatever is odd is left out. */
export function firstModel(text: string): { id: unknown; contextLength: unknown } | undefined {
  const first = entriesOf(text)?.[0]
  if (typeof first !== 'object' || first === null) return undefined
  const { id, max_model_len } = first as { id?: unknown; max_model_len?: unknown }
  return { id, contextLength: max_model_len }
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
