import { usageLines, variableSettings } from '../../environment-variables.js'
import { commentText, quotedUnicode } from '../../languages/escape.js'
import { instructionLines } from '../../languages/shell.js'
import { remarks } from '../../messages.js'
import type { SnippetClient } from '../../snippet-context.js'

export const kubernetesSecret: SnippetClient = {
  client: 'kubernetes-secret',
  group: 'Tools',
  label: 'Kubernetes Secret',
  language: 'yaml',
  filename: () => 'secret.yaml',
  note: ({ transport }) => {
    const names = transport.variables.map(({ name }) => `$${name}`).join(' ')
    return remarks.kubernetes(names)
  },
  limits: { alternatives: [] },
  interpreters: ['templates', 'references', 'yaml'],
  render(context) {
    return [
      `# ${commentText(context.model.name)}`,
      'apiVersion: v1',
      'kind: Secret',
      'metadata:',
      `  name: ${nameOf(context.model.system_name)}`,
      'type: Opaque',
      'stringData:',
      ...variableSettings(context).map(
        ({ name, value, from }) => `  ${name}: ${value === undefined ? `"\${${from}}"` : quotedUnicode(value)}`,
      ),
      ...[...usageLines(context).map((line) => `# ${line}`), ...instructionLines(context)],
    ].join('\n')
  },
}

/** A DNS name (RFC 1123), as required for names of objects. */
function nameOf(systemName: string): string {
  const name = systemName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 200)
    .replace(/^-+|-+$/g, '')
  return quotedUnicode(name === '' ? 'model' : name)
}
