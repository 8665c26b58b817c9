import { jsonOfLiterals, markdown, quotedWide } from '../languages/escape.js'
import { read } from '../languages/python.js'
import type { Client, Scene } from '../scene.js'
import { pythonOpenai } from './python-openai.js'

/** A notebook (nbformat 4) that asks for the credential where the environment does not hold it. */
export const jupyter: Client = {
  client: 'jupyter',
  group: 'Python',
  label: 'Jupyter',
  language: 'json',
  filename: ({ system_name }) => `${system_name.replace(/[^\w.-]+/g, '-')}.ipynb`,
  note: 'Download it and open it in Jupyter. It asks for the key; the copy with the key holds it.',
  limits: { encodesQuery: true, nearest: ['python-requests'] },
  readers: ['templates', 'json', 'markdown', 'python'],
  write(scene) {
    const kernelspec = { display_name: 'Python 3', language: 'python', name: 'python3' }
    const metadata = { kernelspec, language_info: { name: 'python' } }
    return jsonOfLiterals({ cells: cellsOf(scene), metadata, nbformat: 4, nbformat_minor: 5 }, 1)
  },
}

function cellsOf(scene: Scene) {
  const { carrier, inline, model } = scene
  const words = inline ? 'The key is in this file: do not share it.' : 'The key is asked for and not kept in this file.'
  return [
    prose([`# ${markdown(model.name)}`, '', `Run the cells from top to bottom. ${words}`]),
    code(['%pip install -q openai']),
    inline
      ? code([
          'import os',
          '',
          ...carrier.variables.map(({ name, value }) => `${read(name)} = ${quotedWide(value ?? '')}`),
        ])
      : code([
          'import os',
          'from getpass import getpass',
          '',
          ...carrier.variables.flatMap(({ name, hint }) => [
            `if not os.environ.get(${quotedWide(name)}):`,
            `    ${read(name)} = getpass(${quotedWide(`${hint}: `)})`,
          ]),
        ]),
    code(pythonOpenai.write({ ...scene, inline: false }).split('\n')),
  ]
}

function prose(lines: string[]) {
  return { cell_type: 'markdown', id: idOf(lines), metadata: {}, source: sourceOf(lines) }
}

function code(lines: string[]) {
  return {
    cell_type: 'code',
    execution_count: null,
    id: idOf(lines),
    metadata: {},
    outputs: [],
    source: sourceOf(lines),
  }
}

/** Every line but the last ends in a newline, as Jupyter writes it. */
function sourceOf(lines: string[]): string[] {
  return lines.map((line, index) => (index < lines.length - 1 ? `${line}\n` : line))
}

/** The same cell has the same id, so that a notebook taken twice is the same file. */
function idOf(lines: string[]): string {
  let hash = 5381
  for (const character of lines.join('\n')) hash = (Math.imul(hash, 33) ^ (character.codePointAt(0) ?? 0)) >>> 0
  return `cell-${hash.toString(16)}`
}
