import type { Usage } from './mapping.js'

const LIMIT = 2_000_000

/** Reads `usage` of an OpenAI answer as it passes, whole or streamed; what the server does not tell is not counted. */
export function tokenCounter() {
  let text = ''
  return {
    add(chunk: Buffer): void {
      if (text.length < LIMIT) text += chunk.toString('utf8')
    },
    usage(): Usage | undefined {
      const documents = text.startsWith('data:')
        ? text
            .split('\n')
            .filter((line) => line.startsWith('data: {'))
            .map((line) => line.slice(6))
        : [text]
      const found = documents.map(read).filter((usage) => usage !== undefined)
      const last = found.at(-1)
      if (!last) return undefined
      const pairs = (['prompt_tokens', 'completion_tokens', 'total_tokens'] as const).map(
        (name) => [name, Number(last[name] ?? 0)] as const,
      )
      const used = pairs.filter(([, amount]) => amount > 0)
      return used.length === 0 ? undefined : Object.fromEntries(used)
    },
  }
}

function read(text: string): Record<string, unknown> | undefined {
  try {
    return (JSON.parse(text) as { usage?: Record<string, unknown> | null }).usage ?? undefined
  } catch {
    return undefined
  }
}
