import { codeView, createHighlight, nameOf } from '../../web/code.js'
import { number } from '../../web/words.js'
import type { Snippet } from '../snippets/schemas.js'

type Client = Pick<Snippet, 'client' | 'group' | 'label'>
export type CodeView = ReturnType<typeof conversationCode>

/** Characters of a conversation that is shown as code. */
export const MOST_AS_CODE = 32_000

/** The client that was asked for, else the one that was shown before, else the first. */
export function clientIn(values: Record<string, string>, clients: Client[]): Client | undefined {
  const named = [values.as, values.client].map((name) => clients.find(({ client }) => client === name))
  return named.find((client) => client !== undefined) ?? clients[0]
}

/**
 * A conversation as the code of one client, with the others to choose from. It holds what somebody wrote, so no copy is
 * cached; `snippet` is undefined where the conversation is too long.
 */
export function conversationCode(clients: Client[], chosen: Client | undefined, snippet: Snippet | undefined) {
  return {
    client: chosen?.client ?? '',
    clients: clients.map((each, index) => ({
      ...each,
      chosen: each.client === chosen?.client,
      groupStarts: each.group !== clients[index - 1]?.group,
    })),
    tooLong: snippet
      ? ''
      : `This conversation is too long to be shown as code: it has more than ${number(MOST_AS_CODE)} characters. Start a new conversation, or shorten the system prompt and the message.`,
    block: snippet && {
      ...codeView(snippet, { highlight: createHighlight(), cache: false }),
      nearestLabel: nameOf(clients.find(({ client }) => client === snippet.nearest)),
    },
  }
}
