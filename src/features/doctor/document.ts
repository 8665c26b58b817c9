import { readSpec } from '../../clients/threescale/spec.js'
import { templateFrom } from '../../model-calls/path-templates.js'

/** What a document says of calls and addresses, as far as it is compared with the gateway; every list and text is bounded. */
export interface DocumentClaims {
  /** true: it states a version of OpenAPI */
  isOpenApi: boolean
  /** of all paths; empty where there is none */
  base: string
  /** below `base` */
  calls: { verb: string; path: string }[]
  /** absolute addresses of servers */
  servers: string[]
}

/** `too_complex`: it exceeds the time or the memory of one document. */
export type DocumentReader = (text: string) => Promise<DocumentClaims | 'unreadable' | 'too_complex'>

/** Reads in this thread, so only what may be trusted. */
export const readHere: DocumentReader = async (text) => {
  const spec = readSpec(text)
  return spec ? claimsOf(spec) : 'unreadable'
}

const MOST_CALLS = 1000
const MOST_SERVERS = 20
const LONGEST = 300
const verbs = ['get', 'post', 'put', 'patch', 'delete']

export function claimsOf(spec: Record<string, unknown>): DocumentClaims {
  return {
    isOpenApi: Boolean(spec.openapi || spec.swagger),
    base: basePath(spec),
    calls: Object.entries(member(spec.paths))
      .slice(0, MOST_CALLS)
      .filter(([path]) => path.length <= LONGEST)
      .flatMap(([path, item]) =>
        Object.keys(member(item))
          .filter((verb) => verbs.includes(verb))
          .map((verb) => ({ verb: verb.toUpperCase(), path: templateFrom(path).path })),
      )
      .slice(0, MOST_CALLS),
    servers: serversOf(spec)
      .filter((url) => typeof url === 'string')
      .filter((url) => url.length <= LONGEST && /^https?:\/\//.test(url) && URL.canParse(url))
      .slice(0, MOST_SERVERS),
  }
}

function basePath(spec: Record<string, unknown>): string {
  const [server] = Array.isArray(spec.servers) ? (spec.servers as unknown[]) : []
  const url = spec.swagger ? spec.basePath : member(server).url
  if (typeof url !== 'string' || url.length > LONGEST || !URL.canParse(url, 'http://spec.invalid')) return ''
  return new URL(url, 'http://spec.invalid').pathname.replace(/\/+$/, '')
}

function serversOf(spec: Record<string, unknown>): unknown[] {
  if (spec.swagger) return typeof spec.host === 'string' ? [`https://${spec.host}`] : []
  return Array.isArray(spec.servers) ? spec.servers.map((server) => member(server).url) : []
}

function member(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
