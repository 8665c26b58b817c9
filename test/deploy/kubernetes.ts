import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { projectRoot } from '../../src/project-root.js'

export interface Manifest {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  // biome-ignore lint/suspicious/noExplicitAny: whatever its kind has; schemas.ts looks at it
  [field: string]: any
}

/** The real programs; none of these calls contacts a cluster. */
const paths = JSON.parse(
  run(process.execPath, [join(projectRoot, 'scripts', 'kubernetes-tools.mjs')])
    .trim()
    .split('\n')
    .at(-1) ?? '',
) as { kubectl: string; helm: string }
export const tools = Object.values(paths)

/** The output of kubectl, without a cluster, whatever this machine has. */
export function kubectl(...args: string[]): string {
  return run(paths.kubectl, args)
}

export function helm(...args: string[]): string {
  return run(paths.helm, args)
}

/** The output of `kubectl kustomize` for a folder; `env` is for the git that it starts. */
export function render(folder: string, env: Record<string, string> = {}): Manifest[] {
  return documents(run(paths.kubectl, ['kustomize', folder], env))
}

/** Every document of a file. */
export function read(path: string): Manifest[] {
  return documents(readFileSync(path, 'utf8'))
}

export function documents(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS({ maxAliasCount: -1 }) as Manifest)
    .filter(Boolean)
    .map((manifest) => (manifest.kind === 'Secret' ? { ...manifest, data: unbroken(manifest.data) } : manifest))
}

/** Kustomize splits long base64 into lines, which the API server accepts and the published schema does not. */
function unbroken(data: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, value.replaceAll('\n', '')]))
}

function run(command: string, args: string[], more: Record<string, string> = {}): string {
  const { PATH, HOME } = process.env
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { PATH, HOME, KUBECONFIG: '/dev/null', ...more },
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}
