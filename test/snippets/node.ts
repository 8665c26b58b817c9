import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'

/** Runs modules one after the other in one process, so that libraries load once: one request per line, one response per line. */
const write = process.stdout.write.bind(process.stdout)
let out = ''
process.stdout.write = ((chunk: string | Uint8Array) => {
  out += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
  return true
}) as typeof process.stdout.write

for await (const line of createInterface({ input: process.stdin })) {
  const { file, env, cwd } = JSON.parse(line) as { file: string; env: Record<string, string>; cwd: string }
  for (const name of Object.keys(process.env)) if (/^(MAAS|OPENAI)_/.test(name)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  out = ''
  let ok = true
  try {
    await import(pathToFileURL(file).href)
  } catch (error) {
    ok = false
    out += inspect(error)
  }
  write(`${JSON.stringify({ ok, out })}\n`)
}
