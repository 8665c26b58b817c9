import { boundedText, memberOf } from '../../clients/threescale/specs/spec.js'
import { parsePathTemplate } from './path-templates.js'

const MAX_CHARACTERS = 300

/**
 * The server path of an operation in an API document: `servers` of the operation, its path item, or the document, or `basePath` of
 * OpenAPI 2. A template without a trailing slash; empty if there is none.
 */
export function documentedBasePath(spec: unknown, item: unknown, operation: unknown): string {
  const swaggerPath = boundedText(memberOf(spec, 'basePath'), MAX_CHARACTERS)
  const servers = [operation, item, spec].map((node) => memberOf(node, 'servers')).find(isFilled)
  const address = (swaggerPath ?? serverAddress(servers?.[0])).replace(/^(?:[a-z][\w+.-]*|\$?\{[^{}]*\}):(?=\/\/)/i, '')
  if (address.length > MAX_CHARACTERS) return ''
  // A host can contain variables without a default, which are not valid in a URL.
  const below = address.replace(/^\/\/[^/?#]*/, '')
  if (!URL.canParse(below, 'http://host')) return ''
  return parsePathTemplate(new URL(below, 'http://host').pathname.replace(/\/+$/, '')).path
}

/**
 * The address of an entry of `servers`, with the default or the first choice of each variable. A variable at the start represents
 * scheme and host, as in `{endpoint}/openai` of Azure.
 */
export function serverAddress(server: unknown): string {
  const url = boundedText(memberOf(server, 'url'), MAX_CHARACTERS) ?? ''
  const variables = memberOf(server, 'variables')
  return url.replace(/\$?\{([^{}]+)\}/g, (whole, name: string, index: number) => {
    const variable = memberOf(variables, name)
    const choices = memberOf(variable, 'enum')
    const value =
      boundedText(memberOf(variable, 'default'), 100) ?? (isFilled(choices) ? boundedText(choices[0], 100) : undefined)
    const isHost =
      index === 0 && /^(\/|$)/.test(url.slice(whole.length)) && !/^(\/|[a-z][\w+.-]*:\/\/)/i.test(value ?? '')
    return isHost ? `https://${value ?? whole}` : (value ?? whole)
  })
}

function isFilled(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0
}
