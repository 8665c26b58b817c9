import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder that holds package.json, views and static, from source, from dist and from an installed package alike. */
export const projectRoot = findRoot(import.meta.dirname)

function findRoot(from: string): string {
  if (existsSync(join(from, 'views')) && existsSync(join(from, 'package.json'))) return from
  const above = dirname(from)
  if (above === from) throw new Error('maas-portal is not installed whole: its views folder is missing')
  return findRoot(above)
}
