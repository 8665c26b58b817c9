import { type CredentialTransport, isRevealed } from '../../credential-transport.js'
import { comment, quotedUnicode } from '../../languages/escape.js'
import { instructionLines, tokenCommand } from '../../languages/shell.js'
import { comments, remarks } from '../../messages.js'
import type { SnippetClient, SnippetContext } from '../../snippet-context.js'

const roles: Partial<Record<SnippetContext['model']['type'], string>> = {
  chat: '[chat, edit, apply]',
  completion: '[autocomplete]',
  embedding: '[embed]',
  rerank: '[rerank]',
}

/** `~/.continue/config.yaml`, schema v1 (continuedev/continue, packages/config-yaml/src/schemas/models.ts). */
export const continueDev: SnippetClient = {
  client: 'continue',
  group: 'Tools',
  label: 'Continue',
  language: 'yaml',
  filename: () => 'config.yaml',
  note: ({ transport }) => {
    if (transport.kind === 'token') return remarks.continueToken
    const names = transport.kind === 'basic' ? ['MAAS_BASIC'] : transport.variables.map(({ name }) => name)
    return remarks.continue(names)
  },
  limits: {
    types: ['chat', 'completion', 'embedding', 'rerank'],
    anyPath: false,
    cannotSend: ['query'],
    alternatives: ['python-openai', 'python-requests', 'curl'],
  },
  interpreters: ['templates', 'continue', 'yaml'],
  render(context) {
    const { model, call, transport, modelId, caFile } = context
    const headers = headerLines(context)
    const options = [
      ...(headers.length > 0 ? ['      headers:', ...headers.map((line) => `        ${line}`)] : []),
      ...(caFile ? [`      caBundlePath: ${quotedUnicode(caFile)}`] : []),
    ]
    return [
      `name: ${quotedUnicode(`Models: ${model.name}`)}`,
      'version: 1.0.0',
      'schema: v1',
      ...commentLines(transport).map((line) => `# ${comment(line)}`),
      ...instructionLines(context),
      'models:',
      `  - name: ${quotedUnicode(model.name)}`,
      '    provider: openai',
      ...(modelId === undefined
        ? [`    # ${comments.modelIdAutodetect}`, '    model: AUTODETECT']
        : [`    model: ${quotedUnicode(modelId)}`]),
      `    apiBase: ${quotedUnicode(call.base)}`,
      `    apiKey: ${apiKey(context)}`,
      `    roles: ${roles[model.type]}`,
      ...(model.type === 'completion' ? ['    useLegacyCompletionsEndpoint: true'] : []),
      ...(options.length > 0 ? ['    requestOptions:', ...options] : []),
    ].join('\n')
  },
}

/** Continue's own notation, which must not be escaped. */
const secret = (name: string) => `"\${{ secrets.${name} }}"`

function apiKey({ transport, inline }: SnippetContext): string {
  if (transport.kind === 'token') return secret('MAAS_TOKEN')
  if (transport.kind !== 'bearer') return 'unused'
  const [key] = transport.variables
  return inline && key?.value !== undefined ? quotedUnicode(key.value) : secret(key?.name ?? '')
}

/** They replace the header that the client sends by default. */
function headerLines({ transport, inline }: SnippetContext): string[] {
  const resolveValue = (variable: string) => transport.variables.find(({ name }) => name === variable)?.value ?? ''
  if (transport.kind === 'headers')
    return transport.pairs.map(
      ([name, variable]) =>
        `${quotedUnicode(name)}: ${inline ? quotedUnicode(resolveValue(variable)) : secret(variable)}`,
    )
  if (transport.kind !== 'basic') return []
  const pair = transport.pairs.map(([, variable]) => resolveValue(variable)).join(':')
  const basic = inline
    ? quotedUnicode(`Basic ${Buffer.from(pair).toString('base64')}`)
    : `"Basic \${{ secrets.MAAS_BASIC }}"`
  return [`Authorization: ${basic}`]
}

function commentLines(transport: CredentialTransport): string[] {
  if (transport.kind === 'basic' && !isRevealed(transport))
    return [
      comments.basic(`printf %s "${transport.pairs.map(([, variable]) => `$${variable}`).join(':')}" | base64 -w 0`),
    ]
  if (transport.kind === 'token') return [`echo "MAAS_TOKEN=${tokenCommand(transport)}" >> ~/.continue/.env`]
  return []
}
