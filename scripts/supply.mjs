// Writes dist/sbom.cdx.json, the components of the portal in CycloneDX format, and dist/licences.txt, their licences: every
// production package and the fonts. Only if package-lock.json has changed since.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './npm.mjs'

const root = join(import.meta.dirname, '..')
const lockFile = join(root, 'package-lock.json')
const bomFile = join(root, 'dist', 'sbom.cdx.json')
const licencesFile = join(root, 'dist', 'licences.txt')
const fonts = ['RedHatTextVF.woff2', 'RedHatDisplay-Medium.woff2', 'RedHatMono-Regular.woff2']
const terms = join(root, 'static', 'OFL.txt')

if ([lockFile, import.meta.filename, terms].some((file) => changedAt(file) > changedAt(licencesFile))) {
  mkdirSync(join(root, 'dist'), { recursive: true })
  const bom = billOfMaterials()
  writeFileSync(bomFile, `${JSON.stringify(bom, null, 2)}\n`)
  writeFileSync(licencesFile, licences(bom))
}

function billOfMaterials() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']
  const { status, stdout, stderr } = npm(args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(`npm sbom: ${stderr}`)
  const bom = JSON.parse(stdout)
  // npm uses the name of the folder.
  Object.assign(bom.metadata.component, { type: 'application', name: 'maas-portal' })
  const files = fonts.map((name) => ({
    'bom-ref': `static/fonts/${name}`,
    type: 'file',
    name: `static/fonts/${name}`,
    description: 'A font of the Red Hat family, as @patternfly/patternfly carries it',
    hashes: [{ alg: 'SHA-512', content: hash(join(root, 'static', 'fonts', name)) }],
    licenses: [{ license: { id: 'OFL-1.1' } }],
    externalReferences: [{ type: 'vcs', url: 'https://github.com/RedHatOfficial/RedHatFont' }],
  }))
  const production = new Set(packagesOfProduction().map(({ name, version }) => `${name}@${version}`))
  const wanted = (ref) => ref.startsWith('maas-portal@') || production.has(ref)
  return {
    ...bom,
    components: [...bom.components.filter((each) => wanted(each['bom-ref'])), ...files],
    dependencies: bom.dependencies
      .filter(({ ref }) => wanted(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(wanted) })),
  }
}

/** From the lockfile: `npm sbom --omit dev` (npm 11.19) omits packages that development also requires, such as ajv. */
function packagesOfProduction() {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8'))
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version }]) => ({ path, name: path.split('node_modules/').pop(), version }))
}

/** A table, then each text once, with the packages that it applies to. */
function licences({ components }) {
  const texts = new Map()
  for (const { name, text } of [...installed(), { name: fonts.join(', '), text: readFileSync(terms, 'utf8') }])
    texts.set(text, [...(texts.get(text) ?? []), name])
  const rows = components.map(
    ({ name, version, licenses }) => `${name}${version ? ` ${version}` : ''}: ${idOf(licenses)}`,
  )
  return [
    `What maas-portal is made of, beside its own code (Apache-2.0, see LICENSE)\n\n${rows.sort().join('\n')}\n`,
    ...[...texts].map(([text, names]) => `${'-'.repeat(100)}\n${names.join(', ')}\n\n${text.trim()}\n`),
  ].join('\n')
}

/** Each text in a package applies to that package; a package without one has the standard text of its licence. */
function* installed() {
  for (const { path, name, version } of packagesOfProduction()) {
    const folder = join(root, path)
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder).filter((each) => /^(licen[cs]e|notice|copying)/i.test(each)))
      if (statSync(join(folder, file)).isFile())
        yield { name: `${name} ${version}`, text: readFileSync(join(folder, file), 'utf8') }
  }
}

function idOf(licenses = []) {
  return licenses.map(({ license, expression }) => expression ?? license.id ?? license.name).join(', ') || 'unknown'
}

function hash(file) {
  return createHash('sha512').update(readFileSync(file)).digest('hex')
}

function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
