import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/environment.js'
import { projectRoot } from '../../src/project-root.js'
import { version } from '../../src/version.js'
import { privateCa } from '../helper/private-ca.js'
import { type Manifest, read, render } from './kubernetes.js'
import { complaints } from './schemas.js'

const deploy = join(projectRoot, 'deploy')
const variants = ['openshift', 'kubernetes', 'redis-sentinel', 'private-ca']
const secretSettings = [
  'THREESCALE_ACCESS_TOKEN',
  'OIDC_CLIENT_SECRET',
  'SESSION_SECRET',
  'USERNAME_SECRET',
  'REDIS_URL',
  'SMTP_URL',
  'DOCTOR_CLIENT_SECRET',
  'WEBHOOK_SECRET',
]
/** The data that the cluster or the operator adds to a ConfigMap. */
const authority = privateCa('maas-redis')
const PEM = authority.ca
t.teardown(authority.close)
/** From section 2 of the contract. */
const contract = [
  ...['HOST', 'PORT', 'METRICS_PORT', 'PUBLIC_URL', 'TRUST_PROXY', 'THREESCALE_ADMIN_URL', 'OIDC_ISSUER'],
  ...['OIDC_CLIENT_ID', 'OIDC_SCOPES', 'OIDC_ISSUER_ID', 'LINK_BY_EMAIL', 'API_AUDIENCE', 'API_CLIENTS'],
  ...['SESSION_IDLE', 'SESSION_MAX', 'CATALOG_TTL', 'CATALOG_DETAIL_TTL', 'CATALOG_ACCESS', 'PORTAL_CONFIG'],
  ...['MAIL_FROM', 'OPERATOR_MAIL', 'EXTRA_CA_FILE', 'HTTPS_PROXY', 'NO_PROXY', 'LOG_LEVEL', ...secretSettings],
]
const inCode = [
  ...readFileSync(join(projectRoot, 'src', 'config', 'environment.ts'), 'utf8').matchAll(/read\.\w+\('([A-Z_]+)'/g),
]
const settings = [...new Set([...contract, ...inCode.map(([, name = '']) => name)])]

interface Mapper {
  config: Record<string, string>
}

interface Container {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: unknown }[]
  envFrom?: { configMapRef?: { name: string }; secretRef?: unknown }[]
  ports: { name: string; containerPort: number }[]
  resources: { requests?: Record<string, string>; limits?: Record<string, string> }
  securityContext: Record<string, unknown>
  volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[]
  [probe: string]: unknown
}

for (const variant of variants) {
  const manifests = render(join(deploy, 'kubernetes', 'examples', variant))
  const all = (kind: string) => manifests.filter((manifest) => manifest.kind === kind)
  const one = (kind: string, name = 'maas-portal') =>
    manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name) as Manifest
  const workloads = [...all('Deployment'), ...all('StatefulSet')]
  const podOf = ({ spec }: Manifest) => spec.template.spec
  const containersOf = (manifest: Manifest) => podOf(manifest).containers as Container[]
  const portal = one('Deployment')
  const [container] = containersOf(portal) as [Container]
  const settingsMap = manifests.find(({ metadata }) => metadata.name.startsWith('maas-portal-settings')) as Manifest

  t.test(
    `${variant}: every object matches its schema, in one namespace, from a registry that is a value`,
    async (t) => {
      for (const manifest of manifests) {
        t.same(complaints(manifest), [])
        t.equal(manifest.metadata.namespace, 'maas-portal', `${manifest.kind} ${manifest.metadata.name}`)
      }
      for (const { image } of workloads.flatMap(containersOf)) t.match(image, /^[\w.-]+(:\d+)?\/.+:[\w.-]+$/, image)
      t.match(
        container.image,
        new RegExp(`/maas-portal:${version.replaceAll('.', '\\.')}$`),
        'the version of this checkout',
      )
      for (const { image } of workloads.flatMap(containersOf)) t.notMatch(image, /:latest$/)
    },
  )

  t.test(`${variant}: pods meet restricted-v2`, async (t) => {
    for (const workload of workloads) {
      const pod = podOf(workload)
      t.match(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      t.equal(pod.automountServiceAccountToken, false)
      for (const field of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers']) t.notOk(pod[field], field)
      t.notMatch(JSON.stringify(pod), /hostPort|hostPath|privileged|supplementalGroups/)
      // The cluster assigns user and group; restricted-v2 rejects a specified one.
      if (variant !== 'kubernetes') t.notMatch(JSON.stringify(pod), /runAsUser|runAsGroup|fsGroup/)
      for (const volume of pod.volumes)
        t.ok(['secret', 'configMap', 'emptyDir'].includes(Object.keys(volume).find((key) => key !== 'name') ?? ''))
      for (const each of containersOf(workload)) {
        t.same(each.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        })
        for (const { containerPort } of each.ports) t.ok(containerPort > 1024)
        t.ok(each.resources.requests?.cpu && each.resources.requests.memory && each.resources.limits?.memory, each.name)
        t.ok(each.readinessProbe && each.livenessProbe, `${each.name} has a probe`)
      }
    }
  })

  t.test(`${variant}: no secret is in the environment, in arguments or in this repository`, async (t) => {
    for (const each of workloads.flatMap(containersOf)) {
      t.notMatch(JSON.stringify([each.env ?? [], each.envFrom ?? []]), /secretKeyRef|secretRef/)
      for (const { name, value = '' } of each.env ?? []) {
        t.notOk(secretSettings.includes(name), name)
        if (/PASSWORD|SECRET|TOKEN/.test(name)) t.match([name, value], [/_FILE$/, /^\/run\/secrets\//])
      }
      t.notMatch([each.command, each.args].flat().join(' '), /pass|secret[^s]|token/i)
    }
    t.same(all('Secret'), [], 'secrets are created by the operator')
    for (const { data } of all('ConfigMap'))
      for (const key of Object.keys(data ?? {})) t.notOk(secretSettings.includes(key), key)
    const secrets = container.volumeMounts.find(({ name }) => name === 'secrets')
    t.match(secrets, { readOnly: true })
    t.equal(podOf(portal).volumes.find(({ name }: { name: string }) => name === 'secrets').secret.defaultMode, 0o440)
  })

  t.test(`${variant}: every setting exists, and the portal accepts them unchanged`, async (t) => {
    const input = container.env ?? []
    const environment: Record<string, string> = {
      ...settingsMap.data,
      ...Object.fromEntries(input.map(({ name, value = '' }) => [name, value])),
    }
    for (const name of settings)
      t.ok(name in environment || (secretSettings.includes(name) && `${name}_FILE` in environment), name)
    for (const name of Object.keys(environment))
      t.ok(settings.includes(name.replace(/_FILE$/, '')) || settings.includes(name), name)
    t.equal(container.envFrom?.[0]?.configMapRef?.name, settingsMap.metadata.name, 'the generated name is used')

    const folder = t.testdir({
      'threescale-access-token': 'token',
      'oidc-client-secret': 'secret\n',
      'session-secret': 'x'.repeat(40),
      'username-secret': 'y'.repeat(40),
      'redis-url': 'rediss://portal:password@maas-redis.maas-portal.svc:6379',
    })
    const mounted = new Map<string, string>()
    for (const { name, mountPath } of container.volumeMounts) {
      const volume = podOf(portal).volumes.find((candidate: { name: string }) => candidate.name === name)
      const map = manifests.find(({ metadata }) => metadata.name === volume.configMap?.name)
      mounted.set(mountPath, volume.secret ? folder : join(folder, name))
      if (!volume.configMap) continue
      // Without OpenShift, a script creates the authority of Redis.
      t.ok(map ?? (variant === 'kubernetes' && name === 'redis-ca'), `${name} is mounted from a ConfigMap that exists`)
      mkdirSync(join(folder, name))
      const files = map?.data ?? { 'ca-bundle.crt': PEM, 'service-ca.crt': PEM }
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), String(text))
    }
    const moved = Object.entries(environment).map(([name, value]) => {
      const place = [...mounted].find(([path]) => value.startsWith(`${path}/`))
      return [name, place ? value.replace(place[0], place[1]) : value]
    })
    const config = loadConfig(Object.fromEntries(moved))
    t.match(config.publicUrl, /^https:/)
    t.equal(config.threescale.accessToken, 'token')
    t.equal(config.redisUrl, 'rediss://portal:password@maas-redis.maas-portal.svc:6379')
    t.ok(config.portal.branding)
    if (variant !== 'private-ca') t.match(config.redisCa, /BEGIN/)
    if (variant === 'private-ca') t.match(config.connections, { extraCa: /BEGIN/, httpsProxy: /^http:/ })
  })

  t.test(`${variant}: a workload with an autoscaler has no number of replicas`, async (t) => {
    const scaled = all('HorizontalPodAutoscaler').map(({ spec }) => spec.scaleTargetRef)
    t.match(scaled, [{ kind: 'Deployment', name: 'maas-portal' }])
    for (const { kind, name } of scaled) t.notOk('replicas' in one(kind, name).spec, 'each apply would reset it')
    for (const { spec } of all('HorizontalPodAutoscaler')) t.ok(spec.minReplicas >= 2)
  })

  t.test(
    `${variant}: the portal has probes on the operators' port, and its pods are replaced one at a time`,
    async (t) => {
      t.match(one('PodDisruptionBudget').spec, { maxUnavailable: 1 })
      t.equal(portal.spec.strategy.rollingUpdate.maxUnavailable, 0)
      const metrics = container.ports.find(({ name }) => name === 'metrics')
      t.equal(String(metrics?.containerPort), settingsMap.data.METRICS_PORT)
      t.equal(String(container.ports.find(({ name }) => name === 'http')?.containerPort), settingsMap.data.PORT)
      for (const [probe, path] of [
        ['startupProbe', '/healthz'],
        ['livenessProbe', '/healthz'],
        ['readinessProbe', '/readyz'],
      ] as const)
        t.match(container[probe], { httpGet: { path, port: 'metrics' } }, probe)
      const labels = portal.spec.template.metadata.labels
      for (const selector of [
        portal.spec.selector.matchLabels,
        one('Service').spec.selector,
        one('PodDisruptionBudget').spec.selector.matchLabels,
        one('NetworkPolicy').spec.podSelector.matchLabels,
        ...all('ServiceMonitor').map(({ spec }) => spec.selector.matchLabels),
      ])
        t.match(labels, selector)
      const ports = one('Service').spec.ports.map(({ name }: { name: string }) => name)
      for (const { spec } of all('ServiceMonitor')) t.ok(ports.includes(spec.endpoints[0].port))
      // Plain Kubernetes has no definition of it, and apply fails for a kind that the cluster does not have.
      t.equal(all('ServiceMonitor').length, variant === 'kubernetes' ? 0 : 1)
    },
  )

  t.test(`${variant}: ingress is possible only at the public address with https`, async (t) => {
    const host = new URL(settingsMap.data.PUBLIC_URL).host
    t.notOk(one('NetworkPolicy').spec.ingress, 'traffic that no other policy allows is blocked')
    const [way, ...others] = one('NetworkPolicy', 'maas-portal-way-in').spec.ingress
    t.same(others, [])
    t.same(way.ports, [{ port: 'http', protocol: 'TCP' }])
    for (const peer of way.from) {
      const [label = ''] = Object.keys(peer.namespaceSelector.matchLabels)
      const known =
        variant === 'kubernetes' ? /^kubernetes\.io\/metadata\.name$/ : /^policy-group\.network\.openshift\.io\//
      t.match(label, known, 'only the router may set the address of a client')
    }
    if (variant === 'kubernetes') {
      const { spec } = one('Ingress')
      t.same(spec.tls[0].hosts, [host])
      t.equal(spec.rules[0].host, host)
      t.match(spec.rules[0].http.paths[0].backend.service, { name: 'maas-portal', port: { name: 'http' } })
      return
    }
    const { spec } = one('Route')
    t.match(spec, { host, to: { kind: 'Service', name: 'maas-portal' }, port: { targetPort: 'http' } })
    t.match(spec.tls, { termination: 'edge', insecureEdgeTerminationPolicy: 'Redirect' })
  })

  t.test(`${variant}: egress of the portal is limited to DNS, 3scale, sign-in, gateways and Redis`, async (t) => {
    const policies = all('NetworkPolicy').filter(
      ({ spec }) => spec.podSelector.matchLabels['app.kubernetes.io/name'] === 'maas-portal',
    )
    t.ok(
      policies.some(({ spec }) => spec.policyTypes.includes('Egress')),
      'traffic that no rule allows is blocked',
    )
    const rules = policies.flatMap(({ spec }) => spec.egress ?? [])
    for (const { to, ports } of rules) {
      t.ok(to?.length > 0 && ports?.length > 0, 'every rule states destination and port')
      for (const peer of to) {
        t.notMatch(JSON.stringify(peer), /0\.0\.0\.0\/0|::\/0/)
        t.not(JSON.stringify(peer), '{"namespaceSelector":{}}')
      }
    }
    const out = [...new Set(rules.flatMap(({ ports }) => ports.map(({ port }: { port: number }) => port)))]
    const redis = { openshift: [6379], kubernetes: [6379], 'redis-sentinel': [6379, 26379], 'private-ca': [3128, 6380] }
    t.same(out.sort(), [53, 5353, 443, ...(redis[variant as keyof typeof redis] ?? [])].sort())
    for (const { metadata, spec } of all('NetworkPolicy'))
      for (const rule of spec.ingress ?? []) t.ok(rule.from?.length > 0, `${metadata.name} states the source`)
  })
}

t.test('an unknown field or an invalid value of a manifest is reported', async (t) => {
  const mistaken = (kind: string, change: (manifest: Manifest) => void) => {
    const manifest = render(join(deploy, 'kubernetes', 'examples', 'openshift')).find((each) => each.kind === kind)
    change(manifest as Manifest)
    return complaints(manifest as Manifest).join()
  }
  const first = ({ spec }: Manifest) => spec.template.spec.containers[0]
  t.match(
    mistaken('Deployment', (each) => Object.assign(first(each), { readinesProbe: {} })),
    'readinesProbe',
  )
  t.match(
    mistaken('Deployment', (each) => Object.assign(first(each), { image: 7 })),
    'image',
  )
  t.match(
    mistaken('NetworkPolicy', (each) => Object.assign(each.spec, { egres: [] })),
    'egres',
  )
  t.match(
    mistaken('ServiceMonitor', (each) => Object.assign(each.spec.endpoints[0], { inteval: '1s' })),
    'inteval',
  )
  t.match(
    mistaken('Route', (each) => Object.assign(each.spec.tls, { termination: 'none' })),
    'termination',
  )
})

t.test('the build on OpenShift uses the Containerfile', async (t) => {
  const [stream, build] = read(join(deploy, 'kubernetes', 'openshift-build', 'build.yaml')) as [Manifest, Manifest]
  t.same([...complaints(stream), ...complaints(build)], [])
  t.ok(existsSync(join(projectRoot, build.spec.strategy.dockerStrategy.dockerfilePath)))
  t.equal(build.spec.output.to.name, `${stream.metadata.name}:${version}`, 'the version of this checkout')
})

t.test('every folder renders, and every component applies to the base', async (t) => {
  const kubernetes = join(deploy, 'kubernetes')
  const folders = readdirSync(deploy, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/kustomization.yaml'))
    .map((path) => join(deploy, dirname(path)))
  const isComponent = (folder: string) =>
    readFileSync(join(folder, 'kustomization.yaml'), 'utf8').includes('kind: Component')
  // The files of the policy are downloaded, and the base of gitops comes from git: both have separate tests.
  const apart = [join(deploy, '3scale', 'policy'), join(kubernetes, 'examples', 'gitops')]
  for (const folder of folders.filter((each) => !isComponent(each) && !apart.includes(each)))
    t.ok(render(folder).length > 0, folder)
  const components = folders.filter(isComponent)
  t.ok(components.length >= 9)
  const place = realpathSync(t.testdir({}))
  const reach = (name: string) => relative(place, realpathSync(join(kubernetes, name)))
  for (const component of components) {
    // An object that is changed must exist.
    const needed = component.endsWith('not-openshift') ? [reach('redis')] : []
    const list = [...needed, relative(place, realpathSync(component))]
    writeFileSync(
      join(place, 'kustomization.yaml'),
      `resources: [${reach('base')}]\ncomponents: [${list.join(', ')}]\nimages: [{ name: maas-portal, newTag: ${version} }]\n`,
    )
    for (const manifest of render(place)) t.same(complaints(manifest), [], component)
  }
})

t.test('every file that the guide names exists', async (t) => {
  const guide = readFileSync(join(deploy, 'README.md'), 'utf8')
  const paths = [...guide.matchAll(/(?:deploy\/|`)((?:3scale|keycloak|kubernetes)\/[\w./-]*\w)/g)].map(
    ([, path = '']) => path,
  )
  t.ok(new Set(paths).size > 15)
  for (const path of new Set(paths)) if (!path.endsWith('/mine')) t.ok(existsSync(join(deploy, path)), path)
})

t.test(
  '3scale: every custom resource matches its definition, and the errors of the previous guide are fixed',
  async (t) => {
    const folder = join(deploy, '3scale')
    const manifests = [
      ...['operator', 'tenant', 'tenant-external', 'tenant-s3', 'model', 'gitops'].flatMap((name) =>
        render(join(folder, name)),
      ),
      ...read(join(folder, 'policy', 'custom-policy-definition.yaml')),
      ...read(join(folder, 'model', 'promote.yaml')),
    ]
    for (const manifest of manifests) t.same(complaints(manifest), [])
    const of = (kind: string) => manifests.find((manifest) => manifest.kind === kind)?.spec
    const product = of('Product')
    t.notMatch(of('Backend').privateBaseURL, /\/v1\/?$/, '/v1 is not duplicated')
    const rules = product.mappingRules as { httpMethod: string; pattern: string; metricMethodRef: string }[]
    const openapi = JSON.parse(readFileSync(join(folder, 'model', 'openapi.json'), 'utf8')) as {
      paths: Record<string, Record<string, unknown>>
    }
    for (const [path, verbs] of Object.entries(openapi.paths))
      for (const verb of Object.keys(verbs))
        t.ok(
          rules.some(({ httpMethod, pattern }) => httpMethod === verb.toUpperCase() && pattern === path),
          `${verb} ${path}`,
        )
    for (const { metricMethodRef } of rules) {
      t.ok(metricMethodRef in product.methods, `${metricMethodRef} is a method`)
      t.not(metricMethodRef, 'hits', 'no call is counted twice')
    }
    const policies = product.policies as {
      name: string
      configuration: { enable_sse_support?: boolean; rules?: object[] }
    }[]
    t.same(
      policies.map(({ name }) => name),
      ['cors', 'llm-metrics', 'apicast'],
    )
    const llm = policies[1]?.configuration
    t.equal(llm?.enable_sse_support, true)
    t.equal(llm?.rules?.length, 3)
    for (const rule of (llm?.rules ?? []) as { metric: string; increment: string }[]) {
      t.ok(rule.metric in product.metrics, `${rule.metric} is a metric of the product`)
      t.equal(rule.increment, `{{llm_usage.${rule.metric}}}`)
    }
    const { authUserKey, credentials } = product.deployment.apicastHosted.authentication.userkey
    t.same([authUserKey, credentials], ['Authorization', 'authorization'])
    t.ok(
      Object.values(product.applicationPlans as Record<string, { published: boolean }>).every(
        ({ published }) => published,
      ),
    )
    t.equal(of('ActiveDoc').productSystemName, product.systemName)
    t.match(of('ProxyConfigPromote'), { production: true })
    t.equal(of('OperatorGroup').targetNamespaces.length, 1)
    const definition = of('CustomPolicyDefinition')
    t.ok(definition.schema.configuration.properties.rules, 'a valid placeholder')
    const secret = readFileSync(join(folder, 'policy', 'kustomization.yaml'), 'utf8')
    t.match(secret, 'apimanager.apps.3scale.net/watched-by: apimanager')
  },
)

t.test('the six files of the policy come from one commit, and deepcopy is imported', async (t) => {
  const repo = t.testdir({})
  const files = [
    'apicast-policy.json',
    'custom_metrics.lua',
    'init.lua',
    'llm.lua',
    'portal_client.lua',
    'response.lua',
  ]
  const place = join(repo, 'deployment', '3scale', 'llm_metrics_policy')
  mkdirSync(place, { recursive: true })
  for (const file of files) writeFileSync(join(place, file), `local x = deepcopy(${JSON.stringify(file)})\n`)
  const git = (...args: string[]) =>
    spawnSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { encoding: 'utf8' })
  git('init', '--quiet')
  git('add', '-A')
  git('commit', '--quiet', '-m', 'policy')
  const into = join(repo, 'into')
  mkdirSync(into)
  const ran = spawnSync('sh', [join(deploy, '3scale', 'policy', 'fetch.sh')], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: repo,
      POLICY_REPO: `file://${repo}`,
      POLICY_COMMIT: git('rev-parse', 'HEAD').stdout.trim(),
      POLICY_INTO: into,
    },
  })
  t.equal(ran.status, 0, ran.stderr)
  t.same(readdirSync(into).sort(), [...files].sort())
  t.match(
    readFileSync(join(into, 'custom_metrics.lua'), 'utf8'),
    /^local deepcopy = require\('pl\.tablex'\)\.deepcopy\n/,
  )
  t.notMatch(readFileSync(join(into, 'llm.lua'), 'utf8'), 'tablex')
})

t.test("Keycloak: the operator's resources are valid, and its realm is realm.json", async (t) => {
  const folder = join(deploy, 'keycloak')
  const files = ['operator.yaml', 'keycloak.yaml', 'realm-import.yaml']
  const manifests = files.flatMap((file) => read(join(folder, file)))
  for (const manifest of manifests) t.same(complaints(manifest), [])
  const realm = JSON.parse(readFileSync(join(folder, 'realm.json'), 'utf8'))
  const { spec } = manifests.find(({ kind }) => kind === 'KeycloakRealmImport') as Manifest
  t.same(spec.realm, realm, 'run node scripts/realm-import.mjs')
  const used = [...JSON.stringify(realm).matchAll(/\$\{([A-Z][A-Z_]+)/g)].map(([, name]) => name)
  t.same(Object.keys(spec.placeholders).sort(), [...new Set(used)].sort())
  const client = realm.clients.find(({ clientId }: { clientId: string }) => clientId === 'maas-portal')
  t.equal(client.attributes['pkce.code.challenge.method'], 'S256')
  const [{ config }] = realm.components['org.keycloak.userprofile.UserProfileProvider']
  const { attributes } = JSON.parse(config['kc.user.profile.config'][0])
  const edit = Object.fromEntries(
    attributes.map(({ name, permissions }: { name: string; permissions: { edit: string[] } }) => [
      name,
      permissions.edit,
    ]),
  )
  t.same(edit.organization, ['admin'], 'users cannot change attributes that determine accounts')
  t.same(edit.org_name, ['admin', 'user'])
  const mapped = realm.clientScopes.flatMap(({ protocolMappers = [] }: { protocolMappers?: Mapper[] }) =>
    protocolMappers.map((mapper) => [mapper.config['user.attribute'], mapper.config['claim.name']]),
  )
  t.ok(mapped.some(([attribute, claim]: string[]) => attribute === 'organization' && claim === 'organization'))
  for (const each of realm.clients) t.equal(each.directAccessGrantsEnabled, false, each.clientId)
  const scopes = realm.clientScopes.map(({ name }: { name: string }) => name)
  for (const each of realm.clients)
    for (const scope of [...each.defaultClientScopes, ...each.optionalClientScopes]) t.ok(scopes.includes(scope), scope)
})
