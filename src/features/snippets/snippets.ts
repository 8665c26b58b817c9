import { LRUCache } from 'lru-cache'
import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { unsupportedReason } from './client-support.js'
import { clients } from './clients.js'
import { credentialTransport, isRevealed } from './credential-transport.js'
import { unsupported } from './messages.js'
import type { Snippet } from './schemas.js'
import { type SnippetClient, type SnippetContext, snippetContext } from './snippet-context.js'
import { verification } from './verification.js'

export interface SnippetOptions {
  /** credentials of an application, at its owner's request */
  credentials?: Partial<Application['credentials']>
  /** only this client */
  only?: string
  /** the body to send instead of the example, without the model id */
  body?: Record<string, unknown>
}

/** Models whose snippets are cached. A refreshed model is a different object. */
const MAX_CACHED_MODELS = 300

/** Code to paste for a model, with a key if its owner requests it. One file per client; nothing is stored. */
export function createSnippets({ caFile }: { caFile?: string | undefined } = {}) {
  const cache = new LRUCache<Model, Snippet[]>({ max: MAX_CACHED_MODELS })

  return {
    /** The selectable clients, in display order. */
    clients: clients.map(({ client, group, label }) => ({ client, group, label })),

    forModel(model: Model, options: SnippetOptions = {}): Snippet[] {
      if (Object.keys(options).length > 0) return renderAll(model, options)
      const snippets = cache.get(model) ?? renderAll(model, options)
      cache.set(model, snippets)
      return snippets
    },
  }

  function renderAll(model: Model, { credentials = {}, only, body }: SnippetOptions): Snippet[] {
    const context = snippetContext(model, credentialTransport(model, credentials), { caFile, body, inline: false })
    return clients
      .filter(({ client }) => only === undefined || client === only)
      .map((each) => renderSnippet(each, context))
  }
}

export type Snippets = ReturnType<typeof createSnippets>

function renderSnippet(client: SnippetClient, context: SnippetContext): Snippet {
  const { group, label, language, filename } = client
  const shared = {
    client: client.client,
    group,
    label,
    language,
    verification: verification[client.client] ?? 'parsed',
  }
  const reason = unsupportedReason(client, context)
  if (reason) return { ...shared, code: '', ...alternativeTo(client, context, reason) }
  const clientNote = typeof client.note === 'function' ? client.note(context) : client.note
  const note = [...(clientNote ? [clientNote] : []), ...context.instructions].join(' ')
  return {
    ...shared,
    code: client.render(context),
    ...(isRevealed(context.transport) ? { with_key: withKey(client, context) } : {}),
    ...(note ? { note } : {}),
    ...(filename ? { filename: filename(context.model) } : {}),
  }
}

/** curl supports every call, so an alternative always exists. */
function alternativeTo(
  { limits }: SnippetClient,
  context: SnippetContext,
  reason: string,
): Pick<Snippet, 'note' | 'alternative'> {
  const able = [...limits.alternatives, 'curl']
    .map((name) => clients.find(({ client }) => client === name))
    .find((candidate) => candidate && unsupportedReason(candidate, context) === undefined)
  const name =
    able && (able.group === 'Python' || able.group === 'JavaScript') ? `${able.group} with ${able.label}` : able?.label
  return { note: unsupported.alternative(reason, name), alternative: able?.client ?? 'curl' }
}

/** The code as shown, with lines in the same language that set the variables. Code that reads no variables contains the key. */
function withKey({ variableLines, render }: SnippetClient, context: SnippetContext): string {
  if (variableLines) return afterImports(render(context), variableLines(context.transport))
  return render({ ...context, inline: true })
}

/** Inserts lines after the imports at the top of the code, or before the code if there are none. */
function afterImports(code: string, inserted: string[]): string {
  const lines = code.split('\n')
  const end = lines.findIndex((line) => !/^(?:import|from) /.test(line))
  if (end <= 0) return [...inserted, code].join('\n')
  const rest = lines.slice(lines[end] === '' ? end + 1 : end)
  return [...lines.slice(0, end), '', ...inserted, ...rest].join('\n')
}
