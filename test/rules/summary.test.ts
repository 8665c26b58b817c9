import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

/** Test files for tap, and the last line of the report for each. */
const files: Record<string, [code: string, last: string, failure?: string]> = {
  'passes.test.js': [
    `import t from 'tap'; t.ok(true); t.test('inner', async (t) => { t.ok(true); t.ok(true) })`,
    '3 passed, 0 failed',
  ],
  'fails.test.js': [
    `import t from 'tap'; t.ok(true); t.test('inner', async (t) => { t.ok(false, 'wrong'); t.ok(true) })`,
    '2 passed, 1 failed',
    'fails.test.js > inner > wrong',
  ],
  'throws-first.test.js': [
    `import t from 'tap'; throw new Error('first')`,
    '0 passed, 1 failed',
    'throws-first.test.js',
  ],
  'imports-nothing.test.js': [`import './nowhere.js'`, '0 passed, 1 failed', 'imports-nothing.test.js'],
  'ends-at-once.test.js': [`process.exit(0)`, '0 passed, 1 failed', 'ends-at-once.test.js'],
  'ends-with-3.test.js': [`process.exit(3)`, '0 passed, 1 failed', 'ends-with-3.test.js'],
  'ends-later.test.js': [
    `import t from 'tap'; t.ok(true); setImmediate(() => process.exit(5))`,
    '1 passed, 1 failed',
    'ends-later.test.js',
  ],
  'asserts-nothing.test.js': [`import 'tap'`, '0 passed, 1 failed', 'asserts-nothing.test.js'],
  'throws-inside.test.js': [
    `import t from 'tap'; t.test('inner', async (t) => { t.ok(true); throw new Error('late') })`,
    '1 passed, 1 failed',
    'throws-inside.test.js > inner > late',
  ],
  'breaks-its-plan.test.js': [`import t from 'tap'; t.plan(3); t.ok(true)`, '1 passed, 1 failed', 'breaks-its-plan'],
}

const folder = t.testdir({
  ...Object.fromEntries(Object.entries(files).map(([name, [code]]) => [name, code])),
  'package.json': '{ "type": "module" }',
  node_modules: t.fixture('symlink', join(projectRoot, 'node_modules')),
})

/** Runs it as `npm test` does, without the environment variables of this test's own runner. */
function summaryOf(names: string[], call = 'runTests(files)') {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(_?TAP|NODE_OPTIONS)/.test(name)))
  const runner = JSON.stringify(join(projectRoot, 'scripts/run-tests.mjs'))
  const code = `import { runTests, runTogether } from ${runner}; const files = process.argv.slice(1); await ${call}`
  const args = ['--input-type=module', '--eval', code, ...names]
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' })
  const lines = stdout.trim().split('\n')
  return { status, last: lines.at(-1), failures: lines.filter((line) => line.startsWith('not ok: ')) }
}

t.test('a failed file is counted, even if none of its assertions ran', async (t) => {
  for (const name of ['passes.test.js', 'throws-first.test.js', 'ends-at-once.test.js']) {
    const [, required, failure] = files[name] ?? []
    const { status, last, failures } = summaryOf([name])
    t.equal(last, required, name)
    t.equal(status === 0, failure === undefined, `${name}: exit code ${status}`)
    t.equal(failures.length, failure ? 1 : 0, `${name}: ${failures}`)
  }
})

t.test('in a run of all files, each failed file is counted once, whatever failed before', async (t) => {
  const { status, last, failures } = summaryOf(Object.keys(files))
  for (const [name, [, , failure]] of Object.entries(files)) {
    const found = failures.filter((line) => line.includes(name))
    t.equal(found.length, failure ? 1 : 0, `${name}: ${found}`)
    t.match(found[0] ?? '', failure ?? '', name)
  }
  const counts = Object.values(files).map(([, end]) => Number.parseInt(end, 10))
  t.equal(last, `${counts.reduce((sum, count) => sum + count)} passed, 9 failed`)
  t.not(status, 0)
})

t.test('files that share a process are counted as well, and report a process that ends too early', async (t) => {
  const together = 'runTogether(files, { processes: 1 })'
  const names = [
    'passes.test.js',
    'fails.test.js',
    'throws-first.test.js',
    'asserts-nothing.test.js',
    'throws-inside.test.js',
  ]
  const shared = summaryOf(names, together)
  // Each file has one more assertion: that it has asserted something.
  t.equal(shared.last, '10 passed, 4 failed')
  t.not(shared.status, 0)
  for (const failure of ['inner > wrong', 'throws-first.test.js cannot be loaded', 'asserts-nothing.test.js', 'late'])
    t.ok(
      shared.failures.some((line) => line.includes(failure)),
      failure,
    )

  const stopped = summaryOf(['ends-with-3.test.js', 'passes.test.js'], together)
  t.equal(stopped.last, '0 passed, 2 failed')
  t.match(stopped.failures.join(), /ends-with-3\.test\.js.*passes\.test\.js did not run/s)
})
