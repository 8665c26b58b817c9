import { member, textOf } from '../clients/threescale/spec.js'
import { templateFrom } from './path-templates.js'

const LONGEST = 300

/**
 * The path of the server that a document names for an operation: `servers` of the operation, of its path item or of the document, or
 * `basePath` of OpenAPI 2. A template without a slash at its end; empty where no path is named.
 */
export function documentedBase(spec: unknown, item: unknown, operation: unknown): string {
  const old = textOf(member(spec, 'basePath'), LONGEST)
  const servers = [operation, item, spec].map((node) => member(node, 'servers')).find(isFilled)
  const address = (old ?? serverAddress(servers?.[0])).replace(/^(?:[a-z][\w+.-]*|\$?\{[^{}]*\}):(?=\/\/)/i, '')
  if (address.length > LONGEST) return ''
  // a host may have variables without a default, so that the whole is no URL
  const below = address.replace(/^\/\/[^/?#]*/, '')
  if (!URL.canParse(below, 'http://host')) return ''
  return templateFrom(new URL(below, 'http://host').pathname.replace(/\/+$/, '')).path
}

/**
 * The address of an entry of `servers`, with the default of each variable or the first of its choices. A variable at the beginning
 * stands for scheme and host: `{endpoint}/openai` of Azure.
 */
export function serverAddress(server: unknown): string {
  const url = textOf(member(server, 'url'), LONGEST) ?? ''
  const variables = member(server, 'variables')
  return url.replace(/\$?\{([^{}]{1,60})\}/g, (whole, name: string, index: number) => {
    const variable = member(variables, name)
    const choices = member(variable, 'enum')
    const value = textOf(member(variable, 'default'), 100) ?? (isFilled(choices) ? textOf(choices[0], 100) : undefined)
    const isHost =
      index === 0 && /^(\/|$)/.test(url.slice(whole.length)) && !/^(\/|[a-z][\w+.-]*:\/\/)/i.test(value ?? '')
    return isHost ? `https://${value ?? whole}` : (value ?? whole)
  })
}

function isFilled(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0
}
