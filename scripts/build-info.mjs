// Writes dist/bin/build.json: the commit and date of the build. Both come from git, so that two builds of one commit are
// the same. Without a repository, as in an image, they come from COMMIT and BUILD_DATE, or from the variables of OpenShift, Jenkins
// and reproducible-builds.org: OPENSHIFT_BUILD_COMMIT, GIT_COMMIT, SOURCE_DATE_EPOCH.
import { spawnSync } from 'node:child_process'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = realpathSync(join(import.meta.dirname, '..'))
const { COMMIT, GIT_COMMIT, OPENSHIFT_BUILD_COMMIT, BUILD_DATE, SOURCE_DATE_EPOCH } = process.env
const known = ofRepository()
const commit = COMMIT || OPENSHIFT_BUILD_COMMIT || GIT_COMMIT || known?.commit || 'unknown'
const builtAt = BUILD_DATE || ofEpoch(SOURCE_DATE_EPOCH) || known?.date || 'unknown'

if (!/^([0-9a-f]{7,64}(-dirty)?|unknown)$/.test(commit)) fail(`"${commit}" is not the id of a commit`)
if (builtAt !== 'unknown' && Number.isNaN(new Date(builtAt).getTime())) fail(`"${builtAt}" is not a date`)

mkdirSync(join(root, 'dist', 'bin'), { recursive: true })
const built_at = builtAt === 'unknown' ? builtAt : new Date(builtAt).toISOString().replace('.000Z', 'Z')
writeFileSync(join(root, 'dist', 'bin', 'build.json'), `${JSON.stringify({ commit, built_at })}\n`)

/** Seconds since 1970. */
function ofEpoch(seconds) {
  if (!seconds) return undefined
  const date = new Date(/^\d+$/.test(seconds) ? Number(seconds) * 1000 : Number.NaN)
  if (Number.isNaN(date.getTime())) fail(`SOURCE_DATE_EPOCH "${seconds}" is not a number of seconds`)
  return date.toISOString()
}

/** The commit that is checked out; undefined if this folder is not a repository. */
function ofRepository() {
  const top = git('rev-parse', '--show-toplevel')
  if (!top || realpathSync(top) !== root) return undefined
  const [id, date] = git('log', '-1', '--format=%H %cI').split(' ')
  return { commit: git('status', '--porcelain', '--untracked-files=no') ? `${id}-dirty` : id, date }
}

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}

function fail(reason) {
  process.stderr.write(`build-info: ${reason}\n`)
  process.exit(1)
}
