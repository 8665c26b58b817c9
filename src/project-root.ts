import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder with package.json, views and static, in the source tree, in dist and in an installed package. */
export const projectRoot = findRoot(import.meta.dirname)

function findRoot(from: string): string {
  if (existsSync(join(from, 'views')) && existsSync(join(from, 'package.json'))) return from
  const above = dirname(from)
  if (above === from) throw new Error('maas-portal is not installed whole: its views folder is missing')
  return findRoot(above)
}
