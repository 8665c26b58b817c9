import type { Snippet } from '../../src/features/snippets/schemas.js'
import { createSnippets } from '../../src/features/snippets/snippets.js'
import type { Cell } from './matrix.js'
import { environmentOf } from './runners.js'

/** The snippets of one client that can send the request, each with its cell. */
export function able(client: string, cells: Cell[]) {
  return cells.flatMap((cell) => {
    const snippet = codeOf(cell, client)
    return snippet && !snippet.alternative ? [{ cell, snippet, env: environmentOf(cell) }] : []
  })
}

/** The same cells without a known model id: the code then requests it. */
export function asking(cells: Cell[]): Cell[] {
  return cells.map((cell) => {
    const model = { ...cell.model, model_id: null }
    return { ...cell, model, snippets: createSnippets().forModel(model, { credentials: cell.application.credentials }) }
  })
}

/** Each credential mode and each type once, for texts that take longer to run. */
export function few(cells: Cell[]): Cell[] {
  return cells.filter(({ way, type }) => way === 'key-bearer' || type === 'chat')
}

export function codeOf({ snippets }: Pick<Cell, 'snippets'>, client: string): Snippet | undefined {
  return snippets.find((one) => one.client === client)
}

/** A conversation as the playground sends it, complete and as a stream. */
export const conversations = [false, true].map((stream) => ({
  messages: [
    { role: 'system', content: "It's short." },
    { role: 'user', content: 'Say "hi" to $HOME' },
  ],
  temperature: 0.5,
  max_tokens: 20,
  ...(stream ? { stream } : {}),
}))

/** The model's answer in the output of a program; some print a stream as it arrives. */
export function saidIn(out: string): string {
  const streamed = out.replace(/"delta":\{"content":"((?:[^"\\]|\\.)*)"|[\s\S]/g, '$1')
  return (streamed || out).replaceAll('\\"', '"')
}
