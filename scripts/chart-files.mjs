// Copies the manifests that the chart creates its objects from into the chart: a chart contains no file from outside its folder, and
// links in a repository are not links in every checkout.
//   node scripts/chart-files.mjs           writes deploy/helm/maas-portal/files
//   node scripts/chart-files.mjs --check   ends with an error if a file differs
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const deploy = join(import.meta.dirname, '..', 'deploy')
const target = join(deploy, 'helm', 'maas-portal', 'files')
const folders = ['base', 'ingress', 'observability', 'private-ca', 'redis', 'route', 'router-ca', 'service-monitor']
const isUsed = (file) => file !== 'kustomization.yaml' && !file.endsWith('.sh')

const sources = new Map(
  folders.flatMap((folder) =>
    readdirSync(join(deploy, 'kubernetes', folder))
      .filter(isUsed)
      .map((file) => [join(folder, file), readFileSync(join(deploy, 'kubernetes', folder, file), 'utf8')]),
  ),
)

if (process.argv.includes('--check')) {
  const present = existsSync(target)
    ? readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    : 0
  const different = [...sources]
    .filter(([file, text]) => readOrEmpty(join(target, file)) !== text)
    .map(([file]) => file)
  if (different.length > 0 || present !== sources.size) {
    process.stderr.write(`Run node scripts/chart-files.mjs: the chart is out of date. ${different.join(', ')}\n`)
    process.exitCode = 1
  }
} else {
  rmSync(target, { recursive: true, force: true })
  for (const [file, text] of sources) {
    mkdirSync(join(target, file, '..'), { recursive: true })
    writeFileSync(join(target, file), text)
  }
}

function readOrEmpty(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
