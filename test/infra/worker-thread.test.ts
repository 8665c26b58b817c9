import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import {
  createWorkerThread,
  WorkerError,
  type WorkerErrorKind,
  type WorkerThreadOptions,
} from '../../src/infra/worker/worker-thread.js'
import { projectRoot } from '../../src/project-root.js'
import { LONGEST_BLOCK_MS, strainHere } from '../helper/event-loop.js'

const failure = (kind: WorkerErrorKind) => new WorkerError(kind)
const script = join(projectRoot, 'dist', 'test', 'helper', 'odd-thread.js')
const thread = (more: Partial<WorkerThreadOptions> = {}) =>
  createWorkerThread<string>({ script, limitMs: 300, memoryMb: 16, maxWaiting: 5, idleMs: 60_000, ...more })

t.test('jobs run one at a time, urgent ones first', async (t) => {
  const { run, close } = thread()
  const order: string[] = []
  const done = (name: string, urgent = false) => run(name, { urgent }).then((result) => order.push(result))
  await Promise.all([done('a'), done('b'), done('c', true), done('d', true)])
  t.same(order, ['did a', 'did c', 'did d', 'did b'], 'the first one had started')
  await close()
})

t.test('a job that exceeds a limit, throws or ends the thread fails without affecting other jobs', async (t) => {
  for (const [job, kind, limitMs] of [
    ['endless', 'time', 300],
    ['throws', 'failed', 60_000],
    ['exits', 'failed', 60_000],
    ['memory', 'memory', 60_000],
  ] as const) {
    const { run, close } = thread({ limitMs })
    const { value, blockedMs } = await strainHere(() => Promise.allSettled([run(job), run('next')]))
    t.match(value, [
      { status: 'rejected', reason: { kind, message: `the job of a worker thread failed: ${kind}` } },
      { status: 'fulfilled', value: 'did next' },
    ])
    t.ok(blockedMs < LONGEST_BLOCK_MS, `${job}: blocked for ${blockedMs} ms`)
    await close()
  }
})

t.test('the thread has no access to the settings', async (t) => {
  const { run, close } = thread()
  t.equal(await run('environment'), '{}')
  await close()
})

t.test('a job beyond the queue limit is rejected, and queued jobs are rejected at shutdown', async (t) => {
  const { run, close } = thread({ maxWaiting: 1, limitMs: 60_000 })
  const first = run('endless')
  const second = run('waits')
  await t.rejects(run('too many'), failure('busy'))
  const urgent = run('urgent', { urgent: true })
  const results = Promise.allSettled([first, second, urgent])
  await close()
  t.match(await results, Array(3).fill({ status: 'rejected', reason: { kind: 'closed' } }))
  await t.rejects(run('late'), failure('closed'))
})

t.test('an idle thread ends, and the next job starts another', async (t) => {
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

t.test('a process waits for a pending result, and not for an idle thread', async (t) => {
  const code = `
    import { createWorkerThread } from ${JSON.stringify(join(projectRoot, 'dist', 'src', 'infra', 'worker', 'worker-thread.js'))}
    const thread = createWorkerThread({ script: ${JSON.stringify(script)}, limitMs: 9000, memoryMb: 16, maxWaiting: 1, idleMs: 600000 })
    thread.run('it').then((result) => console.log(result))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 60_000,
  })
  t.equal(stdout, 'did it\n')
})
