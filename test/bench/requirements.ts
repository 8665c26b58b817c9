import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from '../../src/project-root.js'

/** A program, and the Debian package that contains it. */
type Requirement = [program: string, debianPackage: string]

const redis: Requirement = ['redis-server', 'redis-server']
const chromium: Requirement = ['chromium', 'chromium']
/** To bind processes to a core, which only Linux can do. */
const cores: Requirement[] = process.platform === 'linux' ? [['taskset', 'util-linux']] : []

export const requirements = {
  none: [],
  load: [redis, ...cores],
  redis: [redis],
  chromium: [chromium],
} satisfies Record<string, Requirement[]>

/** Installs what is missing as `npm test` does, or states it and ends the process, before anything is measured. */
export async function install(required: Requirement[]): Promise<void> {
  const file = pathToFileURL(join(projectRoot, 'scripts', 'packages.mjs')).href
  const { bring } = (await import(file)) as { bring(needed: Requirement[]): void }
  bring([...new Set(required)])
}
