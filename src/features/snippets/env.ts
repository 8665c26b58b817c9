import type { Model } from '../models/schemas.js'
import type { Carrier } from './carriers.js'
import { comment, envValue, quoted } from './escape.js'

/** OpenAI's own variables only where they can carry the credential; else ours, and the line of code that uses them. */
export function env(model: Model, carrier: Carrier, revealed: boolean): string {
  const lines = [`# ${comment(model.name)}`]
  const value = (variable: Carrier['variables'][number]) => (revealed && variable.value ? envValue(variable.value) : '')
  if (carrier.plainKey) {
    lines.push(`OPENAI_BASE_URL=${envValue(model.base_url)}`)
    for (const variable of carrier.variables) lines.push(`OPENAI_API_KEY=${value(variable)}`)
  } else {
    lines.push(`MAAS_BASE_URL=${envValue(model.base_url)}`)
    for (const variable of carrier.variables) lines.push(`${variable.name}=${value(variable)}`)
  }
  if (model.model_id !== null) lines.push(`MAAS_MODEL=${envValue(model.model_id)}`)
  if (!carrier.plainKey)
    lines.push(`# Python: OpenAI(base_url=os.environ["MAAS_BASE_URL"], ${comment(useLine(carrier))})`)
  return lines.join('\n')
}

function useLine({ python }: Carrier): string {
  const dictionary = (pairs: [string, string][]) =>
    `{${pairs.map(([name, read]) => `${quoted(name)}: ${read}`).join(', ')}}`
  if (python.query.length > 0) return `api_key="unused", default_query=${dictionary(python.query)}`
  if (python.headers.length > 0) return `api_key="unused", default_headers=${dictionary(python.headers)}`
  return `api_key=${python.apiKey}`
}
