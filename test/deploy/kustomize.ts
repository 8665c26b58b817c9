import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  // biome-ignore lint/suspicious/noExplicitAny: whatever its kind has; schemas.ts looks at it
  [field: string]: any
}

interface Generator {
  name: string
  behavior?: 'create' | 'merge'
  envs?: string[]
  files?: string[]
  literals?: string[]
  options?: { disableNameSuffixHash?: boolean; labels?: Record<string, string> }
}

interface Kustomization {
  resources?: string[]
  components?: string[]
  namespace?: string
  images?: { name: string; newName?: string; newTag?: string }[]
  configMapGenerator?: Generator[]
  secretGenerator?: Generator[]
  patches?: { path?: string; patch?: string; target?: { kind: string; name: string } }[]
}

const known = [
  'apiVersion',
  'kind',
  'resources',
  'components',
  'namespace',
  'images',
  'configMapGenerator',
  'secretGenerator',
  'patches',
]
/** how lists are merged by name (x-kubernetes-patch-merge-key of the API types); any other list is replaced */
const mergeKeys: Record<string, string> = {
  containers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
}

/** What `kubectl kustomize` makes of a folder, for the features that deploy/ uses; any other feature throws. */
export function render(folder: string): Manifest[] {
  const manifests = build(folder, [])
  const renamed = new Map<string, string>()
  for (const manifest of manifests) {
    if (!hashed.has(manifest)) continue
    const name = `${manifest.metadata.name}-${hashOf(manifest)}`
    renamed.set(`${manifest.kind}/${manifest.metadata.name}`, name)
    manifest.metadata.name = name
  }
  for (const manifest of manifests) follow(manifest, renamed)
  return manifests
}

const hashed = new WeakSet<Manifest>()

/** As `render`, with names as they are written. */
export function build(folder: string, below: Manifest[]): Manifest[] {
  const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization
  for (const key of Object.keys(kustomization))
    if (!known.includes(key)) throw new Error(`${folder}: ${key} is new here`)
  const manifests = [...below, ...(kustomization.resources ?? []).flatMap((path) => read(join(folder, path)))]
  for (const generator of kustomization.configMapGenerator ?? []) generate(manifests, 'ConfigMap', generator, folder)
  for (const generator of kustomization.secretGenerator ?? []) generate(manifests, 'Secret', generator, folder)
  const whole = (kustomization.components ?? []).reduce((all, path) => build(join(folder, path), all), manifests)
  for (const { path, patch, target } of kustomization.patches ?? []) {
    const text = path ? readFileSync(join(folder, path), 'utf8') : (patch ?? '')
    const parsed = parse(text) as Manifest | Operation[]
    if (Array.isArray(parsed)) {
      if (!target) throw new Error(`${folder}: a JSON patch needs a target`)
      for (const operation of parsed) apply(find(whole, target.kind, target.name), operation)
    } else merge(find(whole, parsed.kind, parsed.metadata.name), parsed)
  }
  for (const image of kustomization.images ?? []) whole.forEach((manifest) => void setImage(manifest, image))
  if (kustomization.namespace) for (const manifest of whole) manifest.metadata.namespace = kustomization.namespace
  return whole
}

/** Every document of a file, or of a folder with a kustomization. */
export function read(path: string): Manifest[] {
  if (statSync(path).isDirectory()) return build(path, [])
  return parseAllDocuments(readFileSync(path, 'utf8'))
    .map((document) => document.toJS() as Manifest)
    .filter(Boolean)
}

function find(manifests: Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  if (!found) throw new Error(`nothing to patch: ${kind} ${name}`)
  return found
}

function generate(manifests: Manifest[], kind: 'ConfigMap' | 'Secret', generator: Generator, folder: string): void {
  const { name, behavior = 'create', envs = [], files = [], literals = [], options = {} } = generator
  const lines = envs.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => line.trim() && !line.startsWith('#')),
  )
  const pairs = [...lines, ...literals].map((line) => [
    line.slice(0, line.indexOf('=')),
    line.slice(line.indexOf('=') + 1),
  ])
  const contents = files.map((file) => [basename(file), readFileSync(join(folder, file), 'utf8')])
  const data: Record<string, string> = Object.fromEntries([...pairs, ...contents])
  if (kind === 'Secret') for (const key in data) data[key] = Buffer.from(data[key] ?? '').toString('base64')
  if (behavior === 'merge') {
    const base = find(manifests, kind, name)
    base.data = { ...base.data, ...data }
    return
  }
  const metadata = options.labels ? { name, labels: options.labels } : { name }
  const made: Manifest = { apiVersion: 'v1', kind, metadata, data, ...(kind === 'Secret' ? { type: 'Opaque' } : {}) }
  if (!options.disableNameSuffixHash) hashed.add(made)
  manifests.push(made)
}

/** Changes with the content, as kustomize's does; its own spelling of it is no concern of anybody. */
function hashOf({ data }: Manifest): string {
  return createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 10)
}

/** References of pods to generated names. */
function follow(value: unknown, renamed: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value as Record<string, Record<string, string>>)) {
    const [kind, field] =
      key === 'configMapRef' || key === 'configMap'
        ? ['ConfigMap', 'name']
        : key === 'secret'
          ? ['Secret', 'secretName']
          : ['', '']
    const next = kind && field && renamed.get(`${kind}/${inner?.[field]}`)
    if (next && field && inner) inner[field] = next
    follow(inner, renamed)
  }
}

function setImage(value: unknown, image: { name: string; newName?: string; newTag?: string }): void {
  if (typeof value !== 'object' || value === null) return
  const holder = value as Record<string, unknown>
  if (holder.image === image.name)
    holder.image = `${image.newName ?? image.name}${image.newTag ? `:${image.newTag}` : ''}`
  for (const inner of Object.values(holder)) setImage(inner, image)
}

interface Operation {
  op: 'add' | 'replace'
  path: string
  value: unknown
}

/** RFC 6902, `add` and `replace`. */
function apply(manifest: Manifest, { op, path, value }: Operation): void {
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = steps.pop() ?? ''
  let place = manifest as Record<string, unknown>
  for (const step of steps) place = place[step] as Record<string, unknown>
  if (op === 'replace' && !(last in place)) throw new Error(`nothing at ${path}`)
  if (op !== 'replace' && op !== 'add') throw new Error(`${op} is new here`)
  place[last] = value
}

/** Strategic merge: maps by key, lists of named things by name with new ones first, other lists whole. */
function merge(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(patch)) {
    const old = target[key]
    const name = mergeKeys[key]
    if (Array.isArray(value) && Array.isArray(old) && name) {
      const added = value.filter((item) => !old.some((existing) => existing[name] === item[name]))
      for (const item of value) {
        const existing = old.find((candidate) => candidate[name] === item[name])
        if (existing) merge(existing, item)
      }
      target[key] = [...added, ...old]
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && typeof old === 'object' && old) {
      merge(old as Record<string, unknown>, value as Record<string, unknown>)
    } else target[key] = value
  }
}
