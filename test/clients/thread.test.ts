import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { createThread, ThreadFailure, type ThreadFailureKind, type ThreadOptions } from '../../src/clients/thread.js'
import { projectRoot } from '../../src/root.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

const failure = (kind: ThreadFailureKind) => new ThreadFailure(kind)
const script = join(projectRoot, 'dist', 'test', 'helper', 'odd-thread.js')
const thread = (more: Partial<ThreadOptions> = {}) =>
  createThread<string>({ script, limitMs: 300, memoryMb: 16, mostWaiting: 5, idleMs: 60_000, ...more })

t.test('jobs one after the other, the urgent ones first', async (t) => {
  const { run, close } = thread()
  const order: string[] = []
  const done = (name: string, urgent = false) => run(name, { urgent }).then((result) => order.push(result))
  await Promise.all([done('a'), done('b'), done('c', true), done('d', true)])
  t.same(order, ['did a', 'did c', 'did d', 'did b'], 'the first one had begun')
  await close()
})

t.test('a job that exceeds a limit, throws or ends the thread fails alone, and blocks nobody', async (t) => {
  for (const [job, kind, limitMs] of [
    ['endless', 'time', 300],
    ['throws', 'failed', 60_000],
    ['exits', 'failed', 60_000],
    ['memory', 'memory', 60_000],
  ] as const) {
    const { run, close } = thread({ limitMs })
    const { value, blockedMs } = await strainHere(() => Promise.allSettled([run(job), run('next')]))
    t.match(value, [
      { status: 'rejected', reason: { kind, message: `the job in a thread was not done: ${kind}` } },
      { status: 'fulfilled', value: 'did next' },
    ])
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${job}: blocked for ${blockedMs} ms`)
    await close()
  }
})

t.test('the thread has none of the settings', async (t) => {
  const { run, close } = thread()
  t.equal(await run('environment'), '{}')
  await close()
})

t.test('what cannot wait is refused, what waits at the end is told so', async (t) => {
  const { run, close } = thread({ mostWaiting: 1, limitMs: 60_000 })
  const first = run('endless')
  const second = run('waits')
  await t.rejects(run('too many'), failure('busy'))
  const urgent = run('urgent', { urgent: true })
  const results = Promise.allSettled([first, second, urgent])
  await close()
  t.match(await results, Array(3).fill({ status: 'rejected', reason: { kind: 'closed' } }))
  await t.rejects(run('late'), failure('closed'))
})

t.test('an idle thread ends, and the next job gets another', async (t) => {
  const { run, close } = thread({ idleMs: 1 })
  for (const job of ['a', 'b']) {
    t.equal(await run(job), `did ${job}`)
    await sleep(50)
  }
  await close()
})

t.test('a thread that cannot start fails its job', async (t) => {
  const { run, close } = thread({ script: join(projectRoot, 'dist', 'nothing.js') })
  await t.rejects(run('a'), failure('failed'))
  await close()
})

t.test('a process waits for a result, and not for an idle thread', async (t) => {
  const code = `
    import { createThread } from ${JSON.stringify(join(projectRoot, 'dist', 'src', 'clients', 'thread.js'))}
    const thread = createThread({ script: ${JSON.stringify(script)}, limitMs: 9000, memoryMb: 16, mostWaiting: 1, idleMs: 600000 })
    thread.run('it').then((result) => console.log(result))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 60_000,
  })
  t.equal(stdout, 'did it\n')
})
