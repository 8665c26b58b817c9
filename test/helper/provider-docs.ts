import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../src/project-root.js'

export interface Documented {
  name: string
  /** Lines of the environment and of PORTAL_CONFIG, as in the documentation. */
  env: Record<string, string>
  config: string
}

const document = readFileSync(join(projectRoot, 'docs', 'identity-providers.md'), 'utf8')

/** The providers in the table of docs/identity-providers.md, by the text of their links. */
export const inTable = [...(document.split('\n## Overview\n')[1] ?? '').matchAll(/^\| \[(.+?)\]\(#(.+?)\)/gm)].map(
  ([, name = '', anchor = '']) => ({ name, anchor }),
)

/** Each section of this file that has settings. */
export const documented: Documented[] = document.split('\n## ').flatMap((section) => {
  const [, sh] = /^```sh\n([\s\S]*?)^```$/m.exec(section) ?? []
  const [, config] = /^```yaml\n([\s\S]*?)^```$/m.exec(section) ?? []
  if (sh === undefined || config === undefined) return []
  const lines = [...sh.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value])
  return [{ name: section.split('\n')[0] ?? '', env: Object.fromEntries(lines), config }]
})
