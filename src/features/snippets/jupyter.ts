import type { Model } from '../models/schemas.js'
import type { Carrier } from './carriers.js'
import { pythonOpenai } from './python-openai.js'

/** A notebook (nbformat 4) that asks for the credential where the environment does not hold it. */
export function jupyter(model: Model, carrier: Carrier, caFile: string | undefined): string {
  const ask = carrier.variables.map(
    ({ name, hint }) => `os.environ.setdefault("${name}", "") or os.environ.update({"${name}": getpass("${hint}: ")})`,
  )
  const cells = [
    markdown([
      `# ${model.name.replace(/[\r\n<>]/g, ' ')}`,
      '',
      'Run the cells from top to bottom. The key is asked for and not kept in this file.',
    ]),
    code(['%pip install -q openai']),
    code(['import os', 'from getpass import getpass', ...ask]),
    code(pythonOpenai(model, carrier, caFile).split('\n')),
  ]
  const kernelspec = { display_name: 'Python 3', language: 'python', name: 'python3' }
  return JSON.stringify(
    { cells, metadata: { kernelspec, language_info: { name: 'python' } }, nbformat: 4, nbformat_minor: 5 },
    null,
    1,
  )
}

function markdown(lines: string[]) {
  return { cell_type: 'markdown', id: idOf(lines), metadata: {}, source: lines.map((line) => `${line}\n`) }
}

function code(lines: string[]) {
  return {
    cell_type: 'code',
    id: idOf(lines),
    metadata: {},
    execution_count: null,
    outputs: [],
    source: lines.map((line) => `${line}\n`),
  }
}

function idOf(lines: string[]): string {
  let hash = 5381
  for (const character of lines.join('\n')) hash = (Math.imul(hash, 33) ^ (character.codePointAt(0) ?? 0)) >>> 0
  return `cell-${hash.toString(16)}`
}
