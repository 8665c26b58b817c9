// `npm run standin:compare -- RECORDING.jsonl [--database mysql|postgresql] [--all]`: replays the recorded calls on an empty 3scale
// stand-in and prints the differences from the recording; exit code 1 if there are any. The database is PostgreSQL unless it
// is specified or the file's name contains MySQL, as for the recordings.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { database: { type: 'string' }, all: { type: 'boolean' } },
})
const [recording] = positionals
const root = join(import.meta.dirname, '..')
const program = join(root, 'dist', 'bin', 'maas-portal.js')
if (!recording || !existsSync(recording))
  end('Name a recording: npm run standin:compare -- test/recorded/recordings/3scale-2.16.4.jsonl')
if (!existsSync(program)) end('The program is not built. Run npm ci or npm run build first.')
const database = values.database ?? (/mysql/i.test(basename(recording)) ? 'mysql' : 'postgresql')

const folder = mkdtempSync(join(tmpdir(), 'maas-standin-'))
const port = await freePort()
const base = `http://127.0.0.1:${port + 1}`
const standIn = spawn(process.execPath, [program, 'demo', '--only', 'threescale', '--tenant', 'empty'], {
  env: { ...process.env, PORT: String(port) },
  stdio: ['ignore', 'ignore', 'inherit'],
})
try {
  await answers(`${base}/_demo/behaviour`)
  await behave({ database })
  const tokens = {
    rw: 'demo-token',
    ro: 'demo-readonly-token',
    accounts: 'demo-accounts-token',
    stats: 'demo-stats-token',
    cms: 'demo-cms-token',
    member: 'demo-plans-member-token',
    expired: 'demo-expired-token',
    other: 'a-token-of-another-tenant',
  }
  const [tokenFile, played] = ['tokens.json', 'played.jsonl'].map((name) => join(folder, name))
  writeFileSync(tokenFile, JSON.stringify(tokens))
  const recorded = join(root, 'test', 'recorded')
  const stop = `"${process.execPath}" -e "fetch('${base}/_demo/behaviour',{method:'PUT',headers:{'content-type':'application/json'},body:JSON.stringify({backend:'stopped'})})"`
  const status = await run([join(recorded, 'play.mjs'), base, tokenFile, played, stop])
  process.exitCode =
    status || (await run([join(recorded, 'compare.mjs'), recording, played, ...(values.all ? ['--all'] : [])]))
} finally {
  standIn.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}

function run(args) {
  return new Promise((resolve) => {
    spawn(process.execPath, args, { stdio: 'inherit' }).once('exit', (code) => resolve(code ?? 1))
  })
}

async function behave(behaviour) {
  const answer = await fetch(`${base}/_demo/behaviour`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(behaviour),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

async function answers(url) {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return
    await sleep(100)
  }
  throw new Error(`${url} does not respond`)
}

/** A port that is free, like the following ones that the stand-in uses. */
async function freePort() {
  for (let attempt = 0; attempt < 50; attempt++) {
    const start = 11_000 + Math.floor(Math.random() * 200) * 100
    const free = await Promise.all([1, 7].map((offset) => isFree(start + offset)))
    if (free.every(Boolean)) return start
  }
  throw new Error('no free ports')
}

function isFree(at) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(at, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function end(text) {
  process.stderr.write(`${text}\n`)
  process.exit(2)
}
