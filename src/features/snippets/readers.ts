import { holdsExpression } from './languages/escape.js'
import type { Scene } from './scene.js'
import { settingsOf } from './settings.js'

/** A text of the code that somebody else wrote, and what it is in a sentence. */
interface Foreign {
  what: string
  text: string
}

/** One of those that read the code on its way from the clipboard to the program, and may take a part of it for its own. */
type Reading =
  /** the writers in `languages/` escape for it, whatever the text is */
  | { escaped: true }
  /** it has no escape that all its versions read alike: a client does without the text, or is left out */
  | { escaped: false; texts(scene: Scene): Foreign[]; takes(text: string): boolean; because: string }

const escaped = { escaped: true } as const

/**
 * The languages of code to paste. `templates` are the expressions of whatever a file passes before it is used: CI (GitHub
 * Actions, GitLab, Azure Pipelines), Helm, Ansible, envsubst, Compose. Each client names its own readers.
 */
export const readers = {
  bash: escaped,
  powershell: escaped,
  python: escaped,
  javascript: escaped,
  json: escaped,
  yaml: escaped,
  markdown: escaped,
  templates: escaped,
  /** Continue replaces `${{ NAME }}` in the text and once more in what it has parsed (config-yaml, load/unroll.ts) */
  continue: {
    escaped: false,
    texts: (scene) => [
      { what: 'the name of this model', text: scene.model.name },
      ...connectionOf(scene),
      ...scene.carrier.pairs.map(([name]) => ({ what: 'the name of a header', text: name })),
      ...(scene.carrier.tokenUrl ? [{ what: 'the token address', text: scene.carrier.tokenUrl }] : []),
      ...keysOf(scene),
    ],
    takes: (text) => text.includes('${{'),
    because: 'it reads “${{” as one of its own variables',
  },
  /**
   * The prompt and a batch file of cmd disagree on `%`, `!` depends on a switch, a quotation mark ends its quotes whatever stands
   * before it, and other characters depend on the code page. JSON has escapes for all of them.
   */
  cmd: {
    escaped: false,
    texts: ({ call, carrier, caFile, modelId }) => [
      { what: 'the address of this model', text: call.url },
      ...carrier.pairs.map(([name]) => ({
        what: 'the name of a header or parameter',
        text: carrier.kind === 'query' ? encodeURIComponent(name) : name,
      })),
      ...(caFile ? [{ what: 'the file name of the CA', text: caFile }] : []),
      ...(call.upload && modelId !== undefined ? [{ what: 'the id of this model', text: modelId }] : []),
      ...carrier.variables.map(({ value = '' }) => ({ what: 'this key', text: value })),
    ],
    takes: (text) => /[^ -~]|["%!]|\\$/.test(text) || holdsExpression(text),
    because: 'the prompt and batch files interpret “%”, “!”, quotation marks and special characters differently',
  },
  /** dotenv, dotenv-expand, python-dotenv, Compose and `docker --env-file` disagree on `$`, quotes, backslashes and controls, and none has an escape for templates */
  dotenv: {
    escaped: false,
    texts: valuesOf,
    takes: (text) =>
      holdsExpression(text) ||
      /[`\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text) ||
      (text.includes("'") && text.includes('"')),
    because: 'programs that read such files disagree on variables, quotes and control characters',
  },
  /**
   * Programs that replace references to secrets before they start another program or apply a manifest: `op run` (1Password), vals
   * and helm-secrets, Bank-Vaults, Azure Key Vault, Berglas and others with addresses of their own
   */
  references: {
    escaped: false,
    texts: valuesOf,
    takes: (text) =>
      /ref\+[^+:]{1,99}:\/\/|@Microsoft\.KeyVault\(/i.test(text) ||
      /^(?:>>)?(?:vault:.*#|(?:op|g?sm|ssm|secretsmanager|berglas|vault|keyvault):\/\/)/i.test(text.trim()),
    because: 'programs that fill in secrets read it as a reference to one',
  },
  /** of chat it takes lists: addresses and keys with `;`, models with `,` (open-webui, backend/open_webui/config.py) */
  'open-webui': {
    escaped: false,
    texts: (scene) => (scene.model.type === 'chat' ? [...connectionOf(scene), ...keysOf(scene)] : []),
    takes: (text) => /[;,]/.test(text),
    because: 'it reads “;” and “,” as the end of an entry of a list',
  },
} satisfies Record<string, Reading>

export type Reader = keyof typeof readers

/** Which text a client's reader would take a part of for its own, as the rest of a sentence; undefined: none. */
export function misreadBy(names: Reader[], scene: Scene): string | undefined {
  for (const name of names) {
    const reading: Reading = readers[name]
    if (reading.escaped) continue
    const found = reading.texts(scene).find(({ text }) => reading.takes(text))
    if (found) return `cannot hold ${found.what}: ${reading.because}`
  }
  return undefined
}

function valuesOf(scene: Scene): Foreign[] {
  return settingsOf({ ...scene, inline: true }).map(({ name, value = '' }) => ({
    what: `the value of ${name}`,
    text: value,
  }))
}

function connectionOf({ call, modelId }: Scene): Foreign[] {
  return [
    { what: 'the address of this model', text: call.base },
    ...(modelId === undefined ? [] : [{ what: 'the id of this model', text: modelId }]),
  ]
}

function keysOf({ carrier }: Scene): Foreign[] {
  return carrier.variables.map(({ value = '' }) => ({ what: 'this key', text: value }))
}
