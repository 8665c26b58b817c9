import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { documents, kubectl, type Manifest, render } from './kubernetes.js'

/**
 * Conditions that stop a pod where no admission assigns a user id, as on any Kubernetes except OpenShift: the rule of
 * pkg/kubelet/kuberuntime/security_context.go for runAsNonRoot, and the owner and mode of mounted files
 * (pkg/volume/util/atomic_writer.go, pkg/volume/volume_linux.go).
 */
const examples = join(projectRoot, 'deploy', 'kubernetes', 'examples')
const containerfile = readFileSync(join(projectRoot, 'deploy', 'Containerfile'), 'utf8')
const portalUser = [...containerfile.matchAll(/^USER (\S+)$/gm)].at(-1)?.[1]

interface User {
  /** Undefined: a name, which the kubelet cannot compare with 0. */
  uid: number | undefined
  gid: number
}

/** The user of each image: one without a group has that of /etc/passwd, or 0 without an entry. */
const images: [RegExp, User][] = [
  [/\/maas-portal[:@]/, { uid: Number(portalUser), gid: 0 }],
  // https://github.com/docker-library/redis/issues/189: no USER, so root.
  [/\/library\/redis[:@]/, { uid: 0, gid: 0 }],
]

interface Volume {
  name: string
  secret?: { secretName: string; defaultMode?: number }
  configMap?: { name: string; defaultMode?: number }
}

function obstacles(manifests: Manifest[]): string[] {
  return manifests
    .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job', 'CronJob'].includes(kind))
    .flatMap(({ metadata, spec }) => {
      const pod = (spec.jobTemplate ?? { spec }).spec.template.spec
      return pod.containers.flatMap(
        (container: { image: string; securityContext?: object; volumeMounts?: object[] }) => {
          const label = `${metadata.name}: ${container.image}`
          const context = { ...pod.securityContext, ...container.securityContext }
          const image = images.find(([pattern]) => pattern.test(container.image))?.[1]
          if (!image) return [`${label} is not in the table`]
          const uid = context.runAsUser ?? image.uid
          const groups = [context.runAsGroup ?? image.gid, context.fsGroup, ...(context.supplementalGroups ?? [])]
          const found = context.runAsNonRoot && !(uid > 0) ? [`${label} would run as root`] : []
          for (const volume of pod.volumes as Volume[]) {
            const files = volume.secret ?? volume.configMap
            if (!files) continue
            const mode = files.defaultMode ?? 0o644
            const mayRead = uid === 0 || mode & 0o004 || (mode & 0o040 && groups.includes(context.fsGroup ?? 0))
            if (!mayRead) found.push(`${label} cannot read ${volume.name}`)
          }
          return found
        },
      )
    })
}

t.test('on plain Kubernetes every container starts as a user other than root and can read its files', async (t) => {
  const manifests = render(join(examples, 'kubernetes'))
  t.notOk(manifests.some(({ apiVersion }) => /openshift|monitoring\.coreos/.test(apiVersion)))
  t.notMatch(JSON.stringify(manifests), /openshift\.io\//, 'nothing depends on OpenShift')
  t.same(obstacles(manifests), [])
})

t.test('the job that stores a key in a Secret also starts', async (t) => {
  const manifests = render(join(examples, '..', 'key-sync'))
  t.equal(manifests.filter(({ kind }) => kind === 'CronJob').length, 1)
  t.same(obstacles(manifests), [])
})

t.test('three Redis pods also start there, with the same component', async (t) => {
  const folder = t.testdir({})
  // Kustomize accepts no absolute path.
  const [base, redis, elsewhere] = ['base', 'redis-sentinel', 'not-openshift'].map((name) =>
    relative(realpathSync(folder), join(realpathSync(examples), '..', name)),
  )
  const images =
    '[{ name: maas-portal, newName: r/maas-portal }, { name: maas-redis, newName: r/library/redis, newTag: "7.2" }]'
  writeFileSync(
    join(folder, 'kustomization.yaml'),
    `resources: [${base}]\ncomponents: [${redis}, ${elsewhere}]\nimages: ${images.replace('r/maas-portal', 'r/maas-portal, newTag: "1"')}\n`,
  )
  const manifests = render(folder)
  t.equal(manifests.filter(({ kind }) => kind === 'StatefulSet').length, 1)
  t.same(obstacles(manifests), [])
})

t.test('a container without a user id, or without the group of its files, is reported', async (t) => {
  const without = (field: string) => {
    const manifests = render(join(examples, 'kubernetes'))
    for (const { spec } of manifests) delete spec?.template?.spec?.securityContext?.[field]
    return obstacles(manifests)
  }
  t.match(without('runAsUser'), [/maas-redis: .* would run as root/])
  t.match(without('fsGroup'), [/maas-redis: .* cannot read secret/, /maas-redis: .* cannot read tls/])
})

t.test('an object that the guide creates manually is in no manifest, because an apply would clear it', async (t) => {
  const created = ['Secret/maas-portal', 'Secret/maas-redis', 'Secret/maas-redis-tls', 'ConfigMap/maas-redis-ca']
  for (const { kind, metadata } of render(join(examples, 'kubernetes')))
    t.notOk(created.includes(`${kind}/${metadata.name}`), `${kind} ${metadata.name}`)
  t.match(documents(kubectl('create', 'namespace', 'maas-portal', '--dry-run=client', '-o', 'yaml')), [
    { kind: 'Namespace', metadata: { name: 'maas-portal' } },
  ])
})
