import { getTemplateVariables, parseConfigYaml, validateConfigYaml } from '@continuedev/config-yaml'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { openWebuiVariables, secretSchema } from './documented.js'
import type { Cell } from './matrix.js'
import { inNewShell } from './runners.js'

const isSecret = new Ajv().compile(secretSchema)

/** The one model of a Continue configuration, parsed by Continue's own parser and schema; throws if they reject it. */
export function readContinue(text: string) {
  const config = parseConfigYaml(text)
  const complaints = (validateConfigYaml(config) ?? []).map(({ message }) => message)
  const [model] = config.models ?? []
  if (complaints.length > 0 || !model || !('model' in model)) throw new Error(complaints.join(' ') || 'no model')
  return { model, secrets: getTemplateVariables(text) }
}

/** The expected result in Continue, derived from the application only. */
export function wantedOfContinue({ model, application: { credentials } }: Cell) {
  const { mode, location, names, user_key = '', app_id = '', app_keys = [] } = credentials
  const base = { provider: 'openai', apiBase: model.base_url, model: model.model_id }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Continue's own notation
  if (mode === 'oidc') return { ...base, apiKey: '${{ secrets.MAAS_TOKEN }}' }
  if (mode === 'app_id') {
    const headers =
      location === 'authorization'
        ? { Authorization: `Basic ${btoa(`${app_id}:${app_keys[0]}`)}` }
        : { [names.app_id]: app_id, [names.app_key]: app_keys[0] }
    return { ...base, requestOptions: { headers } }
  }
  if (location === 'authorization') return { ...base, apiKey: user_key }
  return { ...base, requestOptions: { headers: { [names.user_key]: user_key } } }
}

/** The variables that the container receives, as bash passes them. */
export async function readDocker(text: string, folder: string): Promise<Record<string, string>> {
  const { ok, out } = await inNewShell(`docker() { printf '%s\\0' "$@"; }\n${text}`, folder)
  if (!ok) throw new Error(out)
  const words = out.split('\0')
  const pairs = words.flatMap((word, index) => (words[index - 1] === '-e' ? [word] : []))
  const variables = Object.fromEntries(pairs.map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)]))
  const unknown = Object.keys(variables).filter((name) => !openWebuiVariables.has(name))
  if (unknown.length > 0 || words.at(-2) !== 'ghcr.io/open-webui/open-webui:main')
    throw new Error(`${unknown} ${words}`)
  return variables
}

export function readSecret(text: string): Record<string, string> {
  const value: unknown = parse(text)
  if (!isSecret(value)) throw new Error(JSON.stringify(isSecret.errors))
  return (value as { stringData: Record<string, string> }).stringData
}
