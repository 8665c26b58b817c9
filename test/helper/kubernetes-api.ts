import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { parse } from 'yaml'
import { privateCa } from './private-ca.js'

/**
 * The features of a Kubernetes API server that kubectl and `maas-portal key --apply` use: discovery, and Secrets with authentication, RBAC
 * by the rules of a Role, strict field validation, merge patches and server-side apply. Messages are those of Kubernetes 1.35
 * (apimachinery/pkg/api/errors, apiserver/pkg/endpoints/handlers/patch.go).
 */
export interface Rule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
  resourceNames?: string[]
}
export interface Subject {
  name: string
  namespace: string
  rules: Rule[]
}
export interface Secret {
  apiVersion: 'v1'
  kind: 'Secret'
  metadata: {
    name: string
    namespace: string
    resourceVersion: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  type: string
  data: Record<string, string>
}

type Document = Record<string, unknown> & { metadata?: Record<string, unknown> }
/** Field paths of a manager, such as `data/OPENAI_API_KEY`. */
type Managed = Map<string, Set<string>>

interface Stored {
  secret: Secret
  managed: Managed
}

const maps = ['data', 'metadata.labels', 'metadata.annotations']
const everything: Rule[] = [{ apiGroups: [''], resources: ['*'], verbs: ['*'] }]

export async function startKubernetesApi(subjects: Record<string, Subject> = {}) {
  const ca = privateCa('127.0.0.1', 'localhost')
  const tokens = new Map(Object.entries(subjects))
  const secrets = new Map<string, Stored>()
  const calls: string[] = []
  let failing: { status: number; method: string } | undefined
  let version = 100

  const server = createServer({ key: ca.key, cert: ca.cert }, async (request, response) => {
    const { status, body } = await answer(request).catch((error: unknown) =>
      error instanceof Refusal ? error.response() : new Refusal(500, 'InternalError', String(error)).response(),
    )
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    port,
    ca: ca.ca,
    caFile: ca.caFile,
    url: `https://127.0.0.1:${port}`,
    calls,
    admit: (token: string, subject: Omit<Subject, 'rules'> & { rules?: Rule[] }) =>
      tokens.set(token, { rules: everything, ...subject }),
    secret: (namespace: string, name: string) => secrets.get(`${namespace}/${name}`)?.secret,
    put: (namespace: string, name: string) => create(namespace, { metadata: { name } }, 'before'),
    /** The response to the next such request. */
    fail: (status: number, method: string) => {
      failing = { status, method }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      ca.close()
    },
  }

  async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://kubernetes')
    let text = ''
    for await (const chunk of request) text += String(chunk)
    if (request.headers['content-type'] === 'application/vnd.kubernetes.protobuf')
      throw new Refusal(415, 'UnsupportedMediaType', 'this stand-in reads JSON: use kubectl apply')
    const method = request.method ?? 'GET'
    const subject = tokens.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
    if (!subject) throw new Refusal(401, 'Unauthorized', 'Unauthorized')
    const known = discovery(pathname)
    if (known) return { status: 200, body: known }
    const [, namespace = '', name] = /^\/api\/v1\/namespaces\/([^/]+)\/secrets(?:\/([^/]+))?$/.exec(pathname) ?? []
    if (namespace === '') throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
    calls.push(`${method} ${namespace}/${name ?? ''}`)
    if (failing?.method === method) {
      const { status } = failing
      failing = undefined
      throw new Refusal(status, 'ServiceUnavailable', 'try again later')
    }
    const allow = (verb: string) => authorise(subject, verb, namespace, name)
    const stored = name === undefined ? undefined : secrets.get(`${namespace}/${name}`)
    const manager = searchParams.get('fieldManager') ?? ''
    const type = request.headers['content-type']?.split(';')[0] ?? ''
    if (method === 'POST' && name === undefined) {
      allow('create')
      return { status: 201, body: create(namespace, validated(JSON.parse(text), searchParams), manager) }
    }
    if (method === 'PATCH' && name !== undefined) {
      allow('patch')
      if (type === 'application/apply-patch+yaml') {
        if (manager === '')
          throw new Refusal(422, 'Invalid', 'fieldManager: Required value: is required for apply patch')
        const required = validated(parse(text) as Document, searchParams)
        if (required.kind !== 'Secret' || required.apiVersion !== 'v1' || required.metadata?.name !== name)
          throw new Refusal(400, 'BadRequest', 'the object provided does not match the resource of the request')
        if (!stored) allow('create')
        return { status: stored ? 200 : 201, body: serverSideApply(namespace, name, required, manager, searchParams) }
      }
      if (!stored) throw notFound(name)
      if (!/^application\/(strategic-)?merge-patch\+json$/.test(type))
        throw new Refusal(415, 'UnsupportedMediaType', `the body of the request was in an unknown format: ${type}`)
      const patch = validated(JSON.parse(text), searchParams)
      own(stored.managed, manager, fieldsOf(patch))
      return { status: 200, body: update(stored.secret, merged(stored.secret, patch) as Document) }
    }
    if (method !== 'GET') throw new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method')
    allow(name === undefined ? 'list' : 'get')
    if (name === undefined) {
      const items = [...secrets.values()]
        .map(({ secret }) => secret)
        .filter((one) => one.metadata.namespace === namespace)
      return { status: 200, body: { apiVersion: 'v1', kind: 'SecretList', metadata: {}, items } }
    }
    if (!stored) throw notFound(name)
    return { status: 200, body: stored.secret }
  }

  function create(namespace: string, document: Document, manager: string): Secret {
    const name = String(document.metadata?.name)
    if (secrets.has(`${namespace}/${name}`)) throw new Refusal(409, 'AlreadyExists', `secrets "${name}" already exists`)
    const secret = {
      apiVersion: 'v1' as const,
      kind: 'Secret' as const,
      metadata: { ...document.metadata, name, namespace, resourceVersion: String(++version) },
      type: String(document.type ?? 'Opaque'),
      data: dataOf(document),
    }
    secrets.set(`${namespace}/${name}`, { secret, managed: new Map([[manager, fieldsOf(document)]]) })
    return secret
  }

  /** A change without an effect preserves the resource version. */
  function update(secret: Secret, next: Document): Secret {
    const { resourceVersion: _, ...metadata } = next.metadata ?? {}
    const before = JSON.stringify([secret.metadata.labels, secret.metadata.annotations, secret.data])
    Object.assign(secret, { data: dataOf(next), metadata: { ...secret.metadata, ...metadata } })
    if (JSON.stringify([secret.metadata.labels, secret.metadata.annotations, secret.data]) !== before)
      secret.metadata.resourceVersion = String(++version)
    return secret
  }

  function serverSideApply(
    namespace: string,
    name: string,
    required: Document,
    manager: string,
    query: URLSearchParams,
  ): Secret {
    const stored = secrets.get(`${namespace}/${name}`)
    if (!stored) return create(namespace, required, manager)
    const { secret, managed } = stored
    const [before = new Set<string>(), now] = [managed.get(manager), fieldsOf(required)]
    if (query.get('force') !== 'true') refuseConflicts(stored, required, manager)
    own(managed, manager, now)
    const elsewhere = new Set([...managed].filter(([other]) => other !== manager).flatMap(([, fields]) => [...fields]))
    const next = merged(secret, { metadata: required.metadata, data: dataOf(required) }) as Document
    for (const field of before) if (!now.has(field) && !elsewhere.has(field)) removeField(next, field)
    managed.set(manager, now)
    return update(secret, next)
  }
}

/** In this stand-in, the last writer of a field is its only owner, even if another manager sets the same value. */
function own(managed: Managed, manager: string, fields: Set<string>): void {
  for (const [other, theirs] of managed) if (other !== manager) for (const field of fields) theirs.delete(field)
  managed.set(manager, new Set([...(managed.get(manager) ?? []), ...fields]))
}

function refuseConflicts({ secret, managed }: Stored, required: Document, manager: string): void {
  const read = (document: Document, field: string) => {
    const slash = field.indexOf('/')
    return at(document, field.slice(0, slash))?.[field.slice(slash + 1)]
  }
  const normal = { ...required, data: dataOf(required) }
  for (const [other, fields] of managed)
    for (const field of fields) {
      if (other === manager || !fieldsOf(normal).has(field)) continue
      if (read(secret as unknown as Document, field) === read(normal, field)) continue
      const words = `Apply failed with 1 conflict: conflict with "${other}": .${field.replace('/', '.')}`
      throw new Refusal(409, 'Conflict', words)
    }
}

function authorise(
  { name: user, namespace: home, rules }: Subject,
  verb: string,
  namespace: string,
  name?: string,
): void {
  const allowed = rules.some(
    ({ apiGroups, resources, verbs, resourceNames }) =>
      apiGroups.includes('') &&
      ['*', 'secrets'].some((one) => resources.includes(one)) &&
      ['*', verb].some((one) => verbs.includes(one)) &&
      // The name of a new object is unknown when its creation is authorized.
      (resourceNames === undefined || (verb !== 'create' && name !== undefined && resourceNames.includes(name))),
  )
  if (allowed && namespace === home) return
  const what = name === undefined ? 'secrets is' : `secrets "${name}" is`
  const words = `User "${user}" cannot ${verb} resource "secrets" in API group "" in the namespace "${namespace}"`
  throw new Refusal(403, 'Forbidden', `${what} forbidden: ${words}`)
}

function validated(document: Document, query: URLSearchParams): Document {
  const known = ['apiVersion', 'kind', 'metadata', 'type', 'data', 'stringData', 'immutable']
  const unknown = Object.keys(document).filter((field) => !known.includes(field))
  if (query.get('fieldValidation') === 'Strict' && unknown.length > 0)
    throw new Refusal(400, 'BadRequest', `strict decoding error: unknown field "${unknown[0]}"`)
  for (const value of Object.values((document.data ?? {}) as Record<string, unknown>)) {
    if (typeof value !== 'string' || Buffer.from(value, 'base64').toString('base64') !== value)
      throw new Refusal(400, 'BadRequest', 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data')
  }
  return document
}

function dataOf({ data = {}, stringData = {} }: Document): Record<string, string> {
  const texts = Object.entries(stringData as Record<string, string>)
  const encoded = texts.map(([key, text]) => [key, Buffer.from(text).toString('base64')])
  return { ...(data as Record<string, string>), ...Object.fromEntries(encoded) }
}

function fieldsOf(document: Document): Set<string> {
  return new Set(maps.flatMap((path) => Object.keys(at(document, path) ?? {}).map((key) => `${path}/${key}`)))
}

function removeField(document: Document, field: string): void {
  const slash = field.indexOf('/')
  delete at(document, field.slice(0, slash))?.[field.slice(slash + 1)]
}

function at(document: Document, path: string): Record<string, unknown> | undefined {
  return path.split('.').reduce<unknown>((value, key) => (value as Document | undefined)?.[key], document) as
    | Record<string, unknown>
    | undefined
}

/** JSON Merge Patch (RFC 7396), which equals a strategic merge patch for a Secret, because a Secret has no lists. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = { ...(target as object) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else if (value !== undefined) result[key] = merged(result[key], value)
  }
  return result
}

class Refusal extends Error {
  readonly status: number
  readonly reason: string
  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
  response() {
    const { status: code, reason, message } = this
    return {
      status: code,
      body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
    }
  }
}

function notFound(name: string): Refusal {
  return new Refusal(404, 'NotFound', `secrets "${name}" not found`)
}

function discovery(path: string): object | undefined {
  const verbs = ['create', 'get', 'list', 'patch']
  const gvk = [{ group: '', kind: 'Secret', version: 'v1' }]
  const patch = {
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': gvk[0],
    parameters: ['fieldManager', 'fieldValidation', 'force'].map((name) => ({ name, in: 'query' })),
  }
  const documents: Record<string, object> = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
    '/api/v1': {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'v1',
      resources: [{ name: 'secrets', singularName: 'secret', namespaced: true, kind: 'Secret', verbs }],
    },
    '/version': { major: '1', minor: '35', gitVersion: 'v1.35.0' },
    '/openapi/v3': { paths: { 'api/v1': { serverRelativeURL: '/openapi/v3/api/v1' } } },
    '/openapi/v3/api/v1': {
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: 'v1.35.0' },
      paths: { '/api/v1/namespaces/{namespace}/secrets/{name}': { patch } },
      components: { schemas: { Secret: { type: 'object', 'x-kubernetes-group-version-kind': gvk } } },
    },
  }
  return documents[path]
}
