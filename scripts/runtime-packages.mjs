// runtime-packages.mjs FOLDER: copies the imports that are not in the bundle (dist/external.json), and their dependencies, from
// node_modules to FOLDER. The versions are those of package-lock.json, and no registry is contacted.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = join(import.meta.dirname, '..')
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))

/** Paths of package-lock.json: the imported packages and all their dependencies. */
export function runtimePackages() {
  const found = new Set()
  const external = JSON.parse(readFileSync(join(root, 'dist', 'external.json'), 'utf8'))
  const open = external.map((id) => `node_modules/${/^(@[^/]+\/)?[^/]+/.exec(id)[0]}`)
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue
    found.add(path)
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = packages[path]
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const place = nearest(path, name)
      if (place) open.push(place)
      else if (name in dependencies) throw new Error(`${path}: ${name} is not in package-lock.json`)
    }
  }
  return [...found].filter((path) => !path.includes('node_modules/@types/')).sort()
}

/** As Node finds it: next to the package, or in a node_modules above. */
function nearest(from, name) {
  for (let folder = from; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    if (packages[`${folder}/node_modules/${name}`]) return `${folder}/node_modules/${name}`
    if (!folder.includes('/node_modules/')) break
  }
  return packages[`node_modules/${name}`] && `node_modules/${name}`
}

if (process.argv[1] === import.meta.filename) {
  const folder = process.argv[2]
  if (!folder) throw new Error('usage: runtime-packages.mjs FOLDER')
  for (const path of runtimePackages()) {
    // An optional package of another platform is not installed.
    if (!existsSync(join(root, path))) continue
    const nested = join(root, path, 'node_modules')
    // A package inside another one has a separate path; types and source maps are not used at run time.
    const runs = (file) => file !== nested && !/\.(map|d\.[cm]?ts)$/.test(file)
    cpSync(join(root, path), join(resolve(folder), '..', path), { recursive: true, filter: runs })
  }
}
