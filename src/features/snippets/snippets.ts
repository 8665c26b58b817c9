import type { Application } from '../applications/schemas.js'
import type { Model } from '../models/schemas.js'
import { type Carrier, carrierOf } from './carriers.js'
import { curl } from './curl.js'
import { env } from './env.js'
import { shell } from './escape.js'
import { jsOpenai } from './js-openai.js'
import { jupyter } from './jupyter.js'
import { pythonOpenai } from './python-openai.js'
import type { Snippet } from './schemas.js'

interface Client {
  client: string
  label: string
  language: string
  note?: string
  filename?: (model: Model) => string
  write(model: Model, carrier: Carrier, caFile: string | undefined, revealed: boolean): string
  /** the code as a shell runs it, after the variables are set */
  inShell?: (code: string) => string
}

const clients: Client[] = [
  { client: 'curl', label: 'curl', language: 'bash', write: curl, inShell: (code) => code },
  {
    client: 'python-openai',
    label: 'Python',
    language: 'python',
    note: 'Needs: pip install openai',
    write: pythonOpenai,
    inShell: (code) => `python3 - <<'PY'\n${code}\nPY`,
  },
  {
    client: 'js-openai',
    label: 'JavaScript',
    language: 'javascript',
    note: 'Needs: npm install openai',
    write: jsOpenai,
    inShell: (code) => `node --input-type=module - <<'JS'\n${code}\nJS`,
  },
  {
    client: 'env',
    label: '.env',
    language: 'ini',
    filename: () => '.env',
    write: (model, carrier, _ca, revealed) => env(model, carrier, revealed),
  },
  {
    client: 'jupyter',
    label: 'Jupyter',
    language: 'json',
    filename: (model) => `${model.system_name.replace(/[^\w.-]+/g, '-')}.ipynb`,
    write: jupyter,
  },
]

/** Code to paste, from a model and, where its owner asked to see it, a key. One file per client; nothing is stored. */
export function createSnippets({ caFile }: { caFile?: string | undefined } = {}) {
  return {
    forModel(
      model: Model,
      { credentials = {}, only }: { credentials?: Partial<Application['credentials']>; only?: string } = {},
    ): Snippet[] {
      const carrier = carrierOf(model, credentials)
      const revealed = carrier.variables.every(({ value }) => value !== undefined && value !== '')
      return clients
        .filter(({ client }) => only === undefined || client === only)
        .map(({ client, label, language, note, filename, write, inShell }) => {
          const code = write(model, carrier, caFile, false)
          const withKey = !revealed
            ? undefined
            : inShell
              ? [...exportsOf(carrier), inShell(code)].join('\n')
              : write(model, carrier, caFile, true)
          return {
            client,
            label,
            language,
            code,
            ...(withKey === undefined ? {} : { with_key: withKey }),
            ...(note === undefined ? {} : { note }),
            ...(filename === undefined ? {} : { filename: filename(model) }),
          }
        })
    },
  }
}

export type Snippets = ReturnType<typeof createSnippets>

function exportsOf({ variables }: Carrier): string[] {
  return variables.map(({ name, value }) => `export ${name}=${shell(value ?? '')}`)
}
