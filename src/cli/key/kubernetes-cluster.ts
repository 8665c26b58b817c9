import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { readJson } from '../../infra/bounded-json.js'
import { HttpError } from '../../infra/http/http-error.js'
import { readText } from '../../infra/http/http-messages.js'
import { oneLine } from './access-token.js'
import { KeyFailure } from './key-failure.js'
import { clusterMessages as messages } from './messages.js'
import type { SecretManifest } from './secret-manifest.js'

export interface StoredSecret {
  metadata: { resourceVersion: string; annotations?: Record<string, string> }
}

export type Cluster = ReturnType<typeof connectCluster>

const FIELD_MANAGER = 'maas-portal-key'
const TIMEOUT_MS = 10_000
/** 409: a simultaneous change of the same Secret. */
const TEMPORARY = new Set([409, 429])

/**
 * The API of the cluster that this pod runs in, with its service account: `folder` has `token`, `ca.crt` and `namespace`. Only the CA
 * of the cluster is trusted. Throws KeyFailure, as its calls do.
 */
export function connectCluster(folder: string, env: Readonly<Record<string, string | undefined>>) {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env
  if (host === '' || !existsSync(join(folder, 'token'))) throw new KeyFailure('rejected', messages.notInPod(folder))
  const read = (name: string) => fileOf(folder, name)
  const agent = new Agent({ connect: { ca: read('ca.crt'), timeout: TIMEOUT_MS } })
  const base = `https://${host.includes(':') ? `[${host}]` : host}:${port}`

  return {
    /** Of the pod. */
    namespace: read('namespace'),

    /** Undefined: the Secret does not exist. */
    async readSecret(namespace: string, name: string): Promise<StoredSecret | undefined> {
      const { status, body } = await call('GET', secretPath(namespace, name))
      return status === 404 ? undefined : (body as StoredSecret)
    },

    /** Server-side apply does not change fields of other managers. */
    async applySecret(namespace: string, manifest: SecretManifest): Promise<StoredSecret> {
      const path = `${secretPath(namespace, manifest.metadata.name)}?fieldManager=${FIELD_MANAGER}&force=true`
      const { status, body } = await call('PATCH', path, manifest)
      if (status === 404) throw new KeyFailure('rejected', messages.noNamespace(namespace))
      return body as StoredSecret
    },

    close: () => agent.close(),
  }

  async function call(method: 'GET' | 'PATCH', path: string, body?: SecretManifest) {
    const answer = await send(method, path, body)
    const parsed = readJson(answer.text)
    const value = 'value' in parsed ? parsed.value : {}
    if (answer.status < 300 || answer.status === 404) return { status: answer.status, body: value }
    const { message = '' } = (value ?? {}) as { message?: string }
    const reason = messages.status(answer.status, oneLine(message))
    throw new KeyFailure(TEMPORARY.has(answer.status) || answer.status >= 500 ? 'unavailable' : 'rejected', reason)
  }

  async function send(method: 'GET' | 'PATCH', path: string, body: SecretManifest | undefined) {
    try {
      const answer = await request(base + path, {
        method,
        dispatcher: agent,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
        headers: {
          // Read for each call: the kubelet renews it.
          authorization: `Bearer ${read('token')}`,
          accept: 'application/json',
          ...(body ? { 'content-type': 'application/apply-patch+yaml' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      return { status: answer.statusCode, text: await readText(answer.body, 2_000_000, host) }
    } catch (error) {
      if (error instanceof KeyFailure) throw error
      throw new KeyFailure('unavailable', `${new HttpError('network', messages.host(host), error).message}.`)
    }
  }
}

function fileOf(folder: string, name: string): string {
  const path = join(folder, name)
  try {
    const text = readFileSync(path, 'utf8').trim()
    if (text !== '') return text
  } catch (error) {
    throw new KeyFailure('rejected', messages.unreadable(path, (error as NodeJS.ErrnoException).code))
  }
  throw new KeyFailure('rejected', messages.empty(path))
}

function secretPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`
}
