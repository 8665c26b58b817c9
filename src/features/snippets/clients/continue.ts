import { type Carrier, isRevealed } from '../carriers.js'
import { comment, quotedWide } from '../languages/escape.js'
import { gapLines, tokenCommand } from '../languages/shell.js'
import type { Client, Scene } from '../scene.js'

const roles: Partial<Record<Scene['model']['type'], string>> = {
  chat: '[chat, edit, apply]',
  completion: '[autocomplete]',
  embedding: '[embed]',
  rerank: '[rerank]',
}

/** `~/.continue/config.yaml`, schema v1 (continuedev/continue, packages/config-yaml/src/schemas/models.ts). */
export const continueDev: Client = {
  client: 'continue',
  group: 'Tools',
  label: 'Continue',
  language: 'yaml',
  filename: () => 'config.yaml',
  note: ({ carrier }) => {
    if (carrier.kind === 'token') return 'Continue cannot fetch a token by itself, and this one ends after minutes.'
    const names = carrier.kind === 'basic' ? ['MAAS_BASIC'] : carrier.variables.map(({ name }) => name)
    return `Goes to ~/.continue/config.yaml. Without the key in it, it reads ${names.join(' and ')} from ~/.continue/.env.`
  },
  limits: {
    types: ['chat', 'completion', 'embedding', 'rerank'],
    anyPath: false,
    cannotSend: ['query'],
    nearest: ['python-openai', 'python-requests', 'curl'],
  },
  readers: ['templates', 'continue', 'yaml'],
  write(scene) {
    const { model, call, carrier, modelId, caFile } = scene
    const headers = headerLines(scene)
    const options = [
      ...(headers.length > 0 ? ['      headers:', ...headers.map((line) => `        ${line}`)] : []),
      ...(caFile ? [`      caBundlePath: ${quotedWide(caFile)}`] : []),
    ]
    return [
      `name: ${quotedWide(`Models: ${model.name}`)}`,
      'version: 1.0.0',
      'schema: v1',
      ...commentLines(carrier).map((line) => `# ${comment(line)}`),
      ...gapLines(scene),
      'models:',
      `  - name: ${quotedWide(model.name)}`,
      '    provider: openai',
      ...(modelId === undefined
        ? [
            '    # The id of this model is not known to the portal: AUTODETECT asks the model server.',
            '    model: AUTODETECT',
          ]
        : [`    model: ${quotedWide(modelId)}`]),
      `    apiBase: ${quotedWide(call.base)}`,
      `    apiKey: ${apiKey(scene)}`,
      `    roles: ${roles[model.type]}`,
      ...(model.type === 'completion' ? ['    useLegacyCompletionsEndpoint: true'] : []),
      ...(options.length > 0 ? ['    requestOptions:', ...options] : []),
    ].join('\n')
  },
}

/** Continue's own notation, which is not escaped. */
const secret = (name: string) => `"\${{ secrets.${name} }}"`

function apiKey({ carrier, inline }: Scene): string {
  if (carrier.kind === 'token') return secret('MAAS_TOKEN')
  if (carrier.kind !== 'bearer') return 'unused'
  const [key] = carrier.variables
  return inline && key?.value !== undefined ? quotedWide(key.value) : secret(key?.name ?? '')
}

/** They replace the header that the client sends by itself. */
function headerLines({ carrier, inline }: Scene): string[] {
  const written = (variable: string) => carrier.variables.find(({ name }) => name === variable)?.value ?? ''
  if (carrier.kind === 'headers')
    return carrier.pairs.map(
      ([name, variable]) => `${quotedWide(name)}: ${inline ? quotedWide(written(variable)) : secret(variable)}`,
    )
  if (carrier.kind !== 'basic') return []
  const pair = carrier.pairs.map(([, variable]) => written(variable)).join(':')
  const basic = inline
    ? quotedWide(`Basic ${Buffer.from(pair).toString('base64')}`)
    : `"Basic \${{ secrets.MAAS_BASIC }}"`
  return [`Authorization: ${basic}`]
}

function commentLines(carrier: Carrier): string[] {
  if (carrier.kind === 'basic' && !isRevealed(carrier))
    return [`MAAS_BASIC is: printf %s "${carrier.pairs.map(([, variable]) => `$${variable}`).join(':')}" | base64 -w 0`]
  if (carrier.kind === 'token') return [`echo "MAAS_TOKEN=${tokenCommand(carrier)}" >> ~/.continue/.env`]
  return []
}
