import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Ajv, type ErrorObject } from 'ajv'
import { type TSchema, Type } from 'typebox'
import type { Manifest } from './kubernetes.js'

const require = createRequire(import.meta.url)
type Validate = ((data: unknown) => boolean) & { errors?: ErrorObject[] | null }

/** Findings for a manifest: violations of its schema, and fields that are not in its schema (a typing error). */
export function complaints(manifest: Manifest): string[] {
  const { apiVersion, kind, metadata } = manifest
  const label = `${apiVersion}/${kind} ${metadata?.name}`
  const own = custom[`${apiVersion}/${kind}`]
  if (!own) return published(manifest).map((complaint) => `${label}: ${complaint}`)
  const validate = new Ajv({ allErrors: true, strict: false }).compile(own)
  if (validate(manifest)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${label}: ${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

/** By the API server's own schemas, as the kubernetes-models packages contain them. */
function published(manifest: Manifest): string[] {
  const validate = schemaOf(manifest)
  const read = new Set<string>()
  const refused = validate(watch(manifest, '', read)) ? [] : (validate.errors ?? [])
  return [
    ...refused.map(({ instancePath, message }) => `${instancePath} ${message}`),
    ...unread(manifest, '', read).map((path) => `${path} is not a field`),
  ]
}

/** The class of a kind copies its input, so its schema is used, which validates the object itself. */
function schemaOf({ apiVersion, kind }: Manifest): Validate {
  const home = apiVersion.startsWith('monitoring.coreos.com')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models'
  const file = require.resolve(`${home}/${apiVersion}/${kind}`)
  const [schema = ''] = /[./]+_schemas\/\w+/.exec(readFileSync(file, 'utf8')) ?? []
  return (require(join(dirname(file), `${schema}.js`)) as { validate: Validate }).validate
}

/** A compiled schema reads every field that it defines; the read fields are recorded. */
function watch<T extends object>(value: T, path: string, read: Set<string>): T {
  return new Proxy(value, {
    get(target, key, receiver) {
      const inner = Reflect.get(target, key, receiver)
      if (typeof key === 'symbol') return inner
      read.add(`${path}/${key}`)
      return typeof inner === 'object' && inner !== null ? watch(inner, `${path}/${key}`, read) : inner
    },
  })
}

function unread(value: object, path: string, read: Set<string>): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = `${path}/${key}`
    if (!read.has(at)) return [at]
    return typeof inner === 'object' && inner !== null ? unread(inner, at, read) : []
  })
}

const strict = { additionalProperties: false } as const
const text = Type.String({ minLength: 1 })
const object = <T extends Record<string, TSchema>>(fields: T) => Type.Object(fields, strict)
const optional = Type.Optional
const oneOf = (...values: (string | number)[]) => Type.Union(values.map((value) => Type.Literal(value)))
const resource = (apiVersion: string, kind: string, spec?: TSchema): [string, TSchema] => [
  `${apiVersion}/${kind}`,
  object({
    apiVersion: Type.Literal(apiVersion),
    kind: Type.Literal(kind),
    metadata: object({
      name: Type.String({ pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' }),
      namespace: optional(text),
      labels: optional(Type.Record(Type.String(), Type.String())),
      annotations: optional(Type.Record(Type.String(), Type.String())),
    }),
    ...(spec ? { spec } : {}),
  }),
]
const named = object({ name: text })
const keyOf = object({ name: text, key: text })

const verbs = oneOf('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'CONNECT')
const mappingRules = Type.Array(
  object({
    httpMethod: verbs,
    pattern: text,
    metricMethodRef: text,
    increment: Type.Integer(),
    last: optional(Type.Boolean()),
  }),
)
const methods = Type.Record(text, object({ friendlyName: text, description: optional(text) }))
const metrics = Type.Record(text, object({ friendlyName: text, unit: text, description: optional(text) }))
const gatewayResponse = object(
  Object.fromEntries([
    ...['AuthFailed', 'AuthMissing', 'LimitsExceeded', 'NoMatch'].flatMap((case_) => [
      [`error${case_}`, optional(text)],
      [`errorHeaders${case_}`, optional(text)],
      [`errorStatus${case_}`, optional(Type.Integer())],
    ]),
  ]),
)
const customPolicies = Type.Array(object({ name: text, version: text, secretRef: named }))
const apicast = object({ replicas: optional(Type.Integer()), customPolicies: optional(customPolicies) })

/**
 * Kinds of operators. Each has the fields that deploy/ uses and rejects all others, after 3scale-operator
 * config/crd/bases, openshift/api route/v1/types.go, the operator lifecycle manager's and Keycloak's own definitions.
 */
const custom: Record<string, TSchema> = Object.fromEntries([
  resource(
    'route.openshift.io/v1',
    'Route',
    object({
      host: text,
      to: object({ kind: Type.Literal('Service'), name: text, weight: Type.Integer({ minimum: 0, maximum: 256 }) }),
      port: object({ targetPort: Type.Union([text, Type.Integer()]) }),
      tls: object({
        termination: oneOf('edge', 'reencrypt', 'passthrough'),
        insecureEdgeTerminationPolicy: oneOf('None', 'Allow', 'Redirect'),
      }),
      wildcardPolicy: oneOf('None', 'Subdomain'),
    }),
  ),
  resource('image.openshift.io/v1', 'ImageStream'),
  resource(
    'build.openshift.io/v1',
    'BuildConfig',
    object({
      source: object({ type: Type.Literal('Binary'), binary: object({}) }),
      strategy: object({ type: Type.Literal('Docker'), dockerStrategy: object({ dockerfilePath: text }) }),
      output: object({ to: object({ kind: Type.Literal('ImageStreamTag'), name: text }) }),
    }),
  ),
  resource('operators.coreos.com/v1', 'OperatorGroup', object({ targetNamespaces: Type.Array(text) })),
  resource(
    'operators.coreos.com/v1alpha1',
    'Subscription',
    object({
      name: text,
      channel: text,
      source: text,
      sourceNamespace: text,
      installPlanApproval: oneOf('Automatic', 'Manual'),
    }),
  ),
  resource(
    'apps.3scale.net/v1alpha1',
    'APIManager',
    object({
      wildcardDomain: text,
      tenantName: optional(text),
      resourceRequirementsEnabled: optional(Type.Boolean()),
      system: optional(
        object({
          fileStorage: Type.Union([
            object({ persistentVolumeClaim: object({ storageClassName: text }) }),
            object({ simpleStorageService: object({ configurationSecretRef: named }) }),
          ]),
        }),
      ),
      apicast: optional(object({ stagingSpec: apicast, productionSpec: apicast })),
      externalComponents: optional(
        object({
          system: object({ database: Type.Boolean(), redis: Type.Boolean() }),
          backend: object({ redis: Type.Boolean() }),
          zync: optional(object({ database: Type.Boolean() })),
        }),
      ),
    }),
  ),
  resource(
    'capabilities.3scale.net/v1beta1',
    'CustomPolicyDefinition',
    object({
      name: text,
      version: text,
      schema: object({
        $schema: text,
        name: text,
        version: text,
        summary: text,
        description: optional(Type.Array(text)),
        configuration: Type.Object({}, { additionalProperties: true }),
      }),
    }),
  ),
  resource(
    'capabilities.3scale.net/v1beta1',
    'Backend',
    object({
      name: text,
      systemName: optional(text),
      description: optional(text),
      privateBaseURL: Type.String({ pattern: '^(https?|wss?):\\/\\/.*$' }),
      mappingRules: optional(mappingRules),
      methods: optional(methods),
      metrics: optional(metrics),
    }),
  ),
  resource(
    'capabilities.3scale.net/v1beta1',
    'Product',
    object({
      name: text,
      systemName: optional(text),
      description: optional(text),
      backendUsages: Type.Record(text, object({ path: text })),
      metrics,
      methods,
      mappingRules,
      deployment: object({
        apicastHosted: object({
          authentication: object({
            userkey: object({
              authUserKey: text,
              credentials: oneOf('headers', 'query', 'authorization'),
              gatewayResponse: optional(gatewayResponse),
            }),
          }),
        }),
      }),
      policies: Type.Array(
        object({ name: text, version: text, enabled: Type.Boolean(), configuration: Type.Object({}) }),
      ),
      applicationPlans: Type.Record(
        text,
        object({
          name: text,
          published: Type.Boolean(),
          appsRequireApproval: optional(Type.Boolean()),
          limits: optional(
            Type.Array(
              object({
                period: oneOf('eternity', 'year', 'month', 'week', 'day', 'hour', 'minute'),
                value: Type.Integer(),
                metricMethodRef: object({ systemName: text, backend: optional(text) }),
              }),
            ),
          ),
        }),
      ),
    }),
  ),
  resource(
    'capabilities.3scale.net/v1beta1',
    'ActiveDoc',
    object({
      name: text,
      systemName: Type.String({ pattern: '^[a-z0-9]+$' }),
      productSystemName: text,
      published: Type.Boolean(),
      activeDocOpenAPIRef: object({ secretRef: object({ name: text, namespace: optional(text) }) }),
    }),
  ),
  resource(
    'capabilities.3scale.net/v1beta1',
    'ProxyConfigPromote',
    object({ productCRName: text, production: optional(Type.Boolean()), deleteCR: optional(Type.Boolean()) }),
  ),
  resource(
    'external-secrets.io/v1',
    'ExternalSecret',
    object({
      refreshInterval: text,
      secretStoreRef: object({ kind: oneOf('SecretStore', 'ClusterSecretStore'), name: text }),
      target: object({ name: text, template: object({ data: Type.Record(text, text) }) }),
      data: Type.Array(object({ secretKey: text, remoteRef: object({ key: text, property: text }) })),
    }),
  ),
  resource(
    'k8s.keycloak.org/v2alpha1',
    'Keycloak',
    object({
      instances: Type.Integer(),
      db: object({ vendor: text, host: text, usernameSecret: keyOf, passwordSecret: keyOf }),
      hostname: object({ hostname: text }),
      http: object({ httpEnabled: Type.Boolean() }),
      proxy: object({ headers: oneOf('forwarded', 'xforwarded') }),
      ingress: object({ enabled: Type.Boolean() }),
    }),
  ),
  resource(
    'k8s.keycloak.org/v2alpha1',
    'KeycloakRealmImport',
    object({
      keycloakCRName: text,
      placeholders: Type.Record(text, object({ secret: keyOf })),
      realm: Type.Object({ realm: text }, { additionalProperties: true }),
    }),
  ),
])
