import { member, textOf } from '../../clients/threescale/spec.js'
import type { Scheme } from './shapes.js'
import { listed, type Nodes } from './spec-nodes.js'

const LONGEST = 300

/** Addresses that a spec claims; calls go to the deployed endpoint whatever it says. */
export function serversOf(spec: unknown): string[] {
  const host = textOf(member(spec, 'host'), LONGEST)
  const listedServers = listed(member(spec, 'servers')).map(urlOf)
  return [...(host ? [`https://${host}`] : []), ...listedServers]
    .filter((url) => url !== '' && url.length <= LONGEST)
    .slice(0, 5)
}

function urlOf(server: unknown): string {
  const url = textOf(member(server, 'url'), LONGEST) ?? ''
  const variables = member(server, 'variables')
  return url.replace(/\{([^{}]{1,60})\}/g, (whole, name: string) => {
    return textOf(member(member(variables, name), 'default')) ?? whole
  })
}

/** The path of the first server; of its own, of the path's, or of the document's. */
export function baseOf(spec: unknown, item: unknown, operation: unknown): string {
  const old = textOf(member(spec, 'basePath'), LONGEST)
  const server = [operation, item, spec].map((node) => listed(member(node, 'servers'))[0]).find(Boolean)
  const url = old ?? urlOf(server)
  if (url === '' || !URL.canParse(url, 'https://none.invalid')) return ''
  if (url.length > LONGEST) return ''
  return new URL(url, 'https://none.invalid').pathname.replace(/\/+$/, '')
}

/** Credentials that a spec claims. */
export function schemesOf(spec: unknown, nodes: Nodes): Scheme[] {
  const all = member(member(spec, 'components'), 'securitySchemes') ?? member(spec, 'securityDefinitions')
  return nodes
    .entriesOf(all)
    .slice(0, 5)
    .map(([, at]) => {
      const scheme = nodes.follow(at)
      const type = member(scheme, 'type')
      const name = textOf(member(scheme, 'name'), 100) ?? ''
      if (type === 'apiKey') return { kind: member(scheme, 'in') === 'query' ? 'query' : 'header', name }
      if (type === 'basic') return { kind: 'basic', name: '' }
      if (type === 'http') {
        const word = textOf(member(scheme, 'scheme'))?.toLowerCase()
        return { kind: word === 'bearer' || word === 'basic' ? word : 'other', name: '' }
      }
      return { kind: type === 'oauth2' || type === 'openIdConnect' ? 'token' : 'other', name: '' }
    })
}
