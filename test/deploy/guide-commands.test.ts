import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/environment.js'
import { projectRoot } from '../../src/project-root.js'
import { version } from '../../src/version.js'
import { documents, kubectl, type Manifest, read, render, tools } from './kubernetes.js'
import { complaints } from './schemas.js'

/**
 * The commands of deploy/README.md, pasted unchanged into a shell without a cluster: kubectl is the real one for local commands,
 * and otherwise returns what a cluster would.
 */
const guide = readFileSync(join(projectRoot, 'deploy', 'README.md'), 'utf8')
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
const [realKubectl = '', realHelm = ''] = tools
const optionalKeys = [
  ...(guide.split('| key | without it |')[1]?.split('\n\n')[0] ?? '').matchAll(/^\| `([a-z-]+)`/gm),
].map(([, key = '']) => key)
const MOUNTED = '/run/secrets/maas-portal/'
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'
const base64 = (value: string) => Buffer.from(value).toString('base64')
const TYPED = [
  ...['postgresql://system:p%40ss@db.example.com/system', 'redis://:one@redis.example.com:6379/0'],
  ...['redis://:two@redis.example.com:6379', 'p@ss/word #1', 'mail password', 'token-of-3scale'],
  'smtp://portal:a"b\\c$d@smtp.example.com:587',
]

const pretended = `#!/bin/bash
printf '%s\\n' "$*" >>"$RECORD/kubectl.log"
add() { echo --- >>"$RECORD/objects.yaml"; tee -a "$RECORD/objects.yaml"; }
case "$*" in
  "create secret "*|"create configmap "*|"create namespace "*) ${realKubectl} "$@" --dry-run=client -o yaml | add ;;
  "apply -k "*) ${realKubectl} kustomize "$3" | add >/dev/null ;;
  "apply -f -") cat >/dev/null ;;
  "apply "*" -f "*|"apply -f "*|"create -f "*) cat "\${@: -1}" | add >/dev/null ;;
  "delete -f "*) test -f "$3" ;;
  "patch secret "*) cat >>"$RECORD/patches"; echo >>"$RECORD/patches" ;;
  *jsonpath=*generation*) echo 3 ;;
  *MAAS_PORTAL_SECRET*) printf ${base64('secret-of-the-client')} ;;
  *session-secret*) printf ${base64('the-old-session-secret-of-32-bytes!')} ;;
  *default-ingress-cert*) echo '${PEM}' ;;
  "get crd "*|"wait "*|"rollout "*|"exec "*|"delete keycloakrealmimport/maas "*) ;;
  *) echo "kubectl $*: not expected" >&2; exit 9 ;;
esac
`
const shims: Record<string, string> = {
  kubectl: pretended,
  helm: `#!/bin/bash\n[ "$1 $2" = "upgrade --install" ] || exit 9\nshift 2\nexec ${realHelm} template "$@" >"$RECORD/helm.yaml"\n`,
  oc: `#!/bin/bash\nprintf '%s\\n' "$*" >>"$RECORD/oc.log"\ncase "$*" in *dockerImageReference*) printf r/p/maas-portal@sha256:${'0'.repeat(64)} ;; esac\n`,
  podman: `#!/bin/bash\nprintf '%s\\n' "$*" >>"$RECORD/podman.log"\n`,
  // Waiting commands return immediately.
  sleep: '#!/bin/bash\nexit 0\n',
}

const folder = t.testdir({ bin: {}, record: {}, work: {} })
const [bin, record, work] = ['bin', 'record', 'work'].map((name) => join(folder, name)) as [string, string, string]
for (const [name, text] of Object.entries(shims)) writeFileSync(join(bin, name), text, { mode: 0o755 })
cpSync(join(projectRoot, 'deploy'), join(work, 'deploy'), { recursive: true })
// The files of the upstream policy are not fetched.
const policy = join(work, 'deploy', '3scale', 'policy')
const files = [...readFileSync(join(policy, 'kustomization.yaml'), 'utf8').matchAll(/- (\w[\w-]*\.(?:json|lua))$/gm)]
writeFileSync(
  join(policy, 'fetch.sh'),
  `#!/bin/sh\ncd "$(dirname "$0")"\nfor file in ${files.map(([, name]) => name).join(' ')}; do echo >$file; done\n`,
  { mode: 0o755 },
)
writeFileSync(join(work, 'realm-changes.json'), '{}')
writeFileSync(join(work, 'all.sh'), `set -euo pipefail\n${blocks.join('\n')}`)
const env = {
  PATH: `${bin}:${process.env.PATH}`,
  HOME: folder,
  RECORD: record,
  ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 't', GIT_AUTHOR_EMAIL: 't@example.com' },
  ...{ GIT_COMMITTER_NAME: 't', GIT_COMMITTER_EMAIL: 't@example.com' },
}
const inWork = (command: string, args: string[], input?: string) =>
  spawnSync(command, args, { cwd: work, env, encoding: 'utf8', ...(input === undefined ? {} : { input }) })
inWork('git', ['init', '--quiet'])
inWork('git', ['add', 'deploy'])
inWork('git', ['commit', '--quiet', '-m', 'all'])
const ran = inWork('bash', ['all.sh'], `${TYPED.join('\n')}\n`)
const recorded = (name: string) => (existsSync(join(record, name)) ? readFileSync(join(record, name), 'utf8') : '')
const objects = documents(recorded('objects.yaml'))
const log = recorded('kubectl.log').trim().split('\n')
const created = (kind: string, name: string) =>
  objects.findLast((each) => each.kind === kind && each.metadata.name === name) as Manifest
const valuesOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(created('Secret', name)?.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(String(value), 'base64').toString(),
    ]),
  )

t.test('the commands run from first to last, with every variable set before it is used', async (t) => {
  t.ok(blocks.length > 12)
  for (const block of blocks) {
    const parsed = spawnSync('bash', ['-n'], { input: block, encoding: 'utf8' })
    t.equal(parsed.status, 0, parsed.stderr)
  }
  t.equal(ran.status, 0, `${ran.stderr}\n${log.slice(-3).join('\n')}`)
  t.match(log.at(-1), 'rollout status deployment/maas-portal', 'including the last one')
})

t.test('manually created objects have the keys that the manifests read', async (t) => {
  const manifests = render(join(projectRoot, 'deploy', 'kubernetes', 'examples', 'openshift'))
  const named = ({ kind, metadata }: Manifest) => kind === 'Deployment' && metadata.name === 'maas-portal'
  const portal = manifests.find(named) as Manifest
  const mounted = (portal.spec.template.spec.containers[0].env as { name: string; value: string }[])
    .map(({ value }) => value)
    .filter((value) => value.startsWith(MOUNTED))
    .map((value) => value.split('/').at(-1))
  const keys = Object.keys(valuesOf('maas-portal'))
  for (const key of keys) t.ok(mounted.includes(key), `${key} is read`)
  for (const key of mounted)
    t.ok(keys.includes(key ?? '') || optionalKeys.includes(key ?? ''), `${key} is created or optional`)
  t.same(Object.keys(valuesOf('maas-redis')), ['redis.conf'])
  t.same(Object.keys(valuesOf('maas-portal-tls')), ['tls.crt', 'tls.key'])
  t.same(Object.keys(valuesOf('maas-redis-tls')), ['tls.crt', 'tls.key'])
  t.same(Object.keys(created('ConfigMap', 'maas-redis-ca').data), ['service-ca.crt'])

  const keycloak = join(projectRoot, 'deploy', 'keycloak')
  const importer = read(join(keycloak, 'realm-import.yaml')).find(({ kind }) => kind === 'KeycloakRealmImport')
  const placeholders = Object.values(importer?.spec.placeholders as Record<string, { secret: { key: string } }>)
  t.same(Object.keys(valuesOf('maas-realm')).sort(), placeholders.map(({ secret }) => secret.key).sort())
  const server = read(join(keycloak, 'keycloak.yaml')).find(({ kind }) => kind === 'Keycloak')
  const db = server?.spec.db as Record<string, { name: string; key: string }>
  t.same(Object.keys(valuesOf(db.usernameSecret?.name ?? '')), [db.passwordSecret?.key, db.usernameSecret?.key])

  const [patch] = read(join(projectRoot, 'deploy', 'kubernetes', 'router-ca', 'deployment.yaml')) as [Manifest]
  const [{ configMap }] = patch.spec.template.spec.volumes
  const [{ value: file }] = patch.spec.template.spec.containers[0].env
  t.same(Object.keys(created('ConfigMap', configMap.name).data), [file.split('/').at(-1)])
  t.match(created('ConfigMap', configMap.name).data['ca-bundle.crt'], 'BEGIN CERTIFICATE')
})

t.test(
  'values arrive as they were entered or generated: without line breaks and characters that a URL would change',
  async (t) => {
    for (const { kind, metadata } of objects.filter((each) => each.kind === 'Secret' && each.type === 'Opaque')) {
      if (!log.some((line) => line.startsWith(`create secret generic ${metadata.name} `))) continue
      for (const [key, value] of Object.entries(valuesOf(metadata.name))) {
        t.ok(value.length > 0, `${kind} ${metadata.name} ${key}`)
        if (key !== 'redis.conf') t.notMatch(value, /\n/, `${metadata.name} ${key}`)
      }
    }
    t.equal(valuesOf('sso-db').password, 'p@ss/word #1')
    t.equal(valuesOf('maas-realm').SMTP_PASSWORD, 'mail password')
    const url = new URL(valuesOf('maas-portal')['redis-url'] ?? '')
    t.match(valuesOf('maas-redis')['redis.conf'], `user portal on >${decodeURIComponent(url.password)} ~maas:*`)
    t.match(url.password, /^[0-9a-f]{64}$/)
    const patches = recorded('patches').trim().split('\n')
    t.same(
      patches.map((patch) => JSON.parse(patch)).filter(({ data }) => 'smtp-url' in data),
      [{ data: { 'smtp-url': base64(TYPED.at(-1) ?? '') } }],
      'every character of a replaced value',
    )
    for (const block of blocks) t.notMatch(block, /:\/\/\w+:\w+@(?!.*' [A-Z_]+$)|users\.sh "/m, 'a secret in a command')
    for (const line of log)
      t.notMatch(line, /smtp:|p@ss|mail password|token-of-3scale|secret-of-the-client/, 'no secret in an argument')
  },
)

t.test(
  'the portal accepts the secrets as the commands create them, and only optional ones may be missing',
  async (t) => {
    const example = documents(kubectl('kustomize', join(work, 'deploy', 'kubernetes', 'examples', 'mine')))
    const of = (kind: string, name: string) =>
      example.find((each) => each.kind === kind && each.metadata.name.startsWith(name)) as Manifest
    const container = of('Deployment', 'maas-portal').spec.template.spec.containers[0]
    t.equal(container.image, `registry.example.com/maas/maas-portal:${version}`, 'the image that was built')
    const files = (container.env as { name: string; value: string }[]).filter(({ value }) => value.startsWith(MOUNTED))
    const configOf = (secrets: Record<string, string>) => {
      const place = t.testdir({ ...secrets, 'service-ca.crt': PEM })
      const env = files.map(({ name, value }) => [name, join(place, value.slice(MOUNTED.length))])
      const settings = of('ConfigMap', 'maas-portal-settings').data as Record<string, string>
      return loadConfig({ ...settings, ...Object.fromEntries(env), PORTAL_CONFIG: '' })
    }
    const created = valuesOf('maas-portal')
    const config = configOf(created)
    t.equal(config.threescale.accessToken, 'token-of-3scale')
    t.equal(config.oidc.clientSecret, 'secret-of-the-client')
    for (const { value } of files) {
      const key = value.slice(MOUNTED.length)
      const { [key]: _, ...others } = created
      if (optionalKeys.includes(key)) t.ok(configOf(others), key)
      else t.throws(() => configOf(others), /cannot read|is missing/, key)
    }
  },
)

t.test('3scale gets its databases under the names and keys that its operator expects', async (t) => {
  const { externalComponents } = created('APIManager', 'apimanager').spec
  t.match(externalComponents, { system: { database: true, redis: true }, backend: { redis: true } })
  t.same(valuesOf('system-database'), { URL: TYPED[0] })
  t.same(valuesOf('system-redis'), { URL: TYPED[1] })
  t.same(valuesOf('backend-redis'), { REDIS_QUEUES_URL: `${TYPED[2]}/1`, REDIS_STORAGE_URL: `${TYPED[2]}/0` })
  t.equal(created('Subscription', '3scale-operator').spec.channel, 'threescale-2.16')
})

t.test("no resource of an operator is applied before the operator's definitions exist", async (t) => {
  // Part of OpenShift.
  const there =
    /^(apps|batch|policy|autoscaling|networking\.k8s\.io|(.*\.)?openshift\.io|operators\.coreos\.com|monitoring\.coreos\.com)$/
  let waited = ''
  for (const line of log) {
    if (line.startsWith('wait crd/')) waited += line
    const [, path = ''] = /^(?:apply|create) (?:-n \S+ )?-[kf] (\S+)$/.exec(line) ?? []
    if (!path || path === '-') continue
    const place = join(work, path)
    for (const { apiVersion, kind } of path.endsWith('.yaml') ? read(place) : render(place)) {
      const [group = '', version] = apiVersion.split('/')
      if (version && !there.test(group))
        t.match(waited, `.${group.replace(/^capabilities|^apps/, 'apps')}`, `${line}: ${kind}`)
    }
  }
  t.match(waited, /apimanagers\.apps\.3scale\.net.*keycloaks\.k8s\.keycloak\.org/)
  for (const object of objects.filter(({ kind }) => !['Secret', 'ConfigMap'].includes(kind)))
    t.same(complaints(object), [])
})

t.test(
  'a change of a model is promoted after the operator has processed it, and an earlier promotion is removed',
  async (t) => {
    const order = ['get product/', 'wait product/granite-3-8b -n 3scale --for=jsonpath={.status.observedGeneration}=3']
    const steps = [
      ...order,
      'wait product/granite-3-8b -n 3scale --for=condition=Synced',
      'delete -f mymodel/promote.yaml',
      'create -f mymodel',
    ]
    const places = steps.map((step) => log.findIndex((line) => line.startsWith(step)))
    t.notOk(places.includes(-1), `${places}`)
    t.same(
      places,
      [...places].sort((one, other) => one - other),
    )
  },
)

t.test(
  'a session secret is replaced in an order in which every replica can decrypt what another one encrypts',
  async (t) => {
    const lists = recorded('patches')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { data: Record<string, string> }).data['session-secret'])
      .filter((list) => list !== undefined)
      .map((list) => Buffer.from(list, 'base64').toString().split(','))
    const old = 'the-old-session-secret-of-32-bytes!'
    const [, added] = lists[0] ?? []
    t.same(lists, [[old, added], [added, old], [added]])
    // What a replica of one step encrypts, one of the previous step can decrypt.
    for (const [index, [seals]] of lists.entries())
      t.ok((lists[index - 1] ?? [old]).includes(seals ?? ''), `step ${index + 1}`)
    const restarts = log.filter((line) => line.startsWith('rollout restart deployment/maas-portal'))
    t.equal(restarts.length, recorded('patches').trim().split('\n').length, 'each is followed by a restart')
  },
)

t.test('oc is used only where kubectl has no equivalent', async (t) => {
  for (const [command] of guide.matchAll(/\boc [a-z-]+( \S+)?/g))
    t.match(command, /^oc (start-build|get istag|create route)/, command)
})

t.test('the image is built from the content of git, and states its commit', async (t) => {
  t.match(
    recorded('oc.log'),
    /start-build maas-portal .*--from-archive=maas-portal\.tar\.gz .*--build-arg=COMMIT=[0-9a-f]{40}/,
  )
  t.match(recorded('podman.log'), /build -f deploy\/Containerfile .*COMMIT=[0-9a-f]{40} .*BUILD_DATE=\d{4}-/)
  const listed = inWork('tar', ['-tzf', 'maas-portal.tar.gz']).stdout
  t.match(listed, 'deploy/Containerfile')
  t.notMatch(listed, 'realm-changes.json', 'only committed files')
})
