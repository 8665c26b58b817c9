import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

const { PATH = '' } = process.env
const name = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a',
}
const ID = '0123456789abcdef0123456789abcdef01234567'

/** A folder with only the script; what the script writes or prints. */
function tree(folder: string) {
  mkdirSync(join(folder, 'scripts'), { recursive: true })
  cpSync(join(projectRoot, 'scripts', 'build-info.mjs'), join(folder, 'scripts', 'build-info.mjs'))
  const run = (command: string, args: string[], env: Record<string, string> = {}) =>
    spawnSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...name, ...env },
    })
  return {
    git: (...args: string[]) => run('git', args, { GIT_COMMITTER_DATE: '2026-03-01T10:00:00+02:00' }).stdout.trim(),
    build(env: Record<string, string> = {}) {
      const { status, stderr } = run(process.execPath, ['scripts/build-info.mjs'], env)
      if (status !== 0) return { status, stderr }
      return JSON.parse(readFileSync(join(folder, 'dist', 'bin', 'build.json'), 'utf8'))
    },
  }
}

t.test('without a repository, the build comes from the environment, and is unknown otherwise', async (t) => {
  const { build } = tree(t.testdir())
  t.same(build(), { commit: 'unknown', built_at: 'unknown' })
  t.same(build({ COMMIT: ID, BUILD_DATE: '2026-03-01T10:00:00+01:00' }), {
    commit: ID,
    built_at: '2026-03-01T09:00:00Z',
  })
  t.same(build({ GIT_COMMIT: ID, SOURCE_DATE_EPOCH: '1772355600' }), { commit: ID, built_at: '2026-03-01T09:00:00Z' })
  t.match(build({ OPENSHIFT_BUILD_COMMIT: ID, COMMIT: '' }), { commit: ID }, 'an unset build argument is empty')
  t.match(build({ COMMIT: 'v1.0 "x"' }), { status: 1, stderr: /is not the id of a commit/ })
  t.match(build({ SOURCE_DATE_EPOCH: '0' }), { built_at: '1970-01-01T00:00:00Z' })
  for (const wrong of ['abc', '-1', '2026-03-01', '99999999999999999'])
    t.match(build({ SOURCE_DATE_EPOCH: wrong }), { status: 1, stderr: /is not a number of seconds/ })
  t.match(build({ COMMIT: ID, BUILD_DATE: 'yesterday' }), { status: 1, stderr: /"yesterday" is not a date/ })
})

t.test('in a repository, the build is the commit and its date, is reproducible, and shows local changes', async (t) => {
  const folder = t.testdir({ 'file.txt': 'one', '.gitignore': 'dist/\n' })
  const { git, build } = tree(folder)
  git('init', '-q')
  git('add', '.')
  git('commit', '-qm', 'one')
  const commit = git('rev-parse', 'HEAD')
  t.match(commit, /^[0-9a-f]{40}$/)
  t.same(build(), { commit, built_at: '2026-03-01T08:00:00Z' })
  t.same(build(), build())
  writeFileSync(join(folder, 'file.txt'), 'two')
  t.match(build(), { commit: `${commit}-dirty` })
  t.match(build({ COMMIT: ID }), { commit: ID }, 'a given value has precedence')

  const inner = join(folder, 'node_modules', 'maas-portal')
  mkdirSync(inner, { recursive: true })
  t.same(tree(inner).build(), { commit: 'unknown', built_at: 'unknown' }, 'a repository of another project is ignored')
})
