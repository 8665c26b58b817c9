import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as forward, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createSnippets } from '../../src/features/snippets/snippets.js'
import { projectRoot } from '../../src/root.js'
import { startDefaultProducts } from './default-products.js'
import { type Cell, startMatrix } from './matrix.js'
import { nameOf, type Recording, readRecording, recordingFile, standInsOf } from './recording.js'
import { environmentOf, startPython } from './runners.js'

/**
 * `node dist/test/snippets/record.js PYTHON`: runs every Python text of the matrix, and of products with default settings,
 * that needs more than Debian has, with the packages of that Python (pip install openai langchain-openai nbclient ipykernel),
 * through a proxy that records what they send. Required again when one of those texts changes; the tests say so. With the packages of
 * the present recording, texts that did not change keep what they sent.
 */
const interpreter = process.argv[2] ?? 'python3'
const folder = mkdtempSync(join(tmpdir(), 'maas-record-'))
const recording: Recording = {
  command: `node ${relative(projectRoot, process.argv[1] ?? '')} PYTHON`,
  python: output(['-c', 'import platform; print(platform.python_version())']),
  packages: ['openai', 'langchain-openai', 'langchain-core', 'nbclient'].map(packageOf),
  bodies: [''],
  headers: [],
  texts: {},
}
const before = readRecording()
const isSame =
  JSON.stringify([before.python, before.packages]) === JSON.stringify([recording.python, recording.packages])
let standIns: [string, string][] = []
let heard: Recording['texts'][string] = []
const proxy = createServer(async (incoming, response) => {
  const body = Buffer.concat(await chunksOf(incoming))
  heard.push(written(incoming, body))
  const { 'proxy-connection': _, ...headers } = incoming.headers
  const url = new URL(incoming.url ?? '')
  forward(url, { method: incoming.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  }).end(body)
})
await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
const address = proxy.address()
const port = typeof address === 'object' ? address?.port : 0
const through = { http_proxy: `http://127.0.0.1:${port}`, HTTP_PROXY: `http://127.0.0.1:${port}` }

const python = startPython(folder, { interpreter, env: through })
let failed = 0
for (const start of [startMatrix, startDefaultProducts]) {
  const { cells, close } = await start(folder)
  for (const cell of cells) await recordAll(cell)
  await close()
}
python.stop()
proxy.close()
rmSync(folder, { recursive: true, force: true })
if (failed === 0) writeFileSync(recordingFile, `${JSON.stringify(recording, null, 1)}\n`)
process.stdout.write(`${Object.keys(recording.texts).length} texts recorded, ${failed} failed\n`)
process.exit(failed === 0 ? 0 : 1)

/** The code with the id, and as it is while the id is not known. */
async function recordAll(cell: Cell): Promise<void> {
  for (const model of [cell.model, { ...cell.model, model_id: null }]) {
    for (const { client, code, nearest } of createSnippets().forModel(model)) {
      if (nearest || !['python-openai', 'langchain-python', 'jupyter'].includes(client)) continue
      await record(client, code, cell)
    }
  }
}

async function record(client: string, code: string, cell: Cell): Promise<void> {
  const name = nameOf(client, code, cell)
  if (recording.texts[name]) return
  const known = isSame ? before.texts[name] : undefined
  if (known) {
    recording.texts[name] = known.map((call) => ({
      ...call,
      headers: indexOf(recording.headers, before.headers[call.headers] ?? {}),
      body: indexOf(recording.bodies, before.bodies[call.body] ?? ''),
    }))
    return
  }
  heard = []
  standIns = standInsOf(cell)
  const env = environmentOf(cell)
  const ran = client === 'jupyter' ? await python.runNotebook(code, env) : await python.run(code, env)
  if (!ran.ok || heard.length === 0) {
    failed++
    process.stderr.write(`${cell.name} ${client}: ${ran.out}\n`)
    return
  }
  recording.texts[name] = heard
}

/** What is in front of the gateway: without what belongs to the connection, secrets and ports as words. */
function written({ method = 'GET', url = '', headers }: IncomingMessage, body: Buffer): (typeof heard)[number] {
  const own = new Set([
    'host',
    'connection',
    'proxy-connection',
    'content-length',
    'accept-encoding',
    'proxy-authorization',
  ])
  const boundary = /boundary=([^;]+)/.exec(headers['content-type'] ?? '')?.[1]
  const plain = (text: string) => {
    const replaced = standIns.reduce((done, [value, word]) => done.replaceAll(value, word), text)
    return boundary ? replaced.replaceAll(boundary, 'recorded-boundary') : replaced
  }
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    own.has(name) ? [] : [[name, plain(String(value)).replace(/^(Bearer )[\w-]+\.[\w-]+\.[\w-]+$/, '$1{token}')]],
  )
  const text = Buffer.from(
    boundary ? body.toString('latin1').replaceAll(boundary, 'recorded-boundary') : body.toString('latin1'),
    'latin1',
  )
  return {
    method,
    url: plain(url),
    headers: indexOf(recording.headers, Object.fromEntries(kept) as Record<string, string>),
    body: indexOf(recording.bodies, text.toString('base64')),
  }
}

function indexOf<T>(list: T[], item: T): number {
  const text = JSON.stringify(item)
  const found = list.findIndex((known) => JSON.stringify(known) === text)
  return found === -1 ? list.push(item) - 1 : found
}

/** The wheel that pip takes for the installed version, and its digest, as package indexes tell it. */
function packageOf(name: string): Recording['packages'][number] {
  const version = output(['-c', `import importlib.metadata as m; print(m.version('${name}'))`])
  const target = join(folder, name)
  mkdirSync(target)
  output(['-m', 'pip', 'download', '-q', '--no-deps', '-d', target, `${name}==${version}`])
  const file = readdirSync(target)[0] ?? ''
  const sha256 = createHash('sha256')
    .update(readFileSync(join(target, file)))
    .digest('hex')
  return { name, version, file, sha256 }
}

function output(args: string[]): string {
  const { status, stdout, stderr } = spawnSync(interpreter, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

async function chunksOf(incoming: IncomingMessage): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return chunks
}
