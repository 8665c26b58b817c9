import { clientName, codeView, createHighlighter, withGroups } from '../../web/pages/syntax-highlighting.js'
import type { Snippet } from '../snippets/schemas.js'
import { conversationTooLong } from './messages.js'

type Client = Pick<Snippet, 'client' | 'group' | 'label'>
export type CodeView = ReturnType<typeof conversationCodeView>

/** Maximum length of a conversation that is shown as code. */
export const MAX_CODE_CHARACTERS = 32_000

/** The requested client, else the one shown before, else the first. */
export function selectClient(values: Record<string, string>, clients: Client[]): Client | undefined {
  const candidates = [values.as, values.client].map((name) => clients.find(({ client }) => client === name))
  return candidates.find((client) => client !== undefined) ?? clients[0]
}

/**
 * A conversation as the code of one client, with the other clients as choices. It contains user input and is therefore not
 * cached. `snippet` is undefined if the conversation is too long.
 */
export function conversationCodeView(clients: Client[], selected: Client | undefined, snippet: Snippet | undefined) {
  return {
    client: selected?.client ?? '',
    groups: withGroups(clients)
      .filter(({ groupStarts }) => groupStarts)
      .map(({ group, client }) => ({ name: group, client, selected: group === selected?.group })),
    clients: clients
      .filter(({ group }) => group === selected?.group)
      .map((each) => ({ ...each, selected: each.client === selected?.client })),
    tooLongMessage: snippet ? '' : conversationTooLong(MAX_CODE_CHARACTERS),
    block: snippet && {
      ...codeView(snippet, { highlight: createHighlighter(), cache: false }),
      alternativeLabel: clientName(clients.find(({ client }) => client === snippet.alternative)),
    },
  }
}
