import { LRUCache } from 'lru-cache'
import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { carrierOf, isRevealed } from './carriers.js'
import { clients } from './clients.js'
import { shellQuoted } from './languages/escape.js'
import { exportsOf } from './languages/shell.js'
import { reasonAgainst } from './limits.js'
import { proofs } from './proofs.js'
import { type Client, type Scene, sceneOf } from './scene.js'
import type { Snippet } from './schemas.js'

export interface SnippetOptions {
  /** of an application whose owner asked to see them */
  credentials?: Partial<Application['credentials']>
  /** one client alone */
  only?: string
  /** what to send instead of the example, without the model id */
  body?: Record<string, unknown>
}

/** models whose code without a key is kept; a refreshed model is another object */
const KEPT = 300

/** Code to paste, from a model and, where its owner asked to see it, a key. One file per client; no key is kept. */
export function createSnippets({ caFile }: { caFile?: string | undefined } = {}) {
  const kept = new LRUCache<Model, Snippet[]>({ max: KEPT })

  return {
    /** What people choose from, in the order in which they see it. */
    clients: clients.map(({ client, group, label }) => ({ client, group, label })),

    forModel(model: Model, options: SnippetOptions = {}): Snippet[] {
      if (Object.keys(options).length > 0) return writeAll(model, options)
      const known = kept.get(model) ?? writeAll(model, options)
      kept.set(model, known)
      return known
    },
  }

  function writeAll(model: Model, { credentials = {}, only, body }: SnippetOptions): Snippet[] {
    const scene = sceneOf(model, carrierOf(model, credentials), { caFile, body, inline: false })
    return clients.filter(({ client }) => only === undefined || client === only).map((each) => write(each, scene))
  }
}

export type Snippets = ReturnType<typeof createSnippets>

function write(client: Client, scene: Scene): Snippet {
  const { group, label, language, filename } = client
  const shared = { client: client.client, group, label, language, proof: proofs[client.client] ?? 'parsed' }
  const against = reasonAgainst(client, scene)
  if (against) return { ...shared, code: '', ...insteadOf(client, scene, against) }
  const own = typeof client.note === 'function' ? client.note(scene) : client.note
  const note = [...(own ? [own] : []), ...scene.gaps].join(' ')
  return {
    ...shared,
    code: client.write(scene),
    ...(isRevealed(scene.carrier) ? { with_key: withKey(client, scene) } : {}),
    ...(note ? { note } : {}),
    ...(filename ? { filename: filename(scene.model) } : {}),
  }
}

/** curl can do everything, so there always is one that can. */
function insteadOf({ limits }: Client, scene: Scene, reason: string): Pick<Snippet, 'note' | 'nearest'> {
  const able = [...limits.nearest, 'curl']
    .map((name) => clients.find(({ client }) => client === name))
    .find((candidate) => candidate && reasonAgainst(candidate, scene) === undefined)
  const name =
    able && (able.group === 'Python' || able.group === 'JavaScript') ? `${able.group} with ${able.label}` : able?.label
  return { note: `${reason} ${name} can.`, nearest: able?.client ?? 'curl' }
}

function withKey(client: Client, scene: Scene): string {
  if (client.inShell) return [...exportLines(client, scene), client.inShell(client.write(scene))].join('\n')
  return client.write({ ...scene, inline: true })
}

function exportLines({ group, exports }: Client, { carrier, caFile }: Scene): string[] {
  if (exports) return exports(carrier)
  const trusts = group === 'JavaScript' && caFile !== undefined
  return [...exportsOf(carrier), ...(trusts ? [`export NODE_EXTRA_CA_CERTS=${shellQuoted(caFile)}`] : [])]
}
