import { variableSettings } from './environment-variables.js'
import { holdsExpression } from './languages/escape.js'
import { misreadReasons, textLabels } from './messages.js'
import type { SnippetContext } from './snippet-context.js'

/** A part of the code that other users can set, and its label. */
interface UntrustedText {
  label: string
  text: string
}

/** A program that reads the code on its way from the clipboard to the target, and can interpret a part of it. */
type InterpreterRules =
  /** `languages/` escapes every text for it */
  | { escaped: true }
  /** no escape works in all its versions: a client with such a text is not supported */
  | { escaped: false; texts(context: SnippetContext): UntrustedText[]; misreads(text: string): boolean; reason: string }

const ESCAPED = { escaped: true } as const

/**
 * The interpreters of code to paste. `templates` stands for the template languages that a file can pass before it is used: CI (GitHub
 * Actions, GitLab, Azure Pipelines), Helm, Ansible, envsubst, Compose. Each client lists its own interpreters.
 */
export const interpreters = {
  bash: ESCAPED,
  powershell: ESCAPED,
  python: ESCAPED,
  javascript: ESCAPED,
  json: ESCAPED,
  yaml: ESCAPED,
  markdown: ESCAPED,
  templates: ESCAPED,
  /** Continue replaces `${{ NAME }}` before and after it parses the text (config-yaml, load/unroll.ts). */
  continue: {
    escaped: false,
    texts: (context) => [
      { label: textLabels.modelName, text: context.model.name },
      ...connectionOf(context),
      ...context.transport.pairs.map(([name]) => ({ label: textLabels.header, text: name })),
      ...(context.transport.tokenUrl ? [{ label: textLabels.tokenUrl, text: context.transport.tokenUrl }] : []),
      ...keysOf(context),
    ],
    misreads: (text) => text.includes('${{'),
    reason: misreadReasons.continue,
  },
  /**
   * The prompt and batch files of cmd interpret `%` differently, `!` depends on a switch, a quotation mark always ends a quoted text, and
   * other characters depend on the code page. JSON has escapes for all of them.
   */
  cmd: {
    escaped: false,
    texts: ({ call, transport, caFile, modelId }) => [
      { label: textLabels.address, text: call.url },
      ...transport.pairs.map(([name]) => ({
        label: textLabels.parameter,
        text: transport.kind === 'query' ? encodeURIComponent(name) : name,
      })),
      ...(caFile ? [{ label: textLabels.caFile, text: caFile }] : []),
      ...(call.upload && modelId !== undefined ? [{ label: textLabels.modelId, text: modelId }] : []),
      ...transport.variables.map(({ value = '' }) => ({ label: textLabels.key, text: value })),
    ],
    misreads: (text) => /[^ -~]|["%!]|\\$/.test(text) || holdsExpression(text),
    reason: misreadReasons.cmd,
  },
  /** dotenv, dotenv-expand, python-dotenv, Compose and `docker --env-file` disagree on `$`, quotes, backslashes and controls, and none has an escape for templates */
  dotenv: {
    escaped: false,
    texts: valuesOf,
    misreads: (text) =>
      holdsExpression(text) ||
      /[`\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text) ||
      (text.includes("'") && text.includes('"')),
    reason: misreadReasons.dotenv,
  },
  /**
   * Programs that resolve references to secrets before they start a program or apply a manifest: `op run` (1Password), vals
   * and helm-secrets, Bank-Vaults, Azure Key Vault, Berglas and others with addresses of their own
   */
  references: {
    escaped: false,
    texts: valuesOf,
    misreads: (text) =>
      /ref\+[^+:]{1,99}:\/\/|@Microsoft\.KeyVault\(/i.test(text) ||
      /^(?:>>)?(?:vault:.*#|(?:op|g?sm|ssm|secretsmanager|berglas|vault|keyvault):\/\/)/i.test(text.trim()),
    reason: misreadReasons.references,
  },
  /** of chat it takes lists: addresses and keys with `;`, models with `,` (open-webui, backend/open_webui/config.py) */
  'open-webui': {
    escaped: false,
    texts: (context) => (context.model.type === 'chat' ? [...connectionOf(context), ...keysOf(context)] : []),
    misreads: (text) => /[;,]/.test(text),
    reason: misreadReasons.openWebui,
  },
} satisfies Record<string, InterpreterRules>

export type Interpreter = keyof typeof interpreters

/** The text that one of the interpreters would misread, and the reason; undefined if there is none. */
export function misreadReason(
  names: Interpreter[],
  context: SnippetContext,
): { label: string; reason: string } | undefined {
  for (const name of names) {
    const rules: InterpreterRules = interpreters[name]
    if (rules.escaped) continue
    const misread = rules.texts(context).find(({ text }) => rules.misreads(text))
    if (misread) return { label: misread.label, reason: rules.reason }
  }
  return undefined
}

function valuesOf(context: SnippetContext): UntrustedText[] {
  return variableSettings({ ...context, inline: true }).map(({ name, value = '' }) => ({
    label: textLabels.value(name),
    text: value,
  }))
}

function connectionOf({ call, modelId }: SnippetContext): UntrustedText[] {
  return [
    { label: textLabels.address, text: call.base },
    ...(modelId === undefined ? [] : [{ label: textLabels.modelId, text: modelId }]),
  ]
}

function keysOf({ transport }: SnippetContext): UntrustedText[] {
  return transport.variables.map(({ value = '' }) => ({ label: textLabels.key, text: value }))
}
