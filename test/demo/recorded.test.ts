import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

const script = join(projectRoot, 'scripts', 'standin-compare.mjs')
const recordings = join(projectRoot, 'test', 'recorded', 'recordings')

t.test('the stand-in answers every recorded call like a real 3scale on PostgreSQL', async (t) => {
  const { code, output } = await compare(['3scale-2.16.4.jsonl'])
  t.equal(code, 0, output)
  t.match(output, /^334 of 334 the same$/m)
})

t.test('the stand-in answers like a real 3scale on MySQL where the database matters', async (t) => {
  const { code, output } = await compare(['3scale-2.16.4-mysql.jsonl'])
  t.equal(code, 0, output)
  t.match(output, /^5 of 5 the same$/m)
})

t.test('a database other than that of the recording causes differences and exit code 1', async (t) => {
  const { code, output } = await compare(['3scale-2.16.4-mysql.jsonl', '--database', 'postgresql'])
  t.equal(code, 1)
  t.match(output, /sign-up organisation with emoji: status 500, not 201/)
  t.match(output, /^0 of 5 the same$/m)
})

t.test('a missing recording is rejected with instructions', async (t) => {
  for (const args of [[], ['nothing.jsonl']]) {
    const { code, output } = await compare(args)
    t.equal(code, 2)
    t.match(output, /Name a recording/)
  }
})

function compare([recording, ...options]: string[]): Promise<{ code: number | null; output: string }> {
  const file = recording === undefined ? [] : [join(recordings, recording)]
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...file, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.once('close', (code) => resolve({ code, output }))
  })
}
