import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { version } from '../../src/version.js'
import { kubectl, type Manifest, render } from './kubernetes.js'
import { complaints } from './schemas.js'

const deploy = join(projectRoot, 'deploy')
const examples = join(deploy, 'kubernetes', 'examples')
const REMOTE = 'https://git.example.com/maas/maas-portal.git'

/** The example as a cluster's own tool renders it: git fetches base and components, here from a copy with the tag of this release. */
function remote(folder: string): Manifest[] {
  const repository = join(folder, 'repository')
  mkdirSync(join(repository, 'deploy'), { recursive: true })
  cpSync(join(deploy, 'kubernetes'), join(repository, 'deploy', 'kubernetes'), { recursive: true })
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args])
  git('init', '--quiet')
  git('add', '-A')
  git('commit', '--quiet', '-m', 'all')
  git('tag', `v${version}`)
  return render(join(examples, 'gitops'), {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `url.file://${repository}.insteadOf`,
    GIT_CONFIG_VALUE_0: REMOTE,
  })
}

t.test('a separate repository uses base and components of a tag, and secrets from a vault', async (t) => {
  const manifests = remote(t.testdir({}))
  const names = (list: Manifest[]) =>
    list.map(({ kind, metadata }) => `${kind}/${metadata.name.replace(/-[a-z0-9]{10}$/, '')}`)
  const beside = ['ExternalSecret/maas-portal', 'ExternalSecret/maas-redis']
  const without = ['ConfigMap/maas-portal-dashboard', 'PrometheusRule/maas-portal']
  const openshift = names(render(join(examples, 'openshift'))).filter((name) => !without.includes(name))
  t.same(names(manifests).sort(), [...openshift, ...beside].sort())
  for (const manifest of manifests) t.same(complaints(manifest), [])
  for (const { spec } of manifests)
    t.notOk(spec?.replicas > 1, 'a field that an autoscaler changes is not synchronised')
})

t.test('the secrets from the vault have the keys that the pods read', async (t) => {
  const manifests = remote(t.testdir({}))
  const keysOf = (name: string) => {
    const { target, data } =
      manifests.find(({ kind, metadata }) => kind === 'ExternalSecret' && metadata.name === name)?.spec ?? {}
    t.equal(target.name, name)
    const used = [...JSON.stringify(target.template.data).matchAll(/\{\{ \.(\w+) \}\}/g)].map(([, key]) => key)
    const read = (data as { secretKey: string }[]).map(({ secretKey }) => secretKey)
    t.same([...new Set(used)].sort(), read.sort(), 'every entry is used, and every name is an entry')
    return target.template.data as Record<string, string>
  }
  const portal = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'maas-portal')
  const files: string[] = JSON.stringify(portal).match(/(?<=\/run\/secrets\/maas-portal\/)[\w-]+/g) ?? []
  const keys = Object.keys(keysOf('maas-portal'))
  for (const key of keys) t.ok(files.includes(key), key)
  for (const key of ['threescale-access-token', 'oidc-client-secret', 'session-secret', 'username-secret', 'redis-url'])
    t.ok(keys.includes(key), key)
  const users = execFileSync('sh', [join(deploy, 'kubernetes', 'redis', 'users.sh')], {
    encoding: 'utf8',
    input: '{{ .redis }}',
  })
  t.equal(keysOf('maas-redis')['redis.conf'], users, 'as the script prints it')
})

t.test(
  'a model is promoted by a hook after each sync, which does not remove itself and is replaced by the next',
  async (t) => {
    const manifests = render(join(deploy, '3scale', 'gitops'))
    const model = render(join(deploy, '3scale', 'model'))
    t.same(
      manifests.filter(({ kind }) => kind !== 'ProxyConfigPromote').map(({ kind }) => kind),
      model.map(({ kind }) => kind),
    )
    const promote = manifests.find(({ kind }) => kind === 'ProxyConfigPromote')
    t.match(promote, {
      metadata: {
        annotations: {
          'argocd.argoproj.io/hook': 'PostSync',
          'argocd.argoproj.io/hook-delete-policy': 'BeforeHookCreation',
        },
      },
      spec: { production: true, deleteCR: false },
    })
    t.ok(model.some(({ kind, metadata }) => kind === 'Product' && metadata.name === promote?.spec.productCRName))
    const health = readFileSync(join(deploy, '3scale', 'gitops', 'product-health.yaml'), 'utf8')
    t.match(
      health,
      'status.observedGeneration ~= obj.metadata.generation',
      'the previous state does not count as healthy',
    )
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm' } }
    const folder = t.testdir({ 'argocd-cm.json': JSON.stringify(settings) })
    const patch = join(deploy, '3scale', 'gitops', 'product-health.yaml')
    const patched = kubectl(
      ...['patch', '--local', '--type=merge', '-o', 'json', '--patch-file', patch],
      ...['-f', join(folder, 'argocd-cm.json')],
    )
    for (const kind of ['Product', 'ProxyConfigPromote'])
      t.match(patched, `resource.customizations.health.capabilities.3scale.net_${kind}`)
  },
)
