import { quotedWide, remark } from '../languages/escape.js'
import { gapLines } from '../languages/shell.js'
import type { Client } from '../scene.js'
import { settingsOf, useLines } from '../settings.js'

export const kubernetesSecret: Client = {
  client: 'kubernetes-secret',
  group: 'Tools',
  label: 'Kubernetes Secret',
  language: 'yaml',
  filename: () => 'secret.yaml',
  note: ({ carrier }) => {
    const names = carrier.variables.map(({ name }) => `$${name}`).join(' ')
    return `Apply it with: oc apply -f secret.yaml. The copy without the key goes through envsubst first: envsubst '${names}' < secret.yaml | oc apply -f -`
  },
  limits: { nearest: [] },
  readers: ['templates', 'references', 'yaml'],
  write(scene) {
    return [
      `# ${remark(scene.model.name)}`,
      'apiVersion: v1',
      'kind: Secret',
      'metadata:',
      `  name: ${nameOf(scene.model.system_name)}`,
      'type: Opaque',
      'stringData:',
      ...settingsOf(scene).map(
        ({ name, value, from }) => `  ${name}: ${value === undefined ? `"\${${from}}"` : quotedWide(value)}`,
      ),
      ...[...useLines(scene).map((line) => `# ${line}`), ...gapLines(scene)],
    ].join('\n')
  },
}

/** A DNS name (RFC 1123), which names of objects must be. */
function nameOf(systemName: string): string {
  const name = systemName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 200)
    .replace(/^-+|-+$/g, '')
  return quotedWide(name === '' ? 'model' : name)
}
