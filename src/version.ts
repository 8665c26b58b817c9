import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './project-root.js'

const packageJson = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }

export const version = packageJson.version

/** The running build; `commit` and `built_at` are "unknown" if the build did not know them. */
export const build = { version, ...builtFrom() }

/** For users, in one line. */
export const buildText = `${version} (commit ${build.commit}, built ${build.built_at})`

/** Written by scripts/build-info.mjs; missing in tests of a source tree that was never bundled. */
function builtFrom(): { commit: string; built_at: string } {
  try {
    return JSON.parse(readFileSync(join(projectRoot, 'dist', 'bin', 'build.json'), 'utf8'))
  } catch {
    return { commit: 'unknown', built_at: 'unknown' }
  }
}
