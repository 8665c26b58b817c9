import { parse } from 'yaml'
import { KeyFailure } from './key-failure.js'
import type { CurrentKey } from './key-rotation.js'
import { templateMessages as messages } from './messages.js'
import type { PortalApi } from './portal-api.js'

/** The entries of the portal's manifest for an application, without the key, so that users and programs get the same names. */
export interface Template {
  /** The default name of the Secret. */
  name: string
  entries: Record<string, string>
}

interface Snippets {
  items: { code: string; note?: string }[]
}

/** Rejects with KeyFailure. */
export async function readTemplate(api: PortalApi, application: { id: number; model: string }): Promise<Template> {
  const path = `/models/${encodeURIComponent(application.model)}/snippets?client=kubernetes-secret`
  const offered = await api.get<Snippets>(path, { accept: [404] })
  // A model without published plans is available only through its applications.
  const { body } =
    offered.status === 404 ? await api.get<Snippets>(`${path}&application_id=${application.id}`) : offered
  const [snippet] = body.items
  if (!snippet?.code) throw new KeyFailure('rejected', messages.noSecret(snippet?.note ?? messages.updatePortal))
  const manifest = parse(snippet.code) as { metadata: { name: string }; stringData: Record<string, string> }
  return { name: manifest.metadata.name, entries: manifest.stringData }
}

/** Inserts the key into the entries. Throws KeyFailure. */
export function filled({ entries }: Template, key: CurrentKey): Record<string, string> {
  const variables = variablesOf(key)
  const values = Object.entries(entries).map(([name, text]) => {
    const variable = /^\$\{(\w+)\}$/.exec(text)?.[1]
    if (variable === undefined) return [name, text]
    const value = variables[variable]
    if (value === undefined) throw new KeyFailure('rejected', messages.noValue(variable))
    return [name, value]
  })
  return Object.fromEntries(values)
}

/** The values of the variables in the manifest, for each credential mode. */
function variablesOf({ credentials, value }: CurrentKey): Record<string, string | undefined> {
  return {
    MAAS_API_KEY: value,
    MAAS_APP_ID: credentials.app_id,
    MAAS_APP_KEY: value,
    MAAS_CLIENT_ID: credentials.client_id,
    MAAS_CLIENT_SECRET: value,
    MAAS_TOKEN_URL: credentials.token_url ?? undefined,
  }
}
