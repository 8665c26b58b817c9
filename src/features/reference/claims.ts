import { mailAddress, member, textOf, webAddress } from '../../clients/threescale/spec.js'
import { serverAddress } from '../../model-calls/documented-base.js'
import type { AboutApi, Scheme } from './shapes.js'
import { listed, type Nodes } from './spec-nodes.js'

const LONGEST = 300

/** Addresses that a spec claims; calls go to the deployed endpoint whatever it says. */
export function serversOf(spec: unknown): string[] {
  const host = textOf(member(spec, 'host'), LONGEST)
  const listedServers = listed(member(spec, 'servers')).map(serverAddress)
  return [...(host ? [`https://${host}`] : []), ...listedServers]
    .filter((url) => url !== '' && url.length <= LONGEST)
    .slice(0, 5)
}

/** What `info` says of the API: it is not about the model (OpenAPI 3.1, Info Object). */
export function aboutOf(spec: unknown, nodes: Nodes): AboutApi[] {
  const info = member(spec, 'info')
  const [license, contact, docs] = [member(info, 'license'), member(info, 'contact'), member(spec, 'externalDocs')]
  const mail = mailAddress(member(contact, 'email'), 100)
  const rows = [
    {
      label: 'API licence',
      value: textOf(member(license, 'name'), 100) ?? textOf(member(license, 'identifier'), 100),
      url: webAddress(member(license, 'url'), LONGEST) ?? '',
    },
    {
      label: 'API contact',
      value: textOf(member(contact, 'name'), 100) ?? mail,
      url: webAddress(member(contact, 'url'), LONGEST) ?? (mail ? `mailto:${mail}` : ''),
    },
    linked('API terms', member(info, 'termsOfService'), 'Terms of service'),
    linked('API documentation', member(docs, 'url'), textOf(member(docs, 'description'), 100) ?? 'Documentation'),
  ]
  return rows.filter(
    (row): row is AboutApi => row.value !== undefined && nodes.hasRoom(row.value.length + row.url.length),
  )
}

function linked(label: string, url: unknown, value: string) {
  const address = webAddress(url, LONGEST)
  return { label, value: address && value, url: address ?? '' }
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
