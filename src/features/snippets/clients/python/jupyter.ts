import { jsonOfLiterals, markdown, quotedUnicode } from '../../languages/escape.js'
import { read } from '../../languages/python.js'
import { notebook, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'
import { pythonOpenai } from './python-openai.js'

/** A notebook (nbformat 4) that prompts for the credential if the environment does not contain it. */
export const jupyter: SnippetClient = {
  client: 'jupyter',
  group: 'Python',
  label: 'Jupyter',
  language: 'json',
  filename: ({ system_name }) => `${system_name.replace(/[^\w.-]+/g, '-')}.ipynb`,
  note: remarks.jupyter,
  limits: { encodesQuery: true, alternatives: ['python-requests'] },
  interpreters: ['templates', 'json', 'markdown', 'python'],
  render(context) {
    const kernelspec = { display_name: 'Python 3', language: 'python', name: 'python3' }
    const metadata = { kernelspec, language_info: { name: 'python' } }
    return jsonOfLiterals({ cells: cellsOf(context), metadata, nbformat: 4, nbformat_minor: 5 }, 1)
  },
}

function cellsOf(context: SnippetContext) {
  const { transport, inline, model } = context
  const keyNote = inline ? notebook.withKey : notebook.withoutKey
  return [
    prose([`# ${markdown(model.name)}`, '', `${notebook.run} ${keyNote}`]),
    code(['%pip install -q openai']),
    inline
      ? code([
          'import os',
          '',
          ...transport.variables.map(({ name, value }) => `${read(name)} = ${quotedUnicode(value ?? '')}`),
        ])
      : code([
          'import os',
          'from getpass import getpass',
          '',
          ...transport.variables.flatMap(({ name, hint }) => [
            `if not os.environ.get(${quotedUnicode(name)}):`,
            `    ${read(name)} = getpass(${quotedUnicode(`${hint}: `)})`,
          ]),
        ]),
    code(pythonOpenai.render({ ...context, inline: false }).split('\n')),
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

/** All lines but the last end with a newline, as Jupyter writes them. */
function sourceOf(lines: string[]): string[] {
  return lines.map((line, index) => (index < lines.length - 1 ? `${line}\n` : line))
}

/** The id depends only on the content, so that the same notebook is the same file. */
function idOf(lines: string[]): string {
  let hash = 5381
  for (const character of lines.join('\n')) hash = (Math.imul(hash, 33) ^ (character.codePointAt(0) ?? 0)) >>> 0
  return `cell-${hash.toString(16)}`
}
