import { readSpec } from '../../clients/threescale/specs/spec.js'
import { parsePathTemplate } from '../../model-calls/paths/path-templates.js'

/** The calls and servers of an API document, for comparison with the gateway. Every list and text is bounded. */
export interface DocumentSummary {
  /** Whether it states a version of OpenAPI. */
  isOpenApi: boolean
  /** The base of all paths, or an empty string. */
  base: string
  /** Paths are relative to `base`. */
  calls: { method: string; path: string }[]
  /** Absolute URLs. */
  servers: string[]
}

/** `too_complex`: reading it exceeds the time or memory limit. */
export type DocumentReader = (text: string) => Promise<DocumentSummary | 'unreadable' | 'too_complex'>

/** Reads in this process, so only for trusted documents. */
export const readInProcess: DocumentReader = async (text) => {
  const spec = readSpec(text)
  return spec ? summarizeDocument(spec) : 'unreadable'
}

const MAX_CALLS = 1000
const MAX_SERVERS = 20
const MAX_LENGTH = 300
const methods = ['get', 'post', 'put', 'patch', 'delete']

export function summarizeDocument(spec: Record<string, unknown>): DocumentSummary {
  return {
    isOpenApi: Boolean(spec.openapi || spec.swagger),
    base: basePath(spec),
    calls: Object.entries(member(spec.paths))
      .slice(0, MAX_CALLS)
      .filter(([path]) => path.length <= MAX_LENGTH)
      .flatMap(([path, item]) =>
        Object.keys(member(item))
          .filter((method) => methods.includes(method))
          .map((method) => ({ method: method.toUpperCase(), path: parsePathTemplate(path).path })),
      )
      .slice(0, MAX_CALLS),
    servers: serversOf(spec)
      .filter((url) => typeof url === 'string')
      .filter((url) => url.length <= MAX_LENGTH && /^https?:\/\//.test(url) && URL.canParse(url))
      .slice(0, MAX_SERVERS),
  }
}

function basePath(spec: Record<string, unknown>): string {
  const [server] = Array.isArray(spec.servers) ? (spec.servers as unknown[]) : []
  const url = spec.swagger ? spec.basePath : member(server).url
  if (typeof url !== 'string' || url.length > MAX_LENGTH || !URL.canParse(url, 'http://spec.invalid')) return ''
  return new URL(url, 'http://spec.invalid').pathname.replace(/\/+$/, '')
}

function serversOf(spec: Record<string, unknown>): unknown[] {
  if (spec.swagger) return typeof spec.host === 'string' ? [`https://${spec.host}`] : []
  return Array.isArray(spec.servers) ? spec.servers.map((server) => member(server).url) : []
}

function member(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
