import { spawnSync } from 'node:child_process'
import { appendFileSync, copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { projectRoot } from '../../src/project-root.js'
import { version } from '../../src/version.js'
import { documents, helm, type Manifest, render, tools } from './kubernetes.js'
import { complaints } from './schemas.js'

const deploy = join(projectRoot, 'deploy')
const chart = join(deploy, 'helm', 'maas-portal')
const example = (name: string) => render(join(deploy, 'kubernetes', 'examples', name))
const template = (file: string, from = chart) =>
  documents(helm('template', 'maas-portal', from, '--namespace', 'maas-portal', '--values', file))

/** By kind and name, without the intended differences: hashes in names, checksums, namespace, order of named lists. */
function comparable(manifests: Manifest[]): Record<string, unknown> {
  const unhashed = (text: string) => text.replace(/(maas-portal-(?:settings|config))-[a-z0-9]{10}\b/g, '$1')
  return Object.fromEntries(
    manifests.map(({ metadata: { namespace: _, ...metadata }, ...rest }) => {
      const text = unhashed(JSON.stringify({ ...rest, metadata }))
      return [`${rest.kind}/${unhashed(metadata.name)}`, sorted(JSON.parse(text))]
    }),
  )
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted) as { name?: string; mountPath?: string }[]
    const key = (item: { name?: string; mountPath?: string }) => `${item?.mountPath ?? ''} ${item?.name ?? ''}`
    return items.every((item) => item?.name) ? items.sort((a, b) => (key(a) < key(b) ? -1 : 1)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const { annotations, ...rest } = value as { annotations?: Record<string, string> }
  const stored = Object.entries(annotations ?? {}).filter(([name]) => !name.startsWith('checksum/'))
  const complete = stored.length > 0 ? { ...rest, annotations: Object.fromEntries(stored) } : rest
  return Object.fromEntries(
    Object.entries(complete)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  )
}

/** The settings of the example private-ca, as values of the chart. */
function privateCa(folder: string): string {
  const manifests = example('private-ca')
  const of = (name: string) => manifests.find(({ metadata }) => metadata.name.startsWith(name)) as Manifest
  const base = readFileSync(join(deploy, 'kubernetes', 'base', 'settings.env'), 'utf8')
  const settings = Object.entries(of('maas-portal-settings').data as Record<string, string>)
  const file = join(folder, 'private-ca.yaml')
  const values = {
    image: { repository: 'registry.corp.example/maas/maas-portal' },
    settings: Object.fromEntries(settings.filter(([name, value]) => !base.split('\n').includes(`${name}=${value}`))),
    portalConfig: of('maas-portal-config').data['portal.yaml'],
    redis: { enabled: false },
    serviceMonitor: true,
    certificateAuthority: 'cluster',
    egress: of('maas-portal-upstreams').spec.egress,
  }
  writeFileSync(file, stringify(values))
  return file
}

for (const name of ['openshift', 'kubernetes', 'private-ca'])
  t.test(`${name}: the chart creates the same objects as kustomize`, async (t) => {
    const file = name === 'private-ca' ? privateCa(t.testdir({})) : join(deploy, 'helm', `${name}.yaml`)
    const created = template(file)
    const [ours, theirs] = [comparable(created), comparable(example(name))]
    t.same(Object.keys(ours).sort(), Object.keys(theirs).sort())
    for (const [id, object] of Object.entries(theirs)) t.same(ours[id], object, id)
    for (const manifest of created) t.same(complaints(manifest), [])
  })

t.test('the files of the chart are those of deploy/kubernetes, whatever is added or changed', async (t) => {
  const copy = t.testdir({ scripts: {} })
  cpSync(deploy, join(copy, 'deploy'), { recursive: true })
  copyFileSync(join(projectRoot, 'scripts', 'chart-files.mjs'), join(copy, 'scripts', 'chart-files.mjs'))
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(copy, 'scripts', 'chart-files.mjs'), ...args], { encoding: 'utf8' })
  t.equal(run('--check').status, 0)
  appendFileSync(join(copy, 'deploy', 'kubernetes', 'base', 'service.yaml'), '# changed\n')
  t.match(run('--check'), { status: 1, stderr: /out of date. .*service\.yaml/ })
  t.equal(run().status, 0)
  t.equal(run('--check').status, 0)
  writeFileSync(join(copy, 'deploy', 'helm', 'maas-portal', 'files', 'base', 'other.yaml'), '')
  t.equal(run('--check').status, 1, 'a file that is not a copy')
})

t.test('each value changes its field', async (t) => {
  const folder = t.testdir({})
  const base = parse(readFileSync(join(deploy, 'helm', 'openshift.yaml'), 'utf8'))
  const created = (change: object) => {
    writeFileSync(join(folder, 'values.yaml'), stringify({ ...base, ...change }))
    const manifests = template(join(folder, 'values.yaml'))
    return (kind: string, name = 'maas-portal') =>
      manifests.find((each) => each.kind === kind && each.metadata.name === name)
  }
  const digest = `sha256:${'a'.repeat(64)}`
  const { repository } = base.image
  const image = (change: object) =>
    created({ image: { repository, ...change } })('Deployment')?.spec.template.spec.containers[0].image
  t.equal(image({}), `${repository}:${version}`)
  t.equal(image({ tag: '9.9.9' }), `${repository}:9.9.9`)
  t.equal(image({ tag: '9.9.9', digest }), `${repository}@${digest}`)
  t.match(created({ autoscaling: { maxReplicas: 9 } })('HorizontalPodAutoscaler')?.spec, {
    minReplicas: 2,
    maxReplicas: 9,
  })
  const pod = (change: object) => created(change)('Deployment')?.spec.template.spec
  t.match(pod({ imagePullSecrets: [{ name: 'pull' }] }).imagePullSecrets, [{ name: 'pull' }])
  t.match(pod({ resources: { limits: { memory: '1Gi' } } }).containers[0].resources, {
    limits: { memory: '1Gi' },
    requests: { cpu: '250m', memory: '256Mi' },
  })
  t.match(pod({ secretName: 'other' }).volumes, [{ secret: { secretName: 'other' } }])
  t.match(JSON.stringify(pod({ certificateAuthority: 'router' })), 'maas-portal-router-ca')
  const ingress = created({ openshift: false, ingress: { annotations: { 'cert-manager.io/cluster-issuer': 'le' } } })(
    'Ingress',
  )
  t.match(ingress?.metadata.annotations, { 'cert-manager.io/cluster-issuer': 'le' })
  t.match(ingress?.spec.tls, [{ hosts: ['models.apps.example.com'], secretName: 'maas-portal-tls' }])
  const settings = { ...base.settings, PUBLIC_URL: 'https://Models.Example.com:8443' }
  const numbers = { SESSION_MAX: 2_592_000, SESSION_IDLE: 1_000_000, CATALOG_TTL: 0.5, OTEL_SDK_DISABLED: true }
  t.match(created({ settings: { ...settings, ...numbers } })('ConfigMap', 'maas-portal-settings')?.data, {
    PUBLIC_URL: settings.PUBLIC_URL,
    SESSION_MAX: '2592000',
    SESSION_IDLE: '1000000',
    CATALOG_TTL: '0.5',
    OTEL_SDK_DISABLED: 'true',
  })
  t.equal(created({ settings })('Route')?.spec.host, 'models.example.com')
  const elsewhere = created({ settings, openshift: false })('Ingress')?.spec
  t.equal(elsewhere.rules[0].host, 'models.example.com')
  t.same(elsewhere.tls[0].hosts, ['models.example.com'])
  const [one, other] = ['a', 'b'].map((name) => created({ portalConfig: `branding:\n  name: ${name}\n` })('Deployment'))
  t.not(
    one?.spec.template.metadata.annotations['checksum/config'],
    other?.spec.template.metadata.annotations['checksum/config'],
    'a changed setting restarts the pods',
  )
  const [plain, branded] = [{}, { 'logo.svg': '<svg viewBox="0 0 4 1"/>' }].map((portalFiles) =>
    created({ portalFiles }),
  )
  t.equal(branded?.('ConfigMap', 'maas-portal-config')?.data['logo.svg'], '<svg viewBox="0 0 4 1"/>')
  t.not(
    plain?.('Deployment')?.spec.template.metadata.annotations['checksum/config'],
    branded?.('Deployment')?.spec.template.metadata.annotations['checksum/config'],
    'a changed picture, too',
  )
})

t.test('invalid values are rejected by name', async (t) => {
  const settings = ['PUBLIC_URL', 'THREESCALE_ADMIN_URL', 'OIDC_ISSUER'].map(
    (name) => `settings.${name}=https://a.example.com`,
  )
  const run = (...set: string[]) =>
    spawnSync(tools[1] ?? '', ['template', 'x', chart, '--set', [...settings, ...set].join(',')], { encoding: 'utf8' })
  t.equal(run().status, 0)
  for (const [set, words] of [
    ['image.tag=latest', /tag/],
    ['image.repository=r/maas-portal:1', /repository/],
    ['image.digest=sha256:1', /digest/],
    ['settings.SESSION_SECRET=x', /SESSION_SECRET/],
    ['settings.PUBLIC_ULR=x', /PUBLIC_ULR/],
    ['settings.PUBLIC_URL=http://a.example.com', /PUBLIC_URL/],
    ['replicas=3', /replicas/],
    ['redis.image=redis', /redis/],
    ['redis.image=registry.example.com:5000/redis', /redis/],
    ['redis.image=redis:latest', /redis/],
    ['autoscaling.minReplicas=9', /minReplicas is more than maxReplicas/],
    // The Deployment has these ports and this path.
    ['settings.PORT=8080', /PORT/],
    ['settings.METRICS_PORT=9000', /METRICS_PORT/],
    ['settings.HOST=127.0.0.1', /HOST/],
    ['settings.PORTAL_CONFIG=/etc/portal.yaml', /PORTAL_CONFIG/],
    ['certificateAuthority=mine', /certificateAuthority/],
  ] as const) {
    const { status, stderr } = run(set)
    t.not(status, 0, set)
    t.match(stderr, words, set)
  }
  const none = spawnSync(tools[1] ?? '', ['template', 'x', chart], { encoding: 'utf8' })
  t.match(none.stderr, /PUBLIC_URL/)
})

t.test('every setting that is not a secret is in the chart, whose version is that of this checkout', async (t) => {
  const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8'))
  const env = readFileSync(join(deploy, 'kubernetes', 'base', 'settings.env'), 'utf8')
  const names = [...env.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)
  const ofDeployment = ['HOST', 'PORT', 'METRICS_PORT', 'PORTAL_CONFIG']
  t.same([...schema.properties.settings.propertyNames.enum, ...ofDeployment].sort(), names.sort())
  const { version: own, appVersion } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))
  t.same([own, appVersion], [version, version])
})

t.test('a packaged chart contains its files, and lint reports nothing', async (t) => {
  const folder = t.testdir({})
  const values = join(deploy, 'helm', 'openshift.yaml')
  t.match(helm('lint', '--strict', chart, '--values', values), '0 chart(s) failed')
  helm('package', chart, '--destination', folder)
  t.same(readdirSync(folder), [`maas-portal-${version}.tgz`])
  t.same(comparable(template(values, join(folder, `maas-portal-${version}.tgz`))), comparable(template(values)))
})
