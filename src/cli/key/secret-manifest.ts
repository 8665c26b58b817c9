import { stringify } from 'yaml'

export interface SecretOptions {
  name: string
  namespace: string | undefined
  application: number
  keyId: string
  values: Record<string, string>
}

export interface SecretManifest {
  apiVersion: 'v1'
  kind: 'Secret'
  metadata: {
    name: string
    namespace?: string
    labels: Record<string, string>
    annotations: Record<string, string>
  }
  type: 'Opaque'
  data: Record<string, string>
}

export const annotation = {
  application: 'maas-portal/application-id',
  keyId: 'maas-portal/key-id',
  /** When the Secret received this key, RFC 3339. */
  since: 'maas-portal/key-since',
} as const

/** `data`, not `stringData`, which server-side apply does not track (Kubernetes, concepts/configuration/secret). */
export function secretOf({ name, namespace, application, keyId, values }: SecretOptions): SecretManifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { 'app.kubernetes.io/managed-by': 'maas-portal' },
      annotations: { [annotation.application]: String(application), [annotation.keyId]: keyId },
    },
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(values).map(([entry, value]) => [entry, Buffer.from(value, 'utf8').toString('base64')]),
    ),
  }
}

export function asYaml(manifest: SecretManifest): string {
  return stringify(manifest, { lineWidth: 0 })
}

/** Lines for a POSIX shell. Plain values are not quoted, because `docker --env-file` would include the quotes. */
export function asEnvironment(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${/^[\w.:/@%+-]*$/.test(value) ? value : shellQuoted(value)}\n`)
    .join('')
}

function shellQuoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`
}
