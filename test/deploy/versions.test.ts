import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { version } from '../../src/version.js'
import { render } from './kubernetes.js'

const deploy = join(projectRoot, 'deploy')
const kubernetes = join(deploy, 'kubernetes')
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`

/** Examples that are read from git, and therefore have a separate test. */
const remote = ['gitops']

t.test('every reference to an image of this project has the version of this checkout, or a digest', async (t) => {
  let found = 0
  for (const path of files(deploy)) {
    if (/\.(json|woff2)$/.test(path)) continue
    const text = readFileSync(path, 'utf8')
    for (const [mention, tag] of text.matchAll(/[\w.:-]*\/maas-portal:([\w.-]+)/g)) {
      found++
      t.notMatch(mention, ':latest', path)
      if (!path.endsWith('set-image.sh')) t.equal(tag, version, `${path}: ${mention}`)
    }
    for (const [, tag] of text.matchAll(/- name: maas-portal\n {4}newName: \S+\n {4}newTag: "?([\w.-]+)"?/g)) {
      found++
      t.equal(tag, version, path)
    }
    for (const [, value] of text.matchAll(/^ARG VERSION=(.*)$/gm)) t.equal(value, version, path)
    for (const [, ref] of text.matchAll(/[?&]ref=v([\w.-]+)/g)) t.equal(ref, version, path)
  }
  t.ok(found > 5, `${found}`)
})

t.test('no container of any example runs an image without a version', async (t) => {
  const examples = readdirSync(join(kubernetes, 'examples')).filter((name) => !remote.includes(name))
  for (const folder of [...examples.map((name) => `examples/${name}`), 'key-sync'])
    for (const { spec } of render(join(kubernetes, folder)))
      for (const { image } of (spec?.jobTemplate?.spec ?? spec)?.template?.spec?.containers ?? []) {
        t.match(image, /(:[\w.-]+|@sha256:[0-9a-f]{64})$/, `${folder}: ${image}`)
        t.notMatch(image, /:latest$/)
      }
})

for (const [image, expected] of [
  ['registry.example.com:5000/maas/maas-portal:0.2.0', 'registry.example.com:5000/maas/maas-portal:0.2.0'],
  [`quay.io/maas/maas-portal@${DIGEST}`, `quay.io/maas/maas-portal@${DIGEST}`],
  [`registry.example.com:5000/maas-portal:0.2.0@${DIGEST}`, `registry.example.com:5000/maas-portal@${DIGEST}`],
  ['quay.io/maas/maas-portal:1', 'quay.io/maas/maas-portal:1'],
] as const)
  t.test(`one command sets ${image} in an example, and only there`, async (t) => {
    const folder = copyOf(t.testdir({}))
    const before = images(folder)
    const ran = setImage(folder, `maas-portal=${image}`)
    t.equal(ran.status, 0, ran.stderr)
    t.same(images(folder), { ...before, portal: expected })
    t.equal(setImage(folder, `maas-portal=${image}`).status, 0)
    t.same(images(folder), { ...before, portal: expected }, 'repeated without a change')
    t.equal(setImage(folder, 'maas-portal=r/maas-portal:9', `maas-redis=r/redis@${DIGEST}`).status, 0)
    t.same(images(folder), { portal: 'r/maas-portal:9', redis: `r/redis@${DIGEST}` })
  })

t.test('the command rejects an image without a version, latest, and an unknown name', async (t) => {
  const folder = copyOf(t.testdir({}))
  const before = readFileSync(join(folder, 'kustomization.yaml'), 'utf8')
  for (const [pair, words] of [
    ['maas-portal=quay.io/maas/maas-portal', 'neither tag nor digest'],
    ['maas-portal=registry.example.com:5000/maas-portal', 'neither tag nor digest'],
    ['maas-portal=quay.io/maas/maas-portal:latest', 'latest moves'],
    ['portal=quay.io/maas/maas-portal:1', 'no image portal'],
  ] as const)
    t.match(setImage(folder, pair), { status: 2, stderr: words }, pair)
  t.match(setImage(folder), { status: 2, stderr: 'usage' })
  t.equal(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'), before)
})

/** An example next to the others, as the guide copies it. */
function copyOf(folder: string): string {
  mkdirSync(join(folder, 'kubernetes', 'examples'), { recursive: true })
  for (const name of ['base', 'route', 'service-monitor', 'observability', 'redis', 'examples/openshift'])
    cpSync(join(kubernetes, name), join(folder, 'kubernetes', name), { recursive: true })
  return join(folder, 'kubernetes', 'examples', 'openshift')
}

function images(folder: string): Record<string, string> {
  const containers = render(folder).flatMap(({ spec }) => spec?.template?.spec?.containers ?? [])
  return Object.fromEntries(containers.map(({ name, image }: { name: string; image: string }) => [name, image]))
}

function setImage(folder: string, ...pairs: string[]) {
  return spawnSync('sh', [join(kubernetes, 'set-image.sh'), folder, ...pairs], { encoding: 'utf8' })
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : [path]
  })
}
