import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'

// Each run starts four processes, which takes long on a busy machine.
t.setTimeout(300_000)

const program = join(projectRoot, 'dist', 'test', 'bench', 'main.js')

/** Processes with their parents and states, as Linux lists them, without those that only bind another one to a core. */
function processes(): { pid: number; parent: number; state: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        if (stat.includes('(taskset)')) return []
        const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return [{ pid: Number(name), parent: Number(parent), state }]
      } catch {
        return []
      }
    })
}

const isRunning = (pid: number) => processes().some((each) => each.pid === pid && each.state !== 'Z')

/** Starts the benchmark, and `end`s it when the portal and the programs around it run. */
async function interrupt(end: (bench: number, children: number[]) => void) {
  const args = [program, '--quick', '--only', 'everyday', '--people', '2']
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGTERM'))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const children = () =>
    processes()
      .filter(({ parent }) => parent === child.pid)
      .map(({ pid }) => pid)
  let started = children()
  while (started.length < 4 && child.exitCode === null) {
    await sleep(200)
    started = children()
  }
  end(Number(child.pid), started)
  const code = await exited
  for (let attempt = 0; attempt < 300 && started.some(isRunning); attempt++) await sleep(100)
  return { code, started: started.length, left: started.filter(isRunning) }
}

const onLinux = process.platform === 'linux' ? {} : { skip: 'only Linux lists processes in files' }

t.test('an interrupted benchmark leaves no process', onLinux, async (t) => {
  const { code, started, left } = await interrupt((bench) => process.kill(bench, 'SIGINT'))
  t.equal(code, 130)
  t.ok(started >= 4)
  t.same(left, [])
})

t.test('a benchmark that is killed leaves no process', onLinux, async (t) => {
  const { code, started, left } = await interrupt((bench) => process.kill(bench, 'SIGKILL'))
  t.equal(code, null)
  t.ok(started >= 4)
  t.same(left, [])
})

t.test('a benchmark that fails because a part has ended leaves no process', onLinux, async (t) => {
  const { code, left } = await interrupt((_bench, children) => {
    for (const pid of children) process.kill(pid, 'SIGKILL')
  })
  t.equal(code, 1)
  t.same(left, [])
})
