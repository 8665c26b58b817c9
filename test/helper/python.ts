import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** What a Python program prints, with its errors, without blocking this process: a server in it may be called. */
export async function printedByPython(code: string): Promise<string> {
  const python = spawn('python3', ['-c', code])
  let output = ''
  for (const stream of [python.stdout, python.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  await once(python, 'close')
  return output.trim()
}
