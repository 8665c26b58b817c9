import { boundedText, mailAddress, memberOf, webAddress } from '../../../clients/threescale/specs/spec.js'
import { serverAddress } from '../../../model-calls/paths/documented-base-path.js'
import { apiFactLabels, documentation, termsOfService } from '../messages.js'
import type { ApiFact, SecurityScheme } from '../reference-types.js'
import { boundedList, type SchemaReader } from './schema-reader.js'

const MAX_LENGTH = 300

/** The server addresses in a spec. Calls always go to the deployed endpoint. */
export function serversOf(spec: unknown): string[] {
  const host = boundedText(memberOf(spec, 'host'), MAX_LENGTH)
  const listedServers = boundedList(memberOf(spec, 'servers')).map(serverAddress)
  return [...(host ? [`https://${host}`] : []), ...listedServers]
    .filter((url) => url !== '' && url.length <= MAX_LENGTH)
    .slice(0, 5)
}

/** Facts in `info`, which describe the API and not the model (OpenAPI 3.1, Info Object). */
export function apiFactsOf(spec: unknown, nodes: SchemaReader): ApiFact[] {
  const info = memberOf(spec, 'info')
  const [license, contact, docs] = [
    memberOf(info, 'license'),
    memberOf(info, 'contact'),
    memberOf(spec, 'externalDocs'),
  ]
  const mail = mailAddress(memberOf(contact, 'email'), 100)
  const rows = [
    {
      label: apiFactLabels.license,
      value: boundedText(memberOf(license, 'name'), 100) ?? boundedText(memberOf(license, 'identifier'), 100),
      url: webAddress(memberOf(license, 'url'), MAX_LENGTH) ?? '',
    },
    {
      label: apiFactLabels.contact,
      value: boundedText(memberOf(contact, 'name'), 100) ?? mail,
      url: webAddress(memberOf(contact, 'url'), MAX_LENGTH) ?? (mail ? `mailto:${mail}` : ''),
    },
    linkRow(apiFactLabels.terms, memberOf(info, 'termsOfService'), termsOfService),
    linkRow(
      apiFactLabels.documentation,
      memberOf(docs, 'url'),
      boundedText(memberOf(docs, 'description'), 100) ?? documentation,
    ),
  ]
  return rows.filter(
    (row): row is ApiFact => row.value !== undefined && nodes.hasRoom(row.value.length + row.url.length),
  )
}

function linkRow(label: string, url: unknown, value: string) {
  const address = webAddress(url, MAX_LENGTH)
  return { label, value: address && value, url: address ?? '' }
}

/** The security schemes in a spec. */
export function schemesOf(spec: unknown, nodes: SchemaReader): SecurityScheme[] {
  const all = memberOf(memberOf(spec, 'components'), 'securitySchemes') ?? memberOf(spec, 'securityDefinitions')
  return nodes
    .entriesOf(all)
    .slice(0, 5)
    .map(([, at]) => {
      const scheme = nodes.follow(at)
      const type = memberOf(scheme, 'type')
      const name = boundedText(memberOf(scheme, 'name'), 100) ?? ''
      if (type === 'apiKey') return { kind: memberOf(scheme, 'in') === 'query' ? 'query' : 'header', name }
      if (type === 'basic') return { kind: 'basic', name: '' }
      if (type === 'http') {
        const name = boundedText(memberOf(scheme, 'scheme'))?.toLowerCase()
        return { kind: name === 'bearer' || name === 'basic' ? name : 'other', name: '' }
      }
      return { kind: type === 'oauth2' || type === 'openIdConnect' ? 'token' : 'other', name: '' }
    })
}
